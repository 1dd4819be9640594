"""Every setting, declared once: the settings page, the file and the documentation are made from this list."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sendguard.audience.signs import DEFAULT_PATTERNS


class Type(StrEnum):
    """What kind of value a setting has, and so which control shows it."""

    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    PATH = "path"
    """A file or a folder."""
    LINES = "lines"
    """A list of texts, one a line."""
    RULES = "rules"
    """A list of patterns, each with a message: ``pattern | message``, one a line; in the file a list of such texts."""


Value = int | bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    ``name`` has letters and digits only (it is a registry value, a plist key and a JSON key). ``stricter`` says which
    direction guards more: ``lower``, ``higher``, ``true``, ``more`` entries, or None where there is no such thing.
    ``title``, ``description``, ``unit`` and the choices' titles are msgids of the translation catalogue.
    """

    name: str
    type: Type
    default: Value
    title: str
    description: str
    page: str
    low: int = 0
    high: int = 10_000_000
    unit: str = ""
    off_at_zero: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    stricter: Literal["lower", "higher", "true", "more"] | None = None


def N_(text: str) -> str:
    """Mark a text for the translation catalogue."""
    return text


_CHECK = (("off", N_("Off")), ("notice", N_("Mention it")), ("ask", N_("Always ask")))


def _check(name: str, title: str, description: str) -> Setting:
    return Setting(name, Type.CHOICE, "notice", title, description, "checks", choices=_CHECK)


def _people(name: str, default: int, title: str, description: str, page: str = "sizes") -> Setting:
    return Setting(
        name,
        Type.NUMBER,
        default,
        title,
        description,
        page,
        unit=N_("people"),
        off_at_zero=True,
        stricter="lower",
    )


PAGES = {
    "sizes": N_("When to ask"),
    "lists": N_("Lists"),
    "checks": N_("Small checks"),
    "directory": N_("Directory"),
    "program": N_("Program"),
}

