"""Tests of the parts without effects: no server, no screen."""
