"""Checks of our own that no tool makes, run by `make check`: a line for each thing wrong, and exit code 1."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRANSLATORS = {"_", "gettext", "ngettext", "pgettext", "npgettext", "tr"}


def lock_problems() -> Iterator[str]:
    """The lock carries a hash for everything, no address, and all that pyproject.toml asks for."""
    lock = (ROOT / "requirements.lock").read_text()
    if "://" in lock:
        yield "requirements.lock: names an address; make it with `make lock`"
    locked = {name(line) for line in lock.splitlines() if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    for requirement in wanted:
        if name(requirement) not in locked:
            yield f"requirements.lock: {name(requirement)} is missing; run `make lock`"
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if "--hash=sha256:" not in entry:
            yield f"requirements.lock: {name(entry)} has no hash"


def name(requirement: str) -> str:
    """Return the normalised project name a requirement begins with (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]).lower()


def translation_problems() -> Iterator[str]:
    """A text to translate is written out: an f-string is never found again in the catalogue."""
    for path in sorted((ROOT / "sendguard").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and called(node) in TRANSLATORS:
                for argument in node.args:
                    if isinstance(argument, ast.JoinedStr):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}: f-string in {called(node)}()"


def called(call: ast.Call) -> str:
    """Return the last name of what is called: ``tr`` of ``self.tr(...)``."""
    match call.func:
        case ast.Name(id=found) | ast.Attribute(attr=found):
            return found
        case _:
            return ""


if __name__ == "__main__":
    problems = [*lock_problems(), *translation_problems()]
    print("\n".join(problems) if problems else "own checks: nothing wrong")
    sys.exit(bool(problems))
