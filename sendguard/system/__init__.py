"""What differs between operating systems. No Qt."""
