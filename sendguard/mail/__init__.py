"""What mail is: addresses, headers, messages and submissions. Pure: no file, no network, no clock."""
