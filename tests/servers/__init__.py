"""The servers and the display the tests talk to: real ones, private to a test run, on free ports."""
