"""The lists in Thunderbird's address books, as one person has them."""

from collections.abc import Mapping
from pathlib import Path

from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft, ListKind
from sendguard.directories.people import declare_people
from sendguard.directories.thunderbird_book import AddressBookUnreadable, BookList, read_book

BOOKS = ("abook.sqlite", "abook-*.sqlite", "history.sqlite")
"""The personal book, further ones (CardDAV among them), and collected addresses."""


class AddressBookCrawl:
    """An ``audience.crawl.Crawl`` over the address books of one Thunderbird profile. Read it after other sources.

    Such a list has no address. Thunderbird puts ``Name <Description>`` into the field, or ``Name <Name>`` where there
    is no description, so the list goes by its name, its description and its nickname, normalised. A text that several
    lists go by stands for all of them: Thunderbird permits two lists of one name.

    A member gets mail at the first address of their card; the second is the same person's. A card without an address
    brings nobody. Cards that are in no list are not said: Thunderbird collects the addresses of lists as well, and a
    card does not make one person of them. For the same reason a member in a domain that the directory speaks for, and
    does not know, is of unknown size. The books themselves speak for no domain.

    Works while Thunderbird runs, and never touches the profile.
    """

    name = "Thunderbird address books"

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say every list. Raises AddressBookUnreadable."""
        files = sorted({path for pattern in BOOKS for path in self._profile.glob(pattern)})
        if not files:
            raise AddressBookUnreadable("there is no address book in this Thunderbird profile")
        progress.begin(self.name, len(files), "books")
        books = {}
        for file in files:
            books[file.name] = read_book(file)
            progress.advance(1)
        for book in books.values():
            for each in book.values():
                declare_people(draft, each.members, at_home=False)
        for name, book in books.items():
            _say(draft, name, book)


def _say(draft: Draft, book: str, lists: Mapping[str, BookList]) -> None:
    for uid, each in lists.items():
        key = f"{book}/{uid}"
        draft.group(key, each.names, kind=ListKind.ADDRESS_BOOK)
        draft.members(key, (member[0] for member in each.members))
        draft.members(key, (f"{book}/{inner}" for inner in each.lists))
