"""Finding the server of an address by Autodiscover's plain XML, over verified https only.

exchangelib's own search also asks over plain http and sends the password to whatever it is led to: here each host
outside the address's domain has to be approved by the person first.
"""

import ssl
import threading
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
from lxml import etree

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.login import Authenticate, login_of
from sendguard.exchange.wire import Wire
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ports import Secrets
from sendguard.mail.address import is_addr_spec
from sendguard.mailbox.errors import LoginRefused, MailboxError, MailboxUnreachable

PATH = "/autodiscover/autodiscover.xml"
MOST_REDIRECTIONS = 10
"""Microsoft, "RedirectUrl (POX)": a client should stop after so many."""
LARGEST = 1 << 20
"""Octets of an answer; Exchange's have some ten thousand."""
ANSWER_SECONDS = 15
"""For each silence of a server."""
SEARCH_SECONDS = 60.0
"""For all of it, whatever the servers do: one that says an octet now and then is never silent."""
_ASKED = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_ANSWERED = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_MOVED = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Found:
    """The EWS address of somebody's server."""

    url: str


@dataclass(frozen=True, slots=True)
class MayAsk:
    """These hosts would be asked next, and given the password: the person decides."""

    hosts: tuple[str, ...]


def find_server(
    account: Account,
    login: Login,
    user: str,
    secrets: Secrets,
    approved: frozenset[str],
    context: ssl.SSLContext | None = None,
) -> Found | MayAsk:
    """Ask the address's own hosts for its server. Only hosts in ``approved`` and, once the address's own are in it,
    others under its domain get the password.

    Blocks at most ``SEARCH_SECONDS``. Raises LoginRefused, which ends the search, or MailboxUnreachable (``not_found``,
    ``no_password``, ``kerberos``).
    """
    log_in = login_of(account, ExchangeServer(_places(account.identities[0])[0], login, user), secrets)
    log_in()  # whoever has no password needs not be asked about hosts
    wire = Wire(context)
    end = threading.Timer(SEARCH_SECONDS, wire.hang_up)
    end.daemon = True
    with requests.Session() as session:
        session.adapters.clear()
        session.mount("https://", wire)
        end.start()
        try:
            return _Search(session, log_in, approved).of(account.identities[0])
        finally:
            end.cancel()


class _Search:
    def __init__(self, session: requests.Session, log_in: Authenticate, approved: frozenset[str]) -> None:
        self._session, self._log_in, self._approved = session, log_in, approved
        self._left = MOST_REDIRECTIONS

    def of(self, address: str) -> Found | MayAsk:
        """Ask for an address: first the host made for it, then the domain itself."""
        places = _places(address)
        hosts = tuple(_host(place) for place in places)
        if not set(hosts) <= self._approved:
            return MayAsk(hosts)
        for place in places:
            try:
                return self._at(place, address)
            except LoginRefused:
                raise
            except MailboxError:
                continue  # most domains have one of the two at most
        raise MailboxUnreachable("not_found")

    def _at(self, place: str, address: str) -> Found | MayAsk:
        while self._left:
            if urlsplit(place).scheme != "https":
                break
            host, domain = _host(place), _domain(address)
            if host not in self._approved and not host.endswith(f".{domain}"):
                return MayAsk((host,))
            answer, body = self._ask(place, address)
            self._left -= 1
            if answer.status_code in _MOVED:
                place = urljoin(place, answer.headers.get("Location", ""))
                continue
            told = _told(body)
            if told.url:
                return Found(told.url)
            if told.address:
                return self.of(told.address)
            place = told.place
        raise MailboxUnreachable("not_found")

    def _ask(self, place: str, address: str) -> tuple[requests.Response, bytes]:
        with (
            mapping_ews_errors(),
            self._session.post(
                place,
                _request(address),
                auth=self._log_in(),
                headers={"Content-Type": "text/xml; charset=utf-8"},
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            if answer.status_code == 401:
                raise LoginRefused("refused")
            if answer.status_code not in {200, *_MOVED}:
                raise MailboxUnreachable("not_found")
            return answer, answer.raw.read(LARGEST, decode_content=True)


@dataclass(frozen=True, slots=True)
class _Told:
    url: str = ""
    place: str = ""
    address: str = ""


def _told(body: bytes) -> _Told:
    """What an answer says: a server, another place to ask at, or another address to ask for."""
    with mapping_ews_errors():
        document = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        account = document.find(f".//{{{_ANSWERED}}}Account")
        if account is None:
            raise MailboxUnreachable("not_found")
        match _text(account, "Action"):
            case "redirectUrl":
                return _Told(place=_text(account, "RedirectUrl"))
            case "redirectAddr" if is_addr_spec(address := _text(account, "RedirectAddr")):
                return _Told(address=address)
            case "settings":
                return _Told(url=_server(account))
            case _:
                raise MailboxUnreachable("not_found")


def _server(account: etree._Element) -> str:
    """The server's address as it is seen from outside the network (EXPR) or, where there is none, inside (EXCH)."""
    found = {}
    for protocol in account.iterfind(f"{{{_ANSWERED}}}Protocol"):
        url = _text(protocol, "EwsUrl") or _text(protocol, "ASUrl")
        if url.startswith("https://"):
            found[_text(protocol, "Type")] = url
    for seen_from in ("EXPR", "EXCH"):
        if seen_from in found:
            return found[seen_from]
    raise MailboxUnreachable("not_found")


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{{_ANSWERED}}}{name}") or "").strip()


def _request(address: str) -> bytes:
    asked = etree.Element(f"{{{_ASKED}}}Autodiscover", nsmap={None: _ASKED})
    request = etree.SubElement(asked, f"{{{_ASKED}}}Request")
    etree.SubElement(request, f"{{{_ASKED}}}EMailAddress").text = address
    etree.SubElement(request, f"{{{_ASKED}}}AcceptableResponseSchema").text = _ANSWERED
    return bytes(etree.tostring(asked, xml_declaration=True, encoding="utf-8"))


def _places(address: str) -> tuple[str, str]:
    domain = _domain(address)
    return f"https://autodiscover.{domain}{PATH}", f"https://{domain}{PATH}"


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
