"""The EWS gate: a loopback endpoint before an Exchange server that holds the calls that send, and only those."""
