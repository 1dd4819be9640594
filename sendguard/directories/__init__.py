"""Where sizes of lists are known: each source of an organisation's directory is an adapter of its own."""
