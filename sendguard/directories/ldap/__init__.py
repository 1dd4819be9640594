"""Directories that speak LDAP, or were written out of one: what their entries say, and how they are asked."""
