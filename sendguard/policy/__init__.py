"""What we think of a submission: pure, no clock, no server."""
