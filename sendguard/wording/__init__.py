"""What SendGuard says to a person, in their language. Pure: standard library only, no Qt."""
