"""What an organisation publishes for all its desktops, directory and policy: signed, and fetched again and again."""
