"""Syslog over TLS (RFC 5424, RFC 5425): to an organisation's collector, and never in anybody's way."""
