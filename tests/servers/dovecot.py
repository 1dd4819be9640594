"""A private Dovecot, as an ordinary user: IMAP for clients, LMTP for delivery, and AUTH for Postfix to ask."""

import grp
import itertools
import os
import pwd
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.certificates import ServerCertificate
from tests.servers.processes import (
    Daemon,
    answers_with,
    free_port,
    unprivileged_user,
    wait_until,
)

DOMAIN = "example.test"
_numbers = itertools.count(1)

# Dovecot 2.3 wants one setting a line inside braces. The 'chroot =' lines and the users let it run without root.
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
info_log_path = {folder}/dovecot.log
instance_name = sendguard-{imap_port}
protocols = imap lmtp
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {user}
mail_gid = {group}
mail_location = maildir:{folder}/mail/%u
mailbox_list_index = yes
hostname = imap.{domain}
postmaster_address = postmaster@{domain}
{tls}
{extra}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users/%u
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users/%u
  override_fields = uid={user} gid={group} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}
}}
service imap-login {{
  chroot =
  process_min_avail = 2
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 256
}}
service lmtp {{
  user = {user}
  process_min_avail = 1
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
  # no penalty for wrong passwords: it would slow down every later login from loopback
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
protocol imap {{
  mail_max_userip_connections = 200
{capability}
}}
"""

# The AUTH service alone, for Postfix: so that a submission server still knows its people while IMAP is down.
_AUTH_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/auth.log
info_log_path = {folder}/auth.log
instance_name = sendguard-auth-{number}
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {users}/%u
}}
service auth {{
  unix_listener {folder}/socket {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
  # no penalty for wrong passwords: it would slow down every later login from loopback
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_TLS = """
ssl = yes
ssl_min_protocol = TLSv1.2
ssl_cert = <{certificate}
ssl_key = <{key}
"""

_MAILBOX = """  mailbox {name} {{
    auto = subscribe
    special_use = \\{flag}
  }}"""

_SPECIAL_USE = {"Drafts": "Drafts", "Sent": "Sent", "Trash": "Trash", "Junk": "Junk"}

# What Dovecot 2.3 offers after login, without IDLE (and NOTIFY, which does the same).
_WITHOUT_IDLE = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "MULTIAPPEND UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT "
    "SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SPECIAL-USE LITERAL+"
)


@dataclass(frozen=True)
class Person:
    """Somebody with a mailbox, an address that is the login as well, and a password."""

    address: str
    password: str = field(repr=False)


class Dovecot:
    """IMAP on ``port`` (and ``tls_port`` with a certificate), LMTP on ``lmtp_port``.

    Ports and mail stay the same over ``stop`` and ``start``. A certificate also turns STARTTLS on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        certificate: ServerCertificate | None = None,
        idle: bool = True,
        special_use: bool = True,
        extra: str = "",
    ) -> None:
        """Write the configuration into ``folder``, which other users must be able to enter (``server_folder``).

        Without ``idle`` the server does not offer IDLE; without ``special_use`` it makes no Drafts, Sent, Trash or
        Junk. ``extra`` are more lines of Dovecot's configuration.
        """
        self.folder = folder
        self.port, self.lmtp_port = free_port(), free_port()
        self.tls_port = free_port() if certificate else 0
        self.users = folder / "users"
        self._user, group = _hand_over(folder, "run", "state", "mail", "home")
        self._daemon: Daemon | None = None
        self.users.mkdir()
        boxes = [_MAILBOX.format(name=n, flag=f) for n, f in _SPECIAL_USE.items()] if special_use else []
        self._write_readable(
            folder / "dovecot.conf",
            _CONFIGURATION.format(
                folder=folder,
                user=self._user,
                group=group,
                domain=DOMAIN,
                imap_port=self.port,
                imaps_port=self.tls_port,
                lmtp_port=self.lmtp_port,
                tls=self._tls(certificate),
                extra=extra,
                mailboxes="\n".join(boxes),
                capability="" if idle else f"  imap_capability = {_WITHOUT_IDLE}",
            ),
        )

    def start(self) -> None:
        """Start, and return when IMAP and LMTP both greet."""
        assert self._daemon is None, "it runs already"
        command = ["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]
        self._daemon = Daemon(command, log=self.folder / "dovecot.log", user=self._user)
        try:
            self._daemon.wait_until_ready(
                lambda: answers_with(self.port, b"* OK") and answers_with(self.lmtp_port, b"220")
            )
        except BaseException:
            self._daemon = None
            raise

    def stop(self) -> None:
        """Stop, closing every connection; mail and ports stay."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def kill(self) -> None:
        """Stop as a crash would: no BYE to anybody."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon = None

    def __enter__(self) -> "Dovecot":
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server, in no order: asked politely it takes a second."""
        self.kill()

    def new_person(self, name: str = "me") -> Person:
        """Add somebody with an empty mailbox and an address nobody had before in this test run."""
        return self.add_person(f"{name}-{next(_numbers)}@{DOMAIN}")

    def add_person(self, address: str, password: str = "pass word") -> Person:
        """Add somebody by address: in a file of their own, as Dovecot looks only once a second for a changed one."""
        self._write_readable(self.users / address, f"{address}:{{PLAIN}}{password}::::::\n")
        return Person(address, password)

    def maildir(self, person: Person, folder: str = "INBOX") -> Path:
        """Return where the mail of a folder lies, whether or not it exists yet."""
        root = self.folder / "mail" / person.address
        return root if folder == "INBOX" else root / f".{folder.replace('/', '.')}"

    def messages(self, person: Person, folder: str = "INBOX") -> list[Path]:
        """Return the files of a folder's messages, in no order; the part after ':2,' of a name holds its flags."""
        maildir = self.maildir(person, folder)
        return [path for part in ("new", "cur") for path in (maildir / part).glob("*")]

    def wait_for_messages(self, person: Person, count: int, folder: str = "INBOX", seconds: float = 10) -> list[bytes]:
        """Wait until a folder holds ``count`` messages or more, and return their bytes."""
        found = wait_until(
            lambda: len(paths := self.messages(person, folder)) >= count and paths,
            f"{count} messages in {folder} of {person.address}",
            seconds,
        )
        return [path.read_bytes() for path in found or []]

    def forget(self, person: Person) -> None:
        """Throw a mailbox away: its folders come back empty, with another UIDVALIDITY, at the next login."""
        shutil.rmtree(self.maildir(person), ignore_errors=True)

    def log_text(self) -> str:
        """Return everything Dovecot has logged."""
        return (self.folder / "dovecot.log").read_text(errors="replace")

    def _tls(self, certificate: ServerCertificate | None) -> str:
        if certificate is None:
            return "ssl = no"
        paths = (self.folder / "server.pem", self.folder / "server.key")
        self._write_readable(paths[0], certificate.certificate.read_text())
        self._write_readable(paths[1], certificate.key.read_text())
        return _TLS.format(certificate=paths[0], key=paths[1])

    @staticmethod
    def _write_readable(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o644)


class DovecotAuth:
    """AUTH for Postfix on ``socket``, for the people of a Dovecot that need not run itself."""

    def __init__(self, folder: Path, dovecot: Dovecot) -> None:
        """Write the configuration into ``folder``, which other users must be able to enter."""
        self.folder = folder
        self.socket = folder / "socket"
        self._daemon: Daemon | None = None
        self._user, group = _hand_over(folder, "run", "state")
        (folder / "auth.conf").write_text(
            _AUTH_CONFIGURATION.format(
                folder=folder, users=dovecot.users, user=self._user, group=group, number=next(_numbers)
            )
        )

    def start(self) -> None:
        """Start, and return when the socket is there."""
        command = ["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "auth.conf")]
        self._daemon = Daemon(command, log=self.folder / "auth.log", user=self._user)
        self._daemon.wait_until_ready(self.socket.exists)

    def stop(self) -> None:
        """Stop the service; it has nothing to put away, and asked politely it takes a second."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon = None


def _hand_over(folder: Path, *names: str) -> tuple[str, str]:
    """Give ``folder`` and new folders in it to the user Dovecot runs as; return that user and its group."""
    user = unprivileged_user()
    entry = pwd.getpwnam(user)
    for path in (folder, *(folder / name for name in names)):
        path.mkdir(exist_ok=True)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return user, grp.getgrgid(entry.pw_gid).gr_name
