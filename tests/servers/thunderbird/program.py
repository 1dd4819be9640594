"""A Thunderbird with a home, a profile and a session bus of its own, driven as a person would."""

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.servers.marionette import Marionette, Refused
from tests.servers.processes import LOOPBACK, Daemon, free_port, wait_until
from tests.servers.session_bus import SessionBus
from tests.servers.thunderbird import words
from tests.servers.thunderbird.installation import INSTALLED, PROGRAM
from tests.servers.thunderbird.settings import QUIET

SECONDS = 20.0
_numbers = itertools.count()


class Person(Protocol):
    """Whoever has a mailbox on one of the tests' servers."""

    @property
    def address(self) -> str:
        """The address, which is the login as well."""

    @property
    def password(self) -> str:
        """The password."""


@dataclass(frozen=True)
class Identity:
    """Somebody mail is written as."""

    address: str
    name: str = "Me Myself"


@dataclass(frozen=True)
class MailAccount:
    """An account on IMAP and SMTP servers, plain on loopback, whose passwords Thunderbird keeps."""

    user: str
    password: str
    imap: tuple[str, int]
    smtp: tuple[str, int]
    identities: tuple[Identity, ...]

    @classmethod
    def of(
        cls, person: Person, imap_port: int, smtp_port: int, *aliases: str, smtp_host: str = LOOPBACK
    ) -> "MailAccount":
        """The account of somebody, who also writes as ``aliases``."""
        identities = tuple(Identity(address) for address in (person.address, *aliases))
        return cls(person.address, person.password, (LOOPBACK, imap_port), (smtp_host, smtp_port), identities)


