"""The translation catalogues: `python packaging/translations.py` brings every .po up to the texts in the code."""

import re
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "sendguard" / "locales"
SPEAKING = ("wording", "desktop", "smtp", "practice", "terminal", "bootstrap")
"""Packages in which ``say.text(...)`` and ``say.plural(...)`` are texts; elsewhere only ``N_(...)`` is."""

_SETTING = re.compile(r"([A-Z][a-z]+){2,}")
"""What ``values.text(...)`` is given: names of settings, not texts."""


_NOISE = tuple(
    f'"{name}'.encode()
    for name in ("Report-Msgid", "POT-Creation", "PO-Revision", "Last-Trans", "Language-Team", "Generated-By")
)
"""Header lines that change at every run, or say nothing."""


def extracted() -> Catalog:
    """Every text of the code that a person may read, in the order of the files."""
    catalog = Catalog(project="SendGuard", charset="utf-8")
    for path in sorted((ROOT / "sendguard").rglob("*.py")):
        speaks = path.relative_to(ROOT / "sendguard").parts[0] in SPEAKING
        keywords = {"N_": None, **({"text": None, "plural": (1, 2)} if speaks else {})}
        for _, msgid, comments, _ in extract_from_file(
            "python", path, keywords=keywords, comment_tags=("TRANSLATORS:",)
        ):
            if not (isinstance(msgid, str) and _SETTING.fullmatch(msgid)):
                catalog.add(msgid, auto_comments=comments, locations=[(str(path.relative_to(ROOT).parent), 0)])
    return catalog


def read(path: Path) -> Catalog:
    """The catalogue of a .po file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def written(catalog: Catalog) -> bytes:
    """A catalogue as the text of a .po file."""
    out = BytesIO()
    write_po(out, catalog, width=110, include_lineno=False, omit_header=False, sort_output=False)
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_NOISE))


if __name__ == "__main__":
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/sendguard.po")):
        catalog = read(path)
        catalog.update(extracted(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        path.write_bytes(written(catalog))
        left = [
            message.id for message in catalog if (message.id and not message.string) or (message.fuzzy and message.id)
        ]
        print(f"{path.relative_to(ROOT)}: {len(catalog)} texts, {len(left)} to translate", *left, sep="\n  ")
    sys.exit(0)
