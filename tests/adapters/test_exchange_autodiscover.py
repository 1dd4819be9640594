"""Autodiscover: over https only, by names a person approved, and the password to no other."""

import base64
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from sendguard.exchange.autodiscover import Found, MayAsk, find_server
from sendguard.guard.account import Account, Login
from sendguard.mailbox.errors import LoginRefused, MailboxUnreachable
from sendguard.storage.secret import SessionSecrets
from tests.servers.certificates import CertificateAuthority
from tests.servers.connect_proxy import ConnectProxy
from tests.servers.exchange import Exchange

ME = "me@example.test"
OWN = ("autodiscover.example.test", "example.test")
APPROVED = frozenset(OWN)
PASSWORD = "Grüße 世界"
URL = "https://mail.example.test/EWS/Exchange.asmx"
HEAD = (
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">'
    '<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>'
)
TAIL = "</Account></Response></Autodiscover>"

Answer = tuple[int, dict[str, str], str]


def settings(*protocols: tuple[str, str]) -> Answer:
    found = "".join(f"<Protocol><Type>{kind}</Type><ASUrl>{url}</ASUrl></Protocol>" for kind, url in protocols)
    return 200, {}, f"{HEAD}<AccountType>email</AccountType><Action>settings</Action>{found}{TAIL}"


def elsewhere(url: str) -> Answer:
    return 200, {}, f"{HEAD}<Action>redirectUrl</Action><RedirectUrl>{url}</RedirectUrl>{TAIL}"


def another(address: str) -> Answer:
    return 200, {}, f"{HEAD}<Action>redirectAddr</Action><RedirectAddr>{address}</RedirectAddr>{TAIL}"


def moved(url: str) -> Answer:
    return 302, {"Location": url}, ""