SETTINGS: tuple[Setting, ...] = (
    _people(
        "AskReplyFrom",
        20,
        N_("Ask about a reply from"),
        N_("A reply that reaches this many people or more is held until you confirm it."),
    ),
    _people(
        "AskAnyFrom",
        100,
        N_("Ask about any message from"),
        N_("Any message that reaches this many people or more is held until you confirm it."),
    ),
    _people(
        "TypeFrom",
        500,
        N_("Have the number typed from"),
        N_("From this many people on, the number has to be typed before the message can be sent."),
    ),
    _people(
        "AskOutsideFrom",
        10,
        N_("Ask about outsiders from"),
        N_("A message to this many people or more outside the organisation is held until you confirm it."),
    ),
    _people(
        "BlockFrom",
        0,
        N_("Refuse from"),
        N_("A message that reaches this many people or more is refused. Nobody can confirm it."),
    ),
    Setting(
        "GrowthFactor",
        Type.NUMBER,
        3,
        N_("A list has grown when it is larger by a factor of"),
        N_("A list this many times as large as when it was last seen is asked about."),
        "sizes",
        low=2,
        high=1000,
        stricter="lower",
    ),
    Setting(
        "GrowthBy",
        Type.NUMBER,
        100,
        N_("… and by at least"),
        N_("Smaller growth is not asked about, whatever the factor."),
        "sizes",
        low=1,
        unit=N_("people"),
        stricter="lower",
    ),
    Setting(
        "OrganisationDomains",
        Type.LINES,
        (),
        N_("The organisation's domains"),
        N_("People at other domains are outsiders. One a line; *.example.org means every subdomain."),
        "lists",
    ),
    Setting(
        "ListPatterns",
        Type.LINES,
        DEFAULT_PATTERNS,
        N_("Names that lists have"),
        N_(
            "An address that no directory knows and that looks like this is a list of unknown size. One pattern a line."
        ),
        "lists",
        stricter="more",
    ),
    Setting(
        "KnownLists",
        Type.RULES,
        (),
        N_("Sizes you know"),
        N_("For lists no directory knows. One a line: address | number of people. 1 means that it is one person."),
        "lists",
    ),
    Setting(
        "DisagreementPercent",
        Type.NUMBER,
        20,
        N_("Two sizes of one list disagree from"),
        N_("You are asked when two sources differ by more than this share of the larger number, and ten people."),
        "lists",
        low=1,
        high=100,
        unit=N_("percent"),
        stricter="lower",
    ),
    Setting(
        "ProtectedLists",
        Type.RULES,
        (),
        N_("Protected lists"),
        N_("Messages to these are always asked about. One a line: pattern | message to show."),
        "lists",
        stricter="more",
    ),
    Setting(
        "BlockedLists",
        Type.RULES,
        (),
        N_("Blocked lists"),
        N_("Messages to these are refused. One a line: pattern | message to show."),
        "lists",
        stricter="more",
    ),
    _check(
        "CheckVisibleRecipients",
        N_("Many recipients who see one another"),
        N_("Where many addresses stand in To and Cc, Bcc would keep them private."),
    ),
    Setting(
        "VisibleFrom",
        Type.NUMBER,
        15,
        N_("Many are, from"),
        N_("So many addresses in To and Cc together."),
        "checks",
        low=2,
        high=10_000,
        unit=N_("addresses"),
        stricter="lower",
    ),
    _check(
        "CheckNewOutsider",
        N_("A new outsider in a reply"),
        N_("Someone outside the organisation who was not part of the conversation."),
    ),
    _check(
        "CheckAttachment",
        N_("A missing attachment"),
        N_("The text speaks of an attachment and there is none."),
    ),
    _check("CheckSubject", N_("An empty subject"), N_("The message has no subject.")),
    Setting(
        "Directory",
        Type.PATH,
        "",
        N_("Directory on this computer"),
        N_("An index file, an LDIF export, or a folder with members.csv, sizes.csv, aliases.csv and domains.csv."),
        "directory",
    ),
    Setting(
        "DirectoryAddress",
        Type.TEXT,
        "",
        N_("Published directory"),
        N_("The https:// address your IT publishes the directory at. It is fetched in the background."),
        "directory",
    ),
    Setting(
        "DirectoryName",
        Type.TEXT,
        "directory",
        N_("Name of the published directory"),
        N_("As your IT publishes it. A directory of another name is not taken, whoever signed it."),
        "directory",
    ),
    Setting(
        "DirectoryKeys",
        Type.LINES,
        (),
        N_("Keys of the published directory"),
        N_("Only what is signed with one of these is taken. One public key a line, as your IT gives it to you."),
        "directory",
    ),
    Setting(
        "DirectoryHours",
        Type.NUMBER,
        24,
        N_("Look for a newer directory every"),
        N_("Somewhere in that time, so that not everybody asks at once."),
        "directory",
        low=1,
        high=720,
        unit=N_("hours"),
    ),
    Setting(
        "LookupDeadline",
        Type.NUMBER,
        1500,
        N_("Wait for the directory at most"),
        N_("Whatever has not answered by then counts as unknown, and you are asked."),
        "directory",
        low=100,
        high=30_000,
        unit=N_("milliseconds"),
    ),
    Setting(
        "HoldSecondsThunderbird",
        Type.NUMBER,
        80,
        N_("Let Thunderbird wait for your answer at most"),
        N_("Thunderbird gives up after 100 seconds. Before that it is told to try again, and your answer is kept."),
        "program",
        low=5,
        high=590,
        unit=N_("seconds"),
    ),
    Setting(
        "HoldSecondsOther",
        Type.NUMBER,
        45,
        N_("Let other mail programs wait at most"),
        N_("Then they are told to try again, and your answer is kept for ten minutes."),
        "program",
        low=5,
        high=590,
        unit=N_("seconds"),
    ),
    Setting(
        "HoldSecondsExchange",
        Type.NUMBER,
        240,
        N_("Let Exchange mail programs wait at most"),
        N_("Thunderbird gives up after 300 seconds. Before that it is told to try again, and your answer is kept."),
        "program",
        low=5,
        high=290,
        unit=N_("seconds"),
    ),
    Setting(
        "MaxMessageMegabytes",
        Type.NUMBER,
        50,
        N_("Largest message the gate takes"),
        N_("Your mail server's own limit applies as well."),
        "program",
        low=1,
        high=500,
        unit=N_("megabytes"),
    ),
    Setting(
        "MaxRecipients",
        Type.NUMBER,
        2000,
        N_("Most recipients the gate takes in one message"),
        N_("Addresses, not people: a list counts as one."),
        "program",
        low=1,
        high=10_000,
        unit=N_("addresses"),
        stricter="lower",
    ),
    Setting(
        "OAuthClientId",
        Type.TEXT,
        "",
        N_("Application id for Exchange Online"),
        N_("The id your IT registered SendGuard under at Microsoft Entra; people sign in to Exchange Online with it."),
        "program",
    ),
    Setting(
        "OAuthTenant",
        Type.TEXT,
        "",
        N_("Tenant for Exchange Online"),
        N_("Your organisation's id or domain at Microsoft Entra. Empty for whichever a person belongs to."),
        "program",
    ),
    Setting(
        "HistoryDays",
        Type.NUMBER,
        90,
        N_("Keep the history for"),
        N_("It stays on this computer and holds no address and no subject."),
        "program",
        low=1,
        high=3650,
        unit=N_("days"),
    ),
    Setting(
        "StartAtLogin",
        Type.SWITCH,
        False,
        N_("Start at login"),
        N_("SendGuard starts with your session, in the tray."),
        "program",
    ),
    Setting(
        "Language",
        Type.CHOICE,
        "",
        N_("Language"),
        N_("Takes effect at the next start."),
        "program",
        choices=(("", N_("As the system")), ("en", "English"), ("de", "Deutsch")),
    ),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}
