"""Submission: the gate that mail clients send through, and the way to an account's submission server."""
