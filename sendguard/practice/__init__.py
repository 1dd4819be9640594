"""The practice mailbox: real servers on loopback, a made-up directory, and the story of 2016. No real mail."""