class Thunderbird:
    """A Thunderbird whose home is ``folder/home``. Nothing but loopback is reached.

    Where a method takes ``subject``, it means the composer with that subject; without one, the one used last.
    """

    def __init__(
        self,
        folder: Path,
        *,
        installation: Path = INSTALLED,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare. ``environment`` is for one that is to be seen on a display; without, it has no screen."""
        self.home = folder / "home"
        self.profile = self.home / ".thunderbird" / "abcd1234.default-release"
        self._program = installation / PROGRAM
        self._settings = QUIET | dict(settings or {})
        self._environment = {"MOZ_HEADLESS": "1"} if environment is None else dict(environment)
        self._bus = SessionBus(folder, accessibility=False)
        self._process: Daemon | None = None
        self._marionette: Marionette | None = None

    def __enter__(self) -> "Thunderbird":
        """Start, and wait for the main window."""
        try:
            self._make_profile()
            self._bus.start()
            # The second lets ``services.settings.server`` count.
            self._bus.environment |= self._environment | {"MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"}
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._marionette is not None:
            self._marionette.close()
        self._bus.stop()

    def start(self) -> None:
        """Start it again after ``quit``."""
        port = free_port()
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in (self._settings | {"marionette.port": port}).items()
        ]
        (self.profile / "user.js").write_text("\n".join(lines))
        command = [str(self._program), "--profile", str(self.profile), "--no-remote"]
        self._process = self._bus.run([*command, "--marionette", "--remote-allow-system-access"])
        self._process.wait_until_ready(lambda: self._is_connected(port), SECONDS)
        self.run('await until(main, "main window")')

    def quit(self) -> None:
        """End it as a person does, with everything written that it keeps; returns when its process is gone."""
        assert self._process is not None
        process = self._process
        self.run(words.CLOSE + "setTimeout(() => Services.startup.quit(Ci.nsIAppStartup.eForceQuit), 0);")
        wait_until(lambda: not process.is_running(), "end of Thunderbird", SECONDS)
        if self._marionette is not None:
            self._marionette.close()
            self._marionette = None

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in Thunderbird with the words of ``WORDS``."""
        assert self._marionette is not None
        return self._marionette.run(words.WORDS + script, *arguments)

    def add_exchange(self, url: str, person: Person) -> None:
        """Add the account, its way out, and where drafts and copies lie; returns once the folders are there."""
        self.run(words.ADD_EXCHANGE, url, person.address, person.password)

    def keep_password(self, origin: str, person: Person) -> None:
        """Keep somebody's password for ``KIND://HOST``, as a person does who ticks the box."""
        self.run("await keep(...args)", origin, person.address, person.password)

    def add_mail(self, account: MailAccount) -> None:
        """Likewise, and make it the default account: the folders, messages and identities below are its."""
        found = asdict(account)
        found["identities"] = [[each.address, each.name] for each in account.identities]
        self.run(words.ADD_MAIL, found)

    def home_with_profile(self) -> Path:
        """The home in which this profile, with everything Thunderbird has set until now, is found."""
        mark = f"tests.saved.{next(_numbers)}"
        self.run("Services.prefs.setBoolPref(args[0], true); Services.prefs.savePrefFile(null)", mark)
        # It is written on another thread.
        wait_until(lambda: mark in (self.profile / "prefs.js").read_text(), "prefs.js")
        return self.home

    def folders(self) -> list[str]:
        """The names of the account's folders."""
        return list(self.run("return root().subFolders.map(each => each.name);"))

    def wait_for_message(self, message_id: str, folder: str = "Inbox") -> None:
        """Wait until a message (its id without brackets) is seen in a folder: Inbox, Drafts, SentMail."""
        self.run(words.SEEN, message_id, folder)

    def answer(self, message_id: str, kind: str = "ReplyAll") -> str:
        """Wait for a message (its id without brackets) and answer it; returns the composer's title.

        ``kind`` is a word of nsIMsgCompType: Reply, ReplyAll, ReplyToSender, ReplyToList, ForwardInline,
        ForwardAsAttachment, Redirect, EditAsNew.
        """
        return str(self.run(words.ANSWER, message_id, kind))

    def reply_all(self, message_id: str) -> str:
        """Answer to all."""
        return self.answer(message_id)

    def write(
        self,
        *to: str,
        subject: str = "Lunch",
        body: str = "Hello",
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
        sender: str = "",
    ) -> None:
        """Begin a new message, as the identity with the address ``sender`` or as the first one."""
        fields = {"to": to, "cc": cc, "bcc": bcc, "subject": subject, "body": body, "from": sender}
        self.run(words.WRITE, fields)

    def edit_draft(self, subject: str) -> None:
        """Wait for a draft and open it to write on."""
        self.run(words.EDIT_DRAFT, subject)

    def save_draft(self, subject: str = "") -> None:
        """Save the message that is being written; returns once that is done."""
        self.run(words.SAVE_DRAFT, subject)

    def type(
        self, *, window: str = "", to: Sequence[str] = (), cc: Sequence[str] = (), subject: str = "", body: str = ""
    ) -> None:
        """Go on writing in the composer with the subject ``window``: more recipients, more text, another subject."""
        self.run(words.TYPE, window, {"to": to, "cc": cc, "subject": subject, "body": body})

    def replace_recipients(self, *to: str, subject: str = "") -> None:
        """Take everybody out of a composer's To, Cc and Bcc, and put these into To."""
        self.run(words.REPLACE_RECIPIENTS, subject, to)

    def composed(self, subject: str = "") -> dict[str, Any]:
        """What stands in a composer: to, cc, bcc, subject, body, and whether it is locked."""
        return dict(self.run(words.COMPOSED, subject))

    def press_send(self, subject: str = "") -> None:
        """Press Send, and wait until it is under way. What comes of it is seen by ``is_composing`` and ``alert``."""
        self.run(words.PRESS_SEND, subject)

    def press_cancel(self) -> None:
        """Press Cancel in the window that shows the sending."""
        self.run(words.PRESS_CANCEL)

    def close_composers(self) -> None:
        """Close every composer, keeping nothing."""
        self.run(words.CLOSE)

    def is_composing(self, subject: str = "") -> bool:
        """Whether a composer is open."""
        return bool(self.run("return Boolean(composer(args[0]))", subject))

    def is_ready(self, subject: str = "") -> bool:
        """Whether a composer is open and can be used."""
        return bool(self.run("return Boolean(isReady(args[0]))", subject))

    def wait_until_sent(self, subject: str = "") -> None:
        """Wait until the composer has closed."""
        wait_until(lambda: not self.is_composing(subject), "end of the composer", SECONDS)

    def wait_until_ready(self, subject: str = "") -> None:
        """Wait until the composer can be used again."""
        self.run('await until(() => isReady(args[0]), "composer that can be used again")', subject)

    def alert(self, subject: str = "") -> str:
        """Wait for a dialog, close it, and return its title and what it says."""
        text = str(self.run(words.ALERT))
        self.wait_until_ready(subject)
        return text

    def picture(self, path: Path, page: str = "commonDialog.xhtml") -> None:
        """Write what a window shows to a .png; ``page`` is the end of its address."""
        path.write_bytes(base64.b64decode(self.run(words.PICTURE, page)))

    def _make_profile(self) -> None:
        self.profile.mkdir(parents=True)
        found = f"[Profile0]\nName=default-release\nIsRelative=1\nPath={self.profile.name}\nDefault=1\n"
        (self.profile.parent / "profiles.ini").write_text(f"{found}\n[General]\nStartWithLastProfile=1\nVersion=2\n")

    def _is_connected(self, port: int) -> bool:
        try:
            self._marionette = Marionette(port, SECONDS)
        except (OSError, Refused):
            return False
        return True
