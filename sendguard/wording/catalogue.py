"""Translated texts, and numbers and dates as a language writes them."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from gettext import NullTranslations, translation
from locale import getlocale
from pathlib import Path

from sendguard.settings.setting import N_

LOCALES = Path(__file__).parent.parent / "locales"
DOMAIN = "sendguard"
LANGUAGES = ("en", "de")

_GROUP_MARK = {"en": ",", "de": "."}
_MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"), N_("July"), N_("August"),
    N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip
_YEAR_MATTERS_AFTER = timedelta(days=300)


def here_and_now() -> datetime:
    """The present moment, in the zone of this computer."""
    return datetime.now().astimezone()


class Catalogue:
    """The texts of one language. A text that has no translation is said in English: a msgid is an English sentence."""

    def __init__(
        self, language: str, translations: NullTranslations, now: Callable[[], datetime] = here_and_now
    ) -> None:
        self.language = language
        self._translations = translations
        self._now = now

    @classmethod
    def for_language(cls, code: str, now: Callable[[], datetime] = here_and_now) -> "Catalogue":
        """The catalogue for ``en`` or ``de``; empty means the language of the system, and any other means English."""
        language = code or system_language()
        if language not in LANGUAGES:
            language = "en"
        return cls(language, translation(DOMAIN, LOCALES, [language], fallback=True), now)

    def text(self, msgid: str, **values: object) -> str:
        """The text for a msgid, with ``{name}`` filled in from ``values``."""
        said = self._translations.gettext(msgid) if msgid else ""
        return said.format(**values) if values else said

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """The form for ``n``, with ``{n}`` filled in as a grouped number."""
        return self._translations.ngettext(one, many, n).format(n=self.number(n), **values)

    def number(self, n: int) -> str:
        """A whole number with its thousands grouped: 850,112 in English, 850.112 in German."""
        return f"{n:,}".replace(",", _GROUP_MARK[self.language])

    def date(self, at: datetime) -> str:
        """A day in words: ``today``, ``yesterday``, ``7 November``, with the year where it is long ago."""
        at, now = at.astimezone(), self._now().astimezone()
        if self.is_recent(at):
            return self.text(N_("today")) if at.date() == now.date() else self.text(N_("yesterday"))
        if abs(now - at) > _YEAR_MATTERS_AFTER:
            return self.text(N_("{day} {month} {year}"), day=at.day, month=self._month(at), year=at.year)
        return self.text(N_("{day} {month}"), day=at.day, month=self._month(at))

    def is_recent(self, at: datetime) -> bool:
        """Whether that was today or yesterday: then ``date`` gives an adverb, not a day of a month."""
        return 0 <= (self._now().astimezone().date() - at.astimezone().date()).days <= 1

    def moment(self, at: datetime) -> str:
        """A day with the time: ``today, 07:00``."""
        return f"{self.date(at)}, {at.astimezone():%H:%M}"

    def _month(self, at: datetime) -> str:
        return self.text(_MONTHS[at.month - 1])


def system_language() -> str:
    """The two letters of the language this session is in; ``en`` where nothing says so."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if said := os.environ.get(name, "").partition(":")[0]:
            return said[:2].lower()
    return (getlocale()[0] or "en")[:2].lower()
