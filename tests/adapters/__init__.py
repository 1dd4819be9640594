"""Adapters against the real programs they speak to."""
