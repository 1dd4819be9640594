"""The list of promises names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_every_test_named_in_the_list_of_promises_exists() -> None:
    named = set(re.findall(r"^- `(test_\w+)`$", (TESTS / "README.md").read_text(), re.MULTILINE))
    there = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 40
    assert named - there == set()
