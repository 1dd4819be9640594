"""The test Exchange itself: its port, who may come in, and what was asked of it."""

import contextlib
import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.certificates import ServerCertificate
from tests.servers.exchange import schema
from tests.servers.exchange.answers import Fault, Refused
from tests.servers.exchange.calls import Call
from tests.servers.exchange.faults import Faults, Trouble
from tests.servers.exchange.listener import Listener, secured
from tests.servers.exchange.notifications import Notifications
from tests.servers.exchange.operations import OPERATIONS, refusal
from tests.servers.exchange.site import Person, Site
from tests.servers.exchange.streams import Stream
from tests.servers.exchange.wire import Answers
from tests.servers.exchange.xml import BadXml, Node
from tests.servers.processes import LOOPBACK, free_port

VERSIONS = {
    *("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"),
    *("Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016"),
}
"""What RequestServerVersion may say."""
_HEADERS = {
    *("t:RequestServerVersion", "t:TimeZoneContext", "t:ExchangeImpersonation", "t:DateTimePrecision"),
    *("t:MailboxCulture", "t:ManagementRole", "t:SerializedSecurityContext"),
}


@dataclass(frozen=True)
class Counted:
    """A call that was let in."""

    operation: str
    user: str
    connection: int


class Exchange(Site):
    """EWS at ``url``, over HTTP or, with a certificate, HTTPS. ``faults`` and ``notifications`` do what a test wants.

    ``calls`` are the calls so far, whatever became of them; with ``record`` set, ``requests`` are their octets.
    """

    def __init__(
        self, *, certificate: ServerCertificate | None = None, schemes: tuple[str, ...] = ("Basic", "Bearer")
    ) -> None:
        super().__init__()
        self.faults, self.notifications = Faults(), Notifications()
        self.schemes = schemes
        self.calls: list[Counted] = []
        self.record = False
        self.requests: list[bytes] = []
        self.turned_away = 0
        """How often a name came with a wrong password."""
        self.concurrency = 27
        """EWSMaxConcurrency: calls that one person may have at once; one more is answered ErrorServerBusy."""
        self.stream_seconds = 1800.0
        self._tokens: dict[str, Person] = {}
        self._running: Counter[str] = Counter()
        self._certificate = certificate
        self._listener: Listener | None = None
        self.port = free_port()
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://{LOOPBACK}:{self.port}/EWS/Exchange.asmx"

    def start(self) -> None:
        """Serve; also again after ``stop``, on the same port and with the mailboxes as they were."""
        assert self._listener is None, "it runs already"
        self._listener = Listener((LOOPBACK, self.port), type("Bound", (Answers,), {"site": self}))
        if self._certificate is not None:
            secured(self._listener, self._certificate)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), name="test Exchange").start()

    def stop(self) -> None:
        """Close the port and end every connection, and every call that waits."""
        if self._listener is not None:
            self._listener.cut()
            self.faults.clear()
            self._listener.server_close()
            self._listener = None

    def __enter__(self) -> "Exchange":
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._listener.open) if self._listener else 0

    def count_of(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(call.operation == operation for call in self.calls)

    def add_person(self, address: str, password: str = "pass word", name: str = "") -> Person:
        """Add somebody by address."""
        person = super().add_person(address, password, name)
        self._tokens[person.token] = person
        self.notifications.listen(self.mailbox(person))
        return person

    def revoke_tokens(self) -> None:
        """Accept no bearer token given out so far."""
        self._tokens.clear()

    def new_token(self, person: Person) -> str:
        """Give out another bearer token."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = person
        return token

    def bearer(self, token: str) -> Person | None:
        """Whose token it is, if it is good."""
        return self._tokens.get(token)

    def login(self, user: str, password: str) -> Person | None:
        """Who logs in with a name and a password, if they are right."""
        person = self.people.get(user.lower())
        if person is None or not hmac.compare_digest(person.password.encode(), password.encode()):
            self.turned_away += 1
            return None
        return person

    def count(self, operation: str, person: Person, connection: int) -> None:
        """Note a call."""
        self.calls.append(Counted(operation, person.address, connection))

    @contextlib.contextmanager
    def entering(self, person: Person) -> Iterator[None]:
        """Count a call as under way; Fault ErrorServerBusy for one more than a person may have at once."""
        with self.lock:
            if self._running[person.address] >= self.concurrency:
                text = "The server cannot service this request right now. Try again later."
                raise Fault("ErrorServerBusy", text, BackOffMilliseconds="1000")
            self._running[person.address] += 1
        try:
            yield
        finally:
            with self.lock:
                self._running[person.address] -= 1

    def hold(self, until: threading.Event, seconds: float) -> None:
        """Let a call wait. The server's end sets what it waits for."""
        until.wait(seconds)

    def answer(self, document: Node | BadXml, operation: str, person: Person, troubles: list[Trouble]) -> Node | Stream:
        """Carry a call out; raises Fault for what is answered with a SOAP fault."""
        for trouble in troubles:
            if trouble.fault is not None:
                raise trouble.fault
            if trouble.refused is not None:
                return refusal(operation, trouble.refused)
        body = _checked(document, operation)
        with self.lock:
            return self._carry_out(Call(self, person, body), operation)

    def _carry_out(self, call: Call, operation: str) -> Node | Stream:
        own = {"Subscribe": self.notifications.subscribe, "Unsubscribe": self.notifications.unsubscribe}
        if operation == "GetStreamingEvents":
            return self.notifications.open(call)
        try:
            return (OPERATIONS | own)[operation](call)
        except Refused as refused:
            return refusal(operation, refused)


def _checked(document: Node | BadXml, operation: str) -> Node:
    """Return a request's body, or raise the Fault of one that no schema allows."""
    if isinstance(document, BadXml):
        raise Fault("ErrorSchemaValidation", f"The request is not XML: {document}.")
    names = [child.name for child in document.children]
    if document.name != "s:Envelope" or names not in (["s:Body"], ["s:Header", "s:Body"]):
        raise Fault("ErrorSchemaValidation", "The request is no SOAP 1.1 envelope with a body.")
    for header in document.children[0].children if len(names) == 2 else ():
        _check_header(header)
    body = document.children[-1]
    if len(body.children) != 1 or body.text.strip():
        raise Fault("ErrorSchemaValidation", "The body must be one request.")
    if body.children[0].name != f"m:{operation}" or not schema.knows(operation):
        raise Fault("ErrorInvalidRequest", "The test Exchange does not know this request.")
    schema.check(body.children[0])
    return body.children[0]


def _check_header(header: Node) -> None:
    if header.name not in _HEADERS:
        return  # a SOAP header nobody understands is ignored, unless it must be
    if header.name == "t:RequestServerVersion":
        schema.check(header)
        if header.attributes["Version"] not in VERSIONS:
            raise Fault("ErrorInvalidServerVersion", "The specified server version is invalid.")
