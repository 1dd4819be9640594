"""What we do about a submission: hold it, ask, and let it go or not. No Qt, no network library."""
