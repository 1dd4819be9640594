"""What the gate itself answers: EWS's own forms, so that a client knows that nothing was sent and keeps its window."""

from xml.sax.saxutils import escape

from sendguard.exchange.gate.line import Answer
from sendguard.exchange.gate.soap import MESSAGES, SOAP_11, TYPES
from sendguard.settings.setting import N_
from sendguard.wording.catalogue import Catalogue

_ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
DENIED = "ErrorAccessDenied"
"""A ResponseCode that clients show and do not try again by themselves."""
_HOLD_ITEMS = frozenset({"CreateItem", "UpdateItem"})
"""Operations whose response messages have Items."""
_VERSION = (
    '<t:ServerVersionInfo MajorVersion="15" MinorVersion="0" MajorBuildNumber="847" MinorBuildNumber="32"'
    f' xmlns:t="{TYPES}"/>'
)
"""Exchange 2013 SP1, the oldest that is asked for nowadays: a client learns nothing newer from the gate."""

_NOT_SENT = N_("Nobody has received it. It is still in your mail program.")
_AGAIN = N_("Press Send again; if that fails too, ask your IT.")
_UNREACHABLE = {
    "tls": N_("SendGuard did not send this message: the mail server's certificate is not valid. Ask your IT."),
    "timeout": N_("SendGuard did not send this message: the mail server did not answer in time."),
}
_UNREACHED = N_("SendGuard did not send this message: the mail server cannot be reached.")


def not_done(operation: str, items: int, words: str, code: str = DENIED) -> Answer:
    """One error for each item of a call, in the operation's own form. ``words`` hold no address."""
    held = "<m:Items/>" if operation in _HOLD_ITEMS else ""
    message = (
        f'<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>{_plain(words)}</m:MessageText>'
        f"<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{held}"
        f"</m:{operation}ResponseMessage>"
    )
    body = f"<m:ResponseMessages>{message * max(items, 1)}</m:ResponseMessages>"
    return _enveloped(200, f'<m:{operation}Response xmlns:m="{MESSAGES}">{body}</m:{operation}Response>')


def fault(words: str, code: str, *, status: int = 500, is_last: bool = False) -> Answer:
    """A SOAP fault with EWS's detail. ``is_last``: the connection is closed after it."""
    text = _plain(words)
    detail = (
        f'<e:ResponseCode xmlns:e="{_ERRORS}">{code}</e:ResponseCode><e:Message xmlns:e="{_ERRORS}">{text}</e:Message>'
    )
    body = (
        f'<s:Fault><faultcode xmlns:a="{TYPES}">a:{code}</faultcode><faultstring>{text}</faultstring>'
        f"<detail>{detail}</detail></s:Fault>"
    )
    answer = _enveloped(status, body)
    return Answer(status, [*answer.headers, (b"Connection", b"close")], answer.body) if is_last else answer


def unreachable(say: Catalogue, why: str) -> str:
    """That the server cannot be talked to; nothing was handed over."""
    return " ".join((say.text(_UNREACHABLE.get(why, _UNREACHED)), say.text(_NOT_SENT), say.text(_AGAIN)))


def too_large(say: Catalogue, octets: int) -> str:
    """More octets than the settings allow."""
    most = N_("SendGuard did not send this message: it is larger than {megabytes} MB.")
    return " ".join((say.text(most, megabytes=say.number(octets // 1_000_000)), say.text(_NOT_SENT)))


def perhaps_sent(say: Catalogue) -> str:
    """The server's answer was lost."""
    first = N_("The mail server's answer was lost: this message may have been sent, and may not.")
    then = N_("Look at SendGuard's window and at your Sent folder before you press Send again.")
    return f"{say.text(first)} {say.text(then)}"


def _plain(words: str) -> str:
    return escape(" ".join(words.split()))


def _enveloped(status: int, body: str) -> Answer:
    octets = (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP_11}"><s:Header>{_VERSION}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode("utf-8", "replace")
    headers = [(b"Content-Type", b"text/xml; charset=utf-8"), (b"Content-Length", b"%d" % len(octets))]
    return Answer(status, headers, (octets,))
