"""Asking and telling in a terminal, where there is no screen."""
