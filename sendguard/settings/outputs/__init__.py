"""The declaration of settings in the formats of those who deploy it. Pure: each makes octets or text."""
