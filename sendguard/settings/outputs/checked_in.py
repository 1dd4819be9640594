"""Which generated files are kept beside the code, and what is in them."""

from collections.abc import Mapping

from sendguard.settings.outputs.apple import DOMAIN, bare_plist, manifest, mobileconfig
from sendguard.settings.outputs.described import Translate
from sendguard.settings.outputs.examples import MANAGED, RECOMMENDED, as_json
from sendguard.settings.outputs.group_policy import admx
from sendguard.settings.outputs.group_policy_texts import adml
from sendguard.settings.outputs.intune import page
from sendguard.settings.outputs.reference import reference
from sendguard.settings.outputs.schema import schema

FOLDER = "packaging/policies"
REGIONS = {"en": "en-US", "de": "de-DE"}
"""Windows' names of our languages."""


def checked_in(say: Mapping[str, Translate]) -> dict[str, bytes]:
    """Every file by its path in the repository. ``say`` translates into each language of ``REGIONS``."""
    english = say["en"]
    texts = {f"windows/{region}/sendguard.adml": adml(say[language]) for language, region in REGIONS.items()}
    files = texts | {
        "sendguard.schema.json": schema(english),
        "windows/sendguard.admx": admx(),
        "windows/oma-uris.md": page().encode(),
        "macos/sendguard.mobileconfig": mobileconfig(MANAGED, RECOMMENDED, english),
        f"macos/{DOMAIN}.plist": bare_plist(MANAGED, RECOMMENDED),
        f"macos/{DOMAIN}.manifest.plist": manifest(english),
        "linux/managed/10-example.json": as_json(MANAGED),
        "linux/recommended/10-example.json": as_json(RECOMMENDED),
    }
    return {f"{FOLDER}/{name}": octets for name, octets in files.items()} | {"docs/settings.md": reference(english)}
