"""The directory as one memory-mapped file: who is in which list, closed over nesting and cycles."""
