"""Replies: upstream's own, passed on, and ours, in words a person reads in the mail client's dialog."""

import re
from dataclasses import dataclass

from sendguard.settings.setting import N_
from sendguard.smtp.content import Problem
from sendguard.wording.catalogue import Catalogue

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_LINE = 500
"""RFC 5321 §4.5.3.1.5 allows 512 octets, code and CRLF included."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code and its text, several lines joined by a line feed. May hold addresses: never log the text."""

    code: int
    text: str

    @classmethod
    def own(cls, code: int, status: str, words: str) -> "Reply":
        """A reply of ours; ``status`` is the enhanced code (RFC 3463) that begins each line.

        The last line loses its full stop: Thunderbird puts its own after it.
        """
        lines = words.removesuffix(".").split("\n")
        return cls(code, "\n".join(f"{status} {line}" for line in lines))

    @property
    def is_positive(self) -> bool:
        """Whether the server agreed (2xx)."""
        return 200 <= self.code < 300

    def wire(self) -> bytes:
        """The reply as it is sent, without the last CRLF. UTF-8, whatever was negotiated: Thunderbird shows it."""
        lines = [_fit(line) for line in self.text.split("\n")]
        *others, last = (b"%d-%s" % (self.code, line) for line in lines)
        return b"\r\n".join((*others, last.replace(b"-", b" ", 1)))


def _fit(line: str) -> bytes:
    octets = _UNPRINTABLE.sub(" ", line).encode("utf-8", "replace")
    return octets[:LONGEST_LINE].decode("utf-8", "ignore").encode()


_NOT_SENT = N_("Nobody has received it. It is still in your mail program.")
_AGAIN = N_("Press Send again; if that fails too, ask your IT.")

_UNFIT = {
    Problem.BARE_CR_OR_LF: N_("SendGuard did not send this message: servers read its line ends differently."),
    Problem.NUL: N_("SendGuard did not send this message: it holds a NUL character."),
    Problem.LONG_LINE: N_("SendGuard did not send this message: it holds a line that is too long for mail."),
}
_UNREACHABLE = {
    "tls": N_("SendGuard did not send this message: the mail server's certificate is not valid. Ask your IT."),
    "timeout": N_("SendGuard did not send this message: the mail server did not answer in time."),
    "login": N_("SendGuard did not send this message: the mail server did not accept the login any more."),
}


def unfit(say: Catalogue, problem: Problem) -> Reply:
    """Content that no server should be given (554)."""
    return _own(say, 554, "5.6.0", _UNFIT[problem], _NOT_SENT, N_("Send it in another form, attached for example."))


def too_large(say: Catalogue, octets: int) -> Reply:
    """More octets than upstream or the settings allow (552)."""
    most = N_("SendGuard did not send this message: it is larger than {megabytes} MB.")
    lines = (say.text(most, megabytes=say.number(octets // 1_000_000)), say.text(_NOT_SENT))
    return Reply.own(552, "5.3.4", "\n".join(lines))


def too_many_recipients(say: Catalogue, most: int) -> Reply:
    """One recipient more than the settings allow in one message (452, RFC 5321 §4.5.3.1.10)."""
    text = say.text(N_("SendGuard takes {most} recipients in one message."), most=say.number(most))
    return Reply.own(452, "4.5.3", text)


def not_an_identity(say: Catalogue) -> Reply:
    """A MAIL FROM that is none of the account's addresses (553)."""
    first = N_("SendGuard's gate does not send from this address: it is none of this account's.")
    return _own(say, 553, "5.7.1", first, N_("Choose another sender, or add the address to the account in SendGuard."))


def bad_address(say: Catalogue) -> Reply:
    """An envelope address that cannot be passed on as it is (553)."""
    return _own(say, 553, "5.1.3", N_("SendGuard cannot pass this address on: mail does not allow its characters."))


def login_needed(say: Catalogue) -> Reply:
    """MAIL before AUTH, where upstream wants AUTH (530)."""
    first = N_("SendGuard's gate needs the login of your mail server.")
    return _own(say, 530, "5.7.0", first, N_("Set user name and password for outgoing mail in your mail program."))


def another_user(say: Catalogue) -> Reply:
    """A client that another user of this computer runs (554)."""
    return _own(say, 554, "5.7.1", N_("SendGuard's gate serves the user who started it, and no other."))


def unreachable(say: Catalogue, why: str, code: int = 421) -> Reply:
    """Upstream cannot be talked to; nothing was handed over. After 421 the client's connection is closed."""
    first = _UNREACHABLE.get(why, N_("SendGuard did not send this message: the mail server cannot be reached."))
    return _own(say, code, "4.4.2", first, _NOT_SENT, _AGAIN)


def too_many_connections(say: Catalogue) -> Reply:
    """More clients at once than the gate serves (421)."""
    return _own(say, 421, "4.7.0", N_("SendGuard's gate serves no more connections at once."), _AGAIN)


def ends(say: Catalogue) -> Reply:
    """SendGuard is being ended while it asks (451)."""
    first = N_("SendGuard is being ended and did not send this message.")
    return _own(say, 451, "4.3.2", first, _NOT_SENT, N_("Start SendGuard, then press Send again."))


def perhaps_sent(say: Catalogue) -> Reply:
    """Upstream's answer to the final dot was lost (451)."""
    first = N_("The mail server's answer was lost: this message may have been sent, and may not.")
    then = N_("Look at SendGuard's window and at your Sent folder before you press Send again.")
    return _own(say, 451, "4.4.2", first, then)


def fault(words: str) -> Reply:
    """A fault of ours (451); nothing has left."""
    return Reply.own(451, "4.3.0", words)


def _own(say: Catalogue, code: int, status: str, *msgids: str) -> Reply:
    return Reply.own(code, status, "\n".join(say.text(msgid) for msgid in msgids))
