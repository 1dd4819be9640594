"""What an organisation publishes for every desktop, its directory and its policy: signed, and fetched again and again."""
