"""What every gate is made of: loopback sockets, who is at their other end, and the wait for a decision."""
