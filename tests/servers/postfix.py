"""A private Postfix as the upstream submission server: AUTH by Dovecot, delivery into Dovecot by LMTP."""

import os
import pwd
import re
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from tests.servers.certificates import ServerCertificate
from tests.servers.dovecot import DOMAIN, Dovecot, DovecotAuth
from tests.servers.processes import Daemon, ServerFailed, answers_with, free_port, wait_until

_MAIN = """
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
alias_maps =
alias_database =
local_recipient_maps =
myhostname = upstream.{domain}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
biff = no

# Mail for our people goes to Dovecot; mail for anybody else is accepted and thrown away, never sent on.
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:anybody
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = discard:
local_transport = error:5.1.1 no local delivery here
virtual_mailbox_limit = 0
message_size_limit = {size_limit}
queue_minfree = 0

smtpd_sasl_auth_enable = {auth}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth_socket}
smtpd_relay_restrictions =
smtpd_recipient_restrictions =
  regexp:{folder}/etc/recipients
  {permit}
smtpd_discard_ehlo_keywords = {without}
smtpd_helo_required = yes
smtputf8_enable = yes
disable_vrfy_command = yes

# As fast as it can: a test that measures must not measure a courtesy.
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_hard_error_limit = 1000
anvil_status_update_time = 1s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
{tls}
{extra}
"""

_TLS = """
smtpd_tls_security_level = {level}
smtpd_tls_auth_only = {auth_only}
smtpd_tls_chain_files = {folder}/etc/key.pem, {folder}/etc/certificate.pem
smtpd_tls_loglevel = 0
"""

_MASTER = """
127.0.0.1:{port} inet n - n - 100 smtpd
postlog   unix-dgram n  -  n  -       1  postlogd
cleanup   unix    n     -  n  -       0  cleanup
qmgr      unix    n     -  n  300     1  qmgr
rewrite   unix    -     -  n  -       -  trivial-rewrite
bounce    unix    -     -  n  -       0  bounce
defer     unix    -     -  n  -       0  bounce
trace     unix    -     -  n  -       0  bounce
verify    unix    -     -  n  -       1  verify
flush     unix    n     -  n  1000?   0  flush
proxymap  unix    -     -  n  -       -  proxymap
tlsmgr    unix    -     -  n  1000?   1  tlsmgr
showq     unix    n     -  n  -       -  showq
error     unix    -     -  n  -       -  error
retry     unix    -     -  n  -       -  error
discard   unix    -     -  n  -       -  discard
lmtp      unix    -     -  n  -       -  lmtp
anvil     unix    -     -  n  -       1  anvil
scache    unix    -     -  n  -       1  scache
"""

_WRAPPED = "127.0.0.1:{port} inet n - n - 100 smtpd -o smtpd_tls_wrappermode=yes\n"

# Recipients by the first letters of their address, for a test that wants an answer of this kind.
_RECIPIENTS = """
/^refused/   550 5.1.1 Nobody of that name here
/^later/     451 4.7.1 Try again in a while
/^toomany/   452 4.5.3 Too many recipients
/^goodbye/   421 4.3.2 Closing down
"""

_OPEN_FOLDERS = "public pid".split()  # noqa: SIM905
_CLOSED_FOLDERS = "active bounce corrupt defer deferred flush hold incoming maildrop private saved trace".split()  # noqa: SIM905


