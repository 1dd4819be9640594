"""A private Mailman 3 core: its REST interface alone, with a database of its own, that sends no mail."""

import base64
import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib import request
from urllib.error import URLError
from urllib.parse import quote, urlencode

from tests.servers.processes import LOOPBACK, Daemon, free_port, unprivileged_user

DOMAIN = "lists.test"
USER = "admin"
PASSWORD = "pass word"

# The REST runner on its own, without the master that would start eleven others.
_RUNNER = "/usr/lib/mailman3/bin/runner"
# The Python Mailman is installed for.
_PYTHON = "/usr/bin/python3"

_CONFIGURATION = """
[paths.here]
var_dir: {folder}/var
[mailman]
layout: here
site_owner: owner@{domain}
[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{folder}/var/mailman.db
[mta]
incoming: mailman.mta.null.NullMTA
[webservice]
hostname: {host}
port: {port}
admin_user: {user}
admin_pass: {password}
workers: 1
"""

# Through Mailman's own tables and without its checks, which take 6 ms a member.
_LOADER = """
import sys
from mailman.core.initialize import initialize
initialize(sys.argv[1])
from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
addresses = {}
for line in sys.stdin:
    list_id, email = line.split()
    if email not in addresses:
        addresses[email] = Address(email, "")
        config.db.store.add(addresses[email])
    config.db.store.add(Member(MemberRole.member, list_id, addresses[email]))
config.db.commit()
"""


class Mailman:
    """Its REST interface on ``port``, at ``url``. It starts with the domain DOMAIN and no list."""

    def __init__(self, folder: Path) -> None:
        """Write the configuration into ``folder``, which other users must be able to enter (``server_folder``)."""
        self.folder = folder
        self.port = free_port()
        self._user = unprivileged_user()
        self._config = folder / "mailman.cfg"
        self._daemon: Daemon | None = None
        (folder / "var").mkdir()
        entry = pwd.getpwnam(self._user)
        os.chown(folder / "var", entry.pw_uid, entry.pw_gid)
        self._config.write_text(
            _CONFIGURATION.format(
                folder=folder, domain=DOMAIN, host=LOOPBACK, port=self.port, user=USER, password=PASSWORD
            )
        )

    @property
    def url(self) -> str:
        """Where the REST interface is."""
        return f"http://{LOOPBACK}:{self.port}/3.1"

    def start(self) -> None:
        """Start, and return when it answers."""
        assert self._daemon is None, "it runs already"
        command: list[str | Path] = [_RUNNER, "-C", self._config, "--runner=rest:0:1"]
        self._daemon = Daemon(command, log=self.folder / "mailman.log", user=self._user, env=self._environment())
        try:
            self._daemon.wait_until_ready(self._answers, 30)
            self.ask("domains", mail_host=DOMAIN, alias_domain=f"also.{DOMAIN}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and its workers."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def __enter__(self) -> "Mailman":
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def new_list(self, name: str, *, visibility: str = "public", aliases: Iterable[str] = ()) -> str:
        """Make a list that shows its roster to those who ``visibility`` says; returns its id."""
        self.ask("lists", fqdn_listname=f"{name}@{DOMAIN}")
        config: dict[str, str | list[str]] = {"member_roster_visibility": visibility}
        if aliases:
            config["acceptable_aliases"] = list(aliases)
        self._request("PATCH", f"lists/{name}.{DOMAIN}/config", config)
        return f"{name}.{DOMAIN}"

    def subscribe(self, list_id: str, address: str, **more: str) -> None:
        """Make somebody a member of a list, or what ``role`` says.

        ``delivery_mode`` and ``delivery_status`` have the interface's words.
        """
        self.ask(
            "members",
            list_id=list_id,
            subscriber=address,
            pre_verified="yes",
            pre_confirmed="yes",
            pre_approved="yes",
            send_welcome_message="no",
            **more,
        )

    def link(self, address: str, other: str) -> None:
        """Give the user who has an address another one."""
        self.ask(f"users/{quote(address, safe='')}/addresses", email=other)

    def load(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Make many members at once: pairs of list id and an address that Mailman does not know yet."""
        subprocess.run(
            [*self._as_user(), _PYTHON, "-c", _LOADER, self._config],
            input="".join(f"{list_id} {address}\n" for list_id, address in pairs),
            text=True,
            check=True,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
        )

    def ask(self, path: str, **form: str) -> None:
        """Make something through the interface."""
        self._request("POST", path, form)

    def _request(self, method: str, path: str, form: Mapping[str, str | list[str]]) -> None:
        body = urlencode(form, doseq=True).encode() if form else None
        asked = request.Request(f"{self.url}/{path}", body, method=method)  # noqa: S310  # our own server
        asked.add_header("Authorization", f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}")
        with request.build_opener(request.ProxyHandler({})).open(asked, timeout=30) as answer:
            answer.read()

    def _answers(self) -> bool:
        with contextlib.suppress(URLError, ConnectionError):
            self._request("GET", "system/versions", {})
            return True
        return False

    def _as_user(self) -> list[str]:
        if self._user == pwd.getpwuid(os.getuid()).pw_name:
            return []
        entry = pwd.getpwnam(self._user)
        return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
