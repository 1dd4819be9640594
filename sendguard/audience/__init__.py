"""How many distinct people a submission reaches, how that is known, and how old the knowledge is."""
