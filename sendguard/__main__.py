"""``python -m sendguard``."""

from sendguard.cli import main

main()