class Postfix:
    """A submission server on ``port`` that wants AUTH and delivers to a Dovecot's people.

    With a certificate, STARTTLS is offered on ``port`` and TLS spoken from the start on ``tls_port``. Addresses that
    begin with ``refused``, ``later``, ``toomany`` or ``goodbye`` are answered 550, 451, 452 and 421; mail for other
    domains than example.test is accepted and thrown away. It takes mail while that Dovecot is down, too, and
    delivers it within seconds of its return. Needs root, as Postfix does.
    """

    def __init__(
        self,
        folder: Path,
        dovecot: Dovecot,
        *,
        certificate: ServerCertificate | None = None,
        require_tls: bool = False,
        auth: bool = True,
        size_limit: int = 33_554_432,
        without: Collection[str] = (),
        extra: str = "",
    ) -> None:
        """Write configuration and queue into ``folder``, which other users must be able to enter.

        Without ``auth`` everybody may send. ``size_limit`` is in bytes, 0 for none. ``without`` are EHLO keywords
        not to offer, such as ``"SMTPUTF8"``; ``extra`` are more lines of main.cf.
        """
        if os.getuid() != 0:
            raise ServerFailed("Postfix needs root to start: run the tests as root")
        self.folder = folder
        self.port = free_port()
        self.tls_port = free_port() if certificate else 0
        self._daemon: Daemon | None = None
        self._make_folders()
        self._auth = DovecotAuth(folder / "auth", dovecot)
        etc = folder / "etc"
        tls = "smtpd_tls_security_level = none"
        if certificate is not None:
            shutil.copy(certificate.certificate, etc / "certificate.pem")
            shutil.copy(certificate.key, etc / "key.pem")
            tls = _TLS.format(
                folder=folder, level="encrypt" if require_tls else "may", auth_only="yes" if require_tls else "no"
            )
        (etc / "main.cf").write_text(
            _MAIN.format(
                folder=folder,
                domain=DOMAIN,
                lmtp_port=dovecot.lmtp_port,
                auth_socket=self._auth.socket,
                auth="yes" if auth else "no",
                permit="permit_sasl_authenticated, reject" if auth else "permit",
                size_limit=size_limit,
                without=", ".join(without),
                tls=tls,
                extra=extra,
            )
        )
        wrapped = _WRAPPED.format(port=self.tls_port) if certificate else ""
        (etc / "master.cf").write_text(_MASTER.format(port=self.port) + wrapped)
        (etc / "recipients").write_text(_RECIPIENTS)
        # Postfix waits until a configuration is two seconds old, lest somebody is still writing it.
        for path in etc.iterdir():
            os.utime(path, (time.time() - 60, time.time() - 60))

    def start(self) -> None:
        """Start, and return when it greets."""
        assert self._daemon is None, "it runs already"
        self._auth.start()
        command = ["/usr/lib/postfix/sbin/master", "-c", str(self.folder / "etc"), "-d"]
        self._daemon = Daemon(command, log=self.folder / "master.log", env={"PATH": os.environ["PATH"]})
        try:
            self._daemon.wait_until_ready(lambda: answers_with(self.port, b"220"))
        except ServerFailed as failure:
            self.stop()
            raise ServerFailed(f"{failure}\n{self.log_text()[-2000:]}") from None

    def stop(self) -> None:
        """Stop, closing every connection; queue and ports stay."""
        self._auth.stop()
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def __enter__(self) -> "Postfix":
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def log_text(self) -> str:
        """Return everything Postfix has logged."""
        log = self.folder / "postfix.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def accepted(self) -> int:
        """Return how many messages were taken over so far: each got a 250 after its final dot, seen or not."""
        return len(re.findall(r"postfix/qmgr.*: from=<.*\(queue active\)", self.log_text()))

    def wait_for_accepted(self, count: int, seconds: float = 10) -> None:
        """Wait until ``count`` messages or more were taken over."""
        wait_until(lambda: self.accepted() >= count, f"{count} messages taken over by Postfix", seconds)

    def _make_folders(self) -> None:
        postfix = pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", postfix.pw_uid, -1)
        for name in _OPEN_FOLDERS:
            (self.folder / "queue" / name).mkdir(mode=0o755)
        for name in _CLOSED_FOLDERS:
            (self.folder / "queue" / name).mkdir(mode=0o700)
        for name in ("public", *_CLOSED_FOLDERS):
            os.chown(self.folder / "queue" / name, postfix.pw_uid, -1)