@dataclass
class Web:
    """The web servers of several names: what each answers, and who logged in to it."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    logged_in: list[tuple[str, str]] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)


@pytest.fixture
def web(certificate_authority: CertificateAuthority) -> Iterator[Web]:
    made = Web()

    class Page(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            host, body = self.headers["Host"], self.rfile.read(int(self.headers["Content-Length"])).decode()
            credentials = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
            made.logged_in.append((host, credentials))
            made.asked_for.append(body.partition("<EMailAddress>")[2].partition("<")[0])
            status, headers, text = made.answers.get(host, (404, {}, ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    names = (*OWN, "other.example.test", "cloud.test", "autodiscover.cloud.test")
    issued = certificate_authority.issue(*names)
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    listener.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    made.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    yield made
    listener.shutdown()
    listener.server_close()
    thread.join(10)


@pytest.fixture
def proxy(web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    names = (*OWN, "other.example.test", "cloud.test", "autodiscover.cloud.test")
    with ConnectProxy(dict.fromkeys(names, web.port)) as made:
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, made.url)
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield made


Find = Callable[..., Found | MayAsk]


@pytest.fixture
def find(proxy: ConnectProxy, certificate_authority: CertificateAuthority) -> Find:
    def look(
        approved: frozenset[str] = APPROVED, login: Login = Login.BASIC, password: str = PASSWORD
    ) -> Found | MayAsk:
        context = certificate_authority.client_context()
        return find_server(Account("work", (ME,)), login, "", SessionSecrets(work=password), approved, context)

    return look


def test_nothing_is_asked_before_the_hosts_were_approved(find: Find, proxy: ConnectProxy) -> None:
    assert find(frozenset()) == MayAsk(OWN)
    assert find(frozenset(OWN[:1])) == MayAsk(OWN)
    assert proxy.asked == []


@pytest.mark.parametrize("login", [Login.BASIC, Login.NTLM])
def test_an_exchange_says_where_its_ews_is(
    find: Find,
    proxy: ConnectProxy,
    new_exchange: Callable[..., Exchange],
    certificate_authority: CertificateAuthority,
    login: Login,
) -> None:
    server = new_exchange(certificate=certificate_authority.issue(*OWN), schemes=("NTLM", "Basic"))
    server.add_person(ME, PASSWORD)
    proxy.ports = dict.fromkeys(OWN, server.port)
    assert find(login=login) == Found(server.url)
    assert set(proxy.asked) == {OWN[0]}


@pytest.mark.parametrize("login", [Login.BASIC, Login.NTLM])
def test_a_wrong_password_ends_the_search(
    find: Find,
    proxy: ConnectProxy,
    new_exchange: Callable[..., Exchange],
    certificate_authority: CertificateAuthority,
    login: Login,
) -> None:
    server = new_exchange(certificate=certificate_authority.issue(*OWN), schemes=("NTLM", "Basic"))
    server.add_person(ME, "another one")
    proxy.ports = dict.fromkeys(OWN, server.port)
    with pytest.raises(LoginRefused, match="refused"):
        find(login=login)
    assert set(proxy.asked) == {OWN[0]}


def test_the_domain_itself_is_asked_where_its_autodiscover_host_is_not_there(
    find: Find, proxy: ConnectProxy, web: Web
) -> None:
    del proxy.ports[OWN[0]]
    web.answers[OWN[1]] = settings(("EXPR", URL))
    assert find() == Found(URL)
    assert proxy.asked == list(OWN)
    assert web.logged_in == [(OWN[1], f"{ME}:{PASSWORD}")]
    assert web.asked_for == [ME]


def test_the_address_seen_from_outside_comes_first(find: Find, web: Web) -> None:
    inside = "https://exchange.internal.example.test/EWS/Exchange.asmx"
    web.answers[OWN[0]] = settings(("EXCH", inside), ("WEB", "https://owa.example.test"), ("EXPR", URL))
    assert find() == Found(URL)
    web.answers[OWN[0]] = settings(("EXCH", inside), ("EXPR", "http://mail.example.test/EWS/Exchange.asmx"))
    assert find() == Found(inside)


@pytest.mark.parametrize("redirect", [moved, elsewhere])
def test_another_host_of_the_own_domain_is_followed(find: Find, web: Web, redirect: Callable[[str], Answer]) -> None:
    web.answers[OWN[0]] = redirect("https://other.example.test/autodiscover/autodiscover.xml")
    web.answers["other.example.test"] = settings(("EXPR", URL))
    assert find() == Found(URL)


@pytest.mark.parametrize("redirect", [moved, elsewhere])
def test_a_host_of_another_domain_gets_no_password_until_it_is_approved(
    find: Find, proxy: ConnectProxy, web: Web, redirect: Callable[[str], Answer]
) -> None:
    web.answers[OWN[0]] = redirect("https://cloud.test/autodiscover/autodiscover.xml")
    web.answers["cloud.test"] = settings(("EXPR", URL))
    assert find() == MayAsk(("cloud.test",))
    assert "cloud.test" not in proxy.asked
    assert find(APPROVED | {"cloud.test"}) == Found(URL)


@pytest.mark.parametrize("redirect", [moved, elsewhere])
@pytest.mark.parametrize("to", ["http://other.example.test/autodiscover/autodiscover.xml", "file:///etc/passwd", ""])
def test_nothing_but_https_is_followed(find: Find, web: Web, redirect: Callable[[str], Answer], to: str) -> None:
    web.answers[OWN[0]] = redirect(to)
    with pytest.raises(MailboxUnreachable, match="not_found"):
        find()
    assert {host for host, _ in web.logged_in} <= set(OWN)


def test_another_address_has_hosts_of_its_own(find: Find, proxy: ConnectProxy, web: Web) -> None:
    web.answers[OWN[0]] = another("me@cloud.test")
    web.answers["autodiscover.cloud.test"] = settings(("EXPR", URL))
    asked = ("autodiscover.cloud.test", "cloud.test")
    assert find() == MayAsk(asked)
    assert not set(asked) & set(proxy.asked)
    assert find(APPROVED | set(asked)) == Found(URL)
    assert web.asked_for[-1] == "me@cloud.test"


@pytest.mark.parametrize(
    "circle", [moved(f"https://{OWN[0]}/autodiscover/autodiscover.xml"), another(ME)], ids=["url", "address"]
)
def test_a_circle_ends(find: Find, web: Web, circle: Answer) -> None:
    web.answers[OWN[0]] = circle
    with pytest.raises(MailboxUnreachable, match="not_found"):
        find()
    assert len(web.logged_in) <= 10


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, "<html><body>Welcome</body></html>"),
        (200, {}, "Welcome & goodbye"),
        (200, {}, ""),
        (200, {}, f'<!DOCTYPE a [<!ENTITY b "{URL}">]>{HEAD}<Action>settings</Action>'
         f"<Protocol><Type>EXPR</Type><ASUrl>&b;</ASUrl></Protocol>{TAIL}"),
        settings(("WEB", URL)),
        (500, {}, ""),
    ],
    ids=["page", "text", "nothing", "entity", "no EWS", "broken"],
)  # fmt: skip
def test_what_is_no_answer_is_not_found(find: Find, web: Web, answer: Answer) -> None:
    web.answers = dict.fromkeys(OWN, answer)
    with pytest.raises(MailboxUnreachable, match="not_found"):
        find()
    assert [host for host, _ in web.logged_in] == list(OWN)


def test_a_host_whose_certificate_is_not_known_gets_no_password(proxy: ConnectProxy, web: Web) -> None:
    with pytest.raises(MailboxUnreachable, match="not_found"):
        find_server(Account("work", (ME,)), Login.BASIC, "", SessionSecrets(work=PASSWORD), APPROVED)
    assert proxy.asked == list(OWN)
    assert not web.logged_in


def test_without_a_password_nobody_is_asked(find: Find, proxy: ConnectProxy) -> None:
    with pytest.raises(MailboxUnreachable, match="no_password"):
        find(frozenset(), password="")
    assert not proxy.asked
