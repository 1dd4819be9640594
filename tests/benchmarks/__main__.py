"""``make bench``: every figure of the README's table, measured in one run; exit status 1 when a limit is not kept.

Names on the command line run only those parts (``PARTS``); or others, directory and ldap, which
``make bench-directory`` runs.
"""

import importlib
import sys

from tests.benchmarks.gate import Measured

PARTS = ("gate", "drafts", "desktop", "thunderbird", "exchange", "exchange_sizes")


def main() -> int:
    chosen = sys.argv[1:] or PARTS
    rows: list[Measured] = []
    for part in chosen:
        rows += importlib.import_module(f"tests.benchmarks.{part}").run()
    print("| what | measured | must reach |  |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.name} | {row.measured} | {row.limit} | {'yes' if row.ok else 'NO'} |")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
