"""SendGuard stands between a person and the mail that should not have gone to 850,000 people."""
