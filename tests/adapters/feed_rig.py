"""A publisher, a web server with what it published, and a desktop that fetches it."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.directories.feed import Feed
from sendguard.directories.manifest import CONTEXT, FILE, Manifest, read_manifest
from sendguard.directories.publisher import Published, publish
from sendguard.published.signing import SigningKey, verified
from tests.indexes import MADE, drafted, pairs
from tests.servers.static_site import StaticSite

FEED = "nhs.test"


@dataclass
class Works:
    """IT's machine: each ``day`` somebody joins everybody, and the index is published into ``folder``."""

    place: Path
    key: SigningKey
    people: int = 3000
    name: str = "p"
    today: int = 0
    before: Index | None = None
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.place / "published"

    @classmethod
    def at(cls, place: Path, **keywords: Any) -> "Works":
        place.mkdir(parents=True, exist_ok=True)
        return cls(place, SigningKey.make(place / "key.pem"), **keywords)

    def build(self) -> Path:
        """The next day's index."""
        self.today += 1
        names = (f"{self.name}{number}@x.test" for number in range(self.people + self.today))
        octets = build(
            drafted(pairs(everybody=" ".join(names))),
            source="tests",
            made_at=self.made_at,
            new_key=os.urandom,
            before=self.before,
        )
        path = self.place / f"day-{self.today}.index"
        path.write_bytes(octets)
        self.before = Index.of(octets)
        return path

    @property
    def made_at(self) -> datetime:
        return MADE + timedelta(days=self.today)

    def publish(self, path: Path | None = None, **keywords: Any) -> Published:
        path = path or self.build()
        keywords = {"feed": FEED, "now": self.made_at, "level": 3} | keywords
        return publish(path, self.folder, keywords.pop("key", self.key), **keywords)

    def manifest(self) -> Manifest:
        return read_manifest(verified((self.folder / FILE).read_bytes(), CONTEXT, [self.key.public]))

    def sign(self, payload: bytes, context: str = CONTEXT, key: SigningKey | None = None) -> None:
        """Put any manifest into the folder, signed."""
        (self.folder / FILE).write_bytes((key or self.key).sign(context, payload))


@dataclass
class Desktop:
    """A person's computer: ``now`` is what its clock says."""

    site: StaticSite
    works: Works
    folder: Path
    now: datetime = MADE + timedelta(days=3)
    room: int = 1 << 40

    def feed(self, **keywords: Any) -> Feed:
        keywords = {"name": FEED, "now": lambda: self.now, "free": lambda folder: self.room} | keywords
        keys = keywords.pop("keys", [self.works.key.public])
        return Feed(keywords.pop("url", self.site.url), keys, self.folder, **keywords)

    def sequence(self) -> int:
        """What the index in force says of itself, every octet of it checked; 0 where none is."""
        path = self.feed().current()
        if path is None:
            return 0
        index = Index.open(path)
        index.verify()
        return index.header.sequence

    def fetched(self) -> list[str]:
        """The files fetched since this was asked last, in their order."""
        found = [f"{seen.path[1:]}" for seen in self.site.requests if seen.status in (200, 206)]
        self.site.seen.clear()
        return found
