"""Logging in to Exchange: passwords of any alphabet, tickets, and tokens a person signs in for once."""

import base64
import json
import re
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from exchangelib.folders import Drafts

from sendguard.authorities import verifying_context
from sendguard.bootstrap.application import with_application
from sendguard.bootstrap.exchange_access import exchange_access
from sendguard.bootstrap.screen import try_servers
from sendguard.desktop.services import ServerFound, ServerResult, ServerSearch, SignedIn, SignIn
from sendguard.exchange import kerberos, tokens
from sendguard.exchange.check import check_connection
from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.kept import PIECE, Kept
from sendguard.exchange.login import login_of
from sendguard.exchange.oauth import Bearer
from sendguard.exchange.session import Mailboxes, Session
from sendguard.exchange.tokens import Application, SignInNeeded, Tokens
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ports import SERVICES, TOKEN_SERVICES, Secrets
from sendguard.mailbox.errors import AccessRefused, LoginRefused, MailboxUnreachable
from sendguard.settings.values import Values
from sendguard.storage.secret import SessionSecrets
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.events import trouble
from tests.adapters.ews_gate_kit import FIND, rig
from tests.servers.authority import CLIENT, TENANT, Authority
from tests.servers.certificates import CertificateAuthority
from tests.servers.exchange import Exchange
from tests.servers.processes import wait_until

ME = "me@example.test"
PASSWORD = "Grüße, 世界: ‰"
FOR_NTLM = PASSWORD.replace(":", "")
"""The test server keeps them in a file of fields between colons."""
DONE = "You are signed in."


class SmallKeyring:
    """``guard.ports.Secrets`` that take what Windows takes, and nothing larger."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get(self, account: str, service: str) -> str | None:
        return self.kept.get((account, service))

    def set(self, account: str, service: str, secret: str) -> bool:
        fits = len(secret.encode("utf-16-le")) <= 2560
        if fits:
            self.kept[account, service] = secret
        return fits

    def delete(self, account: str) -> None:
        self.kept.clear()


def never() -> bool:
    return False


@pytest.fixture
def authority(certificate_authority: CertificateAuthority) -> Iterator[Authority]:
    with Authority(certificate_authority.issue(), ME) as made:
        yield made


@pytest.fixture
def keyring() -> SmallKeyring:
    return SmallKeyring()


@pytest.fixture
def new_tokens(
    authority: Authority, keyring: SmallKeyring, certificate_authority: CertificateAuthority
) -> Callable[[], Tokens]:
    """The tokens as a SendGuard that has just been started has them."""
    return lambda: Tokens(
        Application(CLIENT, TENANT, authority.url), Kept(keyring, "work"), certificate_authority.client_context()
    )


class Browser:
    """Opens a page, and sends the form on it as its script would."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self.shown = ""

    def __call__(self, url: str) -> None:
        with urllib.request.urlopen(url, timeout=10, context=self._context) as answer:  # noqa: S310
            page = answer.read().decode()
        action = re.search(r'action="([^"]+)"', page)
        assert action is not None
        form = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}
        threading.Thread(target=self.send, args=(unescape(action[1]), form)).start()

    def send(self, url: str, form: dict[str, str]) -> None:
        with urllib.request.urlopen(url, urlencode(form).encode(), timeout=10) as answer:  # noqa: S310
            self.shown = answer.read().decode()


@pytest.fixture
def browser(certificate_authority: CertificateAuthority) -> Browser:
    return Browser(certificate_authority.client_context())


# Passwords


def drafts(session: Session) -> None:
    with mapping_ews_errors():
        Drafts.get_distinguished(session.box.root)


def session_with(server: Exchange, login: Login, secrets: Secrets, user: str = "") -> Session:
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, login, user))
    return Mailboxes(account, secrets).open()


@pytest.mark.parametrize("user", ["", "ME@example.test"])
def test_basic_takes_a_password_of_any_alphabet(new_exchange: Callable[..., Exchange], user: str) -> None:
    server = new_exchange()
    server.add_person(ME, PASSWORD)
    with session_with(server, Login.BASIC, SessionSecrets(**{"exchange:work": PASSWORD}), user) as session:
        drafts(session)
    assert server.count_of("GetFolder")


def test_a_wrong_password_is_a_refused_login(new_exchange: Callable[..., Exchange]) -> None:
    server = new_exchange()
    server.add_person(ME, PASSWORD)
    with (
        session_with(server, Login.BASIC, SessionSecrets(work="wrong")) as session,
        pytest.raises(LoginRefused, match="refused"),
    ):
        drafts(session)


@pytest.mark.parametrize("encrypted", [False, True])
def test_ntlm_logs_the_connection_in_once(
    new_exchange: Callable[..., Exchange], certificate_authority: CertificateAuthority, encrypted: bool
) -> None:
    server = new_exchange(certificate=certificate_authority.issue() if encrypted else None, schemes=("NTLM",))
    server.add_person(ME, FOR_NTLM)
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.NTLM))
    with Mailboxes(account, SessionSecrets(work=FOR_NTLM), certificate_authority.client_context()).open() as session:
        drafts(session)
        drafts(session)
    assert len({call.connection for call in server.calls}) == 1


def test_a_wrong_password_by_ntlm_is_a_refused_login(new_exchange: Callable[..., Exchange]) -> None:
    server = new_exchange(schemes=("NTLM",))
    server.add_person(ME, PASSWORD)
    with (
        session_with(server, Login.NTLM, SessionSecrets(work="wrong")) as session,
        pytest.raises(LoginRefused, match="refused"),
    ):
        drafts(session)


def test_a_server_without_ntlm_refuses_it(new_exchange: Callable[..., Exchange]) -> None:
    server = new_exchange(schemes=("Bearer",))
    server.add_person(ME, PASSWORD)
    with (
        session_with(server, Login.NTLM, SessionSecrets(work=PASSWORD)) as session,
        pytest.raises(LoginRefused, match="refused"),
    ):
        drafts(session)


@pytest.mark.parametrize("login", [Login.BASIC, Login.NTLM])
@pytest.mark.parametrize("kept", [{}, {"work": ""}])
def test_nobody_is_logged_in_without_a_password(login: Login, kept: dict[str, str]) -> None:
    server = ExchangeServer("https://localhost/EWS/Exchange.asmx", login)
    with pytest.raises(MailboxUnreachable, match="no_password"):
        login_of(Account("work", (ME,), exchange=server), server, SessionSecrets(**kept))()


def test_kerberos_is_offered_where_a_library_for_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kerberos, "LIBRARIES", (("gssapi_of_this_test", "Login"),))
    assert not kerberos.kerberos_here()
    with pytest.raises(MailboxUnreachable, match="kerberos"):
        kerberos.kerberos_login()
    (tmp_path / "gssapi_of_this_test.py").write_text("class Login:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert kerberos.kerberos_here()
    assert type(kerberos.kerberos_login()).__name__ == "Login"


# Trying an account


def test_an_account_that_works_says_nothing(new_exchange: Callable[..., Exchange]) -> None:
    server = new_exchange()
    server.add_person(ME, PASSWORD)
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.BASIC))
    assert check_connection(account, SessionSecrets(work=PASSWORD)) == ""


@pytest.mark.parametrize(
    ("goes_wrong", "code"),
    [
        (lambda server: server.faults.http(status=403), "ews_ews_forbidden"),
        (lambda server: server.faults.http(status=404), "ews_protocol"),
        (lambda server: server.faults.http(status=302, headers={"Location": "/owa/"}), "ews_protocol"),
        (lambda server: server.faults.http(status=200, body=b"<html><p>Welcome"), "ews_protocol"),
        (lambda server: server.faults.http(status=401), "ews_login_refused"),
        (lambda server: server.faults.http(status=502), "ews_unavailable"),
        (lambda server: server.faults.busy(), "ews_busy"),
        (lambda server: server.faults.error("GetFolder", "ErrorNonExistentMailbox"), "ews_nonexistentmailbox"),
        (lambda server: server.stop(), "ews_connection"),
    ],
    ids=["403", "404", "moved", "page", "401", "502", "busy", "no mailbox", "away"],
)
def test_what_is_wrong_with_an_account_is_told_in_words(
    new_exchange: Callable[..., Exchange], goes_wrong: Callable[[Exchange], None], code: str
) -> None:
    server = new_exchange()
    server.add_person(ME, PASSWORD)
    goes_wrong(server)
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.BASIC))
    found = check_connection(account, SessionSecrets(work=PASSWORD))
    assert found == code
    assert code not in trouble(Catalogue.for_language("en"), found)


def test_no_password_goes_to_a_server_whose_certificate_is_not_known(
    new_exchange: Callable[..., Exchange], certificate_authority: CertificateAuthority
) -> None:
    server = new_exchange(certificate=certificate_authority.issue())
    server.record = True
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.BASIC))
    assert check_connection(account, SessionSecrets(work=PASSWORD)) == "ews_certificate"
    assert not server.requests


def test_a_private_authority_that_the_system_knows_is_one(
    new_exchange: Callable[..., Exchange], certificate_authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here OpenSSL is told of it by its variable; installed ones lie in the folder that this stands for."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.certificate))
    verifying_context.cache_clear()
    try:
        server = new_exchange(certificate=certificate_authority.issue())
        server.add_person(ME, PASSWORD)
        account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.BASIC))
        assert check_connection(account, SessionSecrets(work=PASSWORD)) == ""
        with rig(server.url) as gate:
            login = base64.b64encode(f"{ME}:{PASSWORD}".encode()).decode()
            assert gate.post(FIND, login=f"Basic {login}")[0] == 200
    finally:
        verifying_context.cache_clear()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ews_ews_off", "EwsAllowedAppIDs"),
        ("ews_off", "EwsAllowedAppIDs"),
        ("ews_protocol", "not Exchange's EWS"),
        ("ews_certificate", "certificate is not valid"),
        ("ews_login_refused", "did not accept the user name or password"),
        ("ews_sign_in", "Sign in anew"),
        ("ews_kerberos", "Kerberos"),
    ],
)
def test_what_exchange_has_against_it_is_said_in_words(code: str, words: str) -> None:
    assert words in trouble(Catalogue.for_language("en"), code)


# Tokens


def test_who_signed_in_in_the_browser_needs_not_do_so_again_after_a_start(
    authority: Authority, new_tokens: Callable[[], Tokens], browser: Browser
) -> None:
    first = new_tokens()
    assert first.sign_in(ME, DONE, browser, never)
    assert first(False)
    wait_until(lambda: DONE in browser.shown, "page in the browser")
    assert authority.asked == ["authorization_code"]
    assert new_tokens()(False)
    assert authority.asked == ["authorization_code", "refresh_token"]


def test_a_code_is_entered_on_another_device(authority: Authority, new_tokens: Callable[[], Tokens]) -> None:
    shown: list[str] = []

    def show(url: str, code: str) -> None:
        shown.append(url)
        authority.approve(code)

    made = new_tokens()
    assert made.sign_in_by_code(show, never)
    assert shown == [f"{authority.url}device"]
    assert made(False)


def test_whoever_wants_a_token_does_not_wait_for_a_person(new_tokens: Callable[[], Tokens], browser: Browser) -> None:
    made = new_tokens()
    made.sign_in(ME, DONE, browser, never)
    had: list[str] = []
    with pytest.raises(LoginRefused, match="cancelled"):
        made.sign_in(ME, DONE, lambda page: had.append(made(False)), lambda: True)
    assert had == [made(False)]


def test_a_code_nobody_enters_can_be_given_up(new_tokens: Callable[[], Tokens]) -> None:
    cancelled: list[str] = []
    with pytest.raises(LoginRefused, match="cancelled"):
        new_tokens().sign_in_by_code(lambda url, code: cancelled.append(code), lambda: bool(cancelled))


def test_a_browser_nobody_signs_in_with_can_be_given_up(new_tokens: Callable[[], Tokens]) -> None:
    opened: list[str] = []
    with pytest.raises(LoginRefused, match="cancelled"):
        new_tokens().sign_in(ME, DONE, opened.append, lambda: bool(opened))


def test_who_declines_is_not_signed_in(
    authority: Authority, new_tokens: Callable[[], Tokens], browser: Browser
) -> None:
    authority.declines = True
    with pytest.raises(LoginRefused, match="declined"):
        new_tokens().sign_in(ME, DONE, browser, never)
    with pytest.raises(LoginRefused, match="declined"):
        new_tokens().sign_in_by_code(lambda url, code: authority.approve(code, yes=False), never)


def test_an_answer_that_does_not_know_our_state_is_not_taken(
    new_tokens: Callable[[], Tokens], browser: Browser
) -> None:
    refused: list[int] = []

    def somebody_else(url: str) -> None:
        where = re.search(r"redirect_uri=http%3A%2F%2Flocalhost%3A(\d+)", url)
        assert where is not None
        threading.Thread(target=attack, args=(f"http://localhost:{where[1]}", url)).start()

    def attack(where: str, url: str) -> None:
        for form in ({"code": "mine"}, {"code": "mine", "state": "guessed"}):
            with pytest.raises(urllib.error.HTTPError) as caught:
                browser.send(where, form)
            with caught.value as answer:
                refused.append(answer.code)
        browser(url)

    assert new_tokens().sign_in(ME, DONE, somebody_else, never)
    assert refused == [400, 400]


def test_what_is_kept_fits_every_keyring_and_is_what_a_renewal_needs(
    new_tokens: Callable[[], Tokens], browser: Browser, keyring: SmallKeyring
) -> None:
    new_tokens().sign_in(ME, DONE, browser, never)
    assert 1 < len(keyring.kept) <= len(TOKEN_SERVICES)
    assert set(json.loads(Kept(keyring, "work").load())) == {"RefreshToken", "Account", "AppMetadata"}


def test_tokens_taken_back_ask_for_a_new_sign_in(
    authority: Authority, new_tokens: Callable[[], Tokens], browser: Browser
) -> None:
    new_tokens().sign_in(ME, DONE, browser, never)
    authority.forget()
    with pytest.raises(SignInNeeded) as caught:
        new_tokens()(False)
    assert caught.value.code == "sign_in"


def test_nobody_signed_in_and_nobody_is_asked(authority: Authority, new_tokens: Callable[[], Tokens]) -> None:
    with pytest.raises(SignInNeeded):
        new_tokens()(False)
    assert not authority.asked


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "invalid_grant", "suberror": "consent_required"}, "consent"),
        ({"error": "unauthorized_client"}, "application"),
        ({"error": "invalid_grant"}, "sign_in"),
    ],
)
def test_what_the_authority_has_against_it_is_told(
    authority: Authority, new_tokens: Callable[[], Tokens], browser: Browser, answer: dict[str, str], code: str
) -> None:
    authority.error = answer
    with pytest.raises(LoginRefused) as caught:
        new_tokens().sign_in(ME, DONE, browser, never)
    assert caught.value.code == code


def test_without_an_application_nobody_can_sign_in(keyring: SmallKeyring) -> None:
    with pytest.raises(AccessRefused, match="client_id"):
        Tokens(Application(""), Kept(keyring, "work"))(False)


def test_a_tenant_nobody_knows_is_said(
    authority: Authority, keyring: SmallKeyring, certificate_authority: CertificateAuthority
) -> None:
    context = certificate_authority.client_context()
    with pytest.raises(MailboxUnreachable, match="tenant"):
        Tokens(Application(CLIENT, "nobody.test", authority.url), Kept(keyring, "work"), context)(False)


def test_no_token_is_asked_of_an_authority_whose_certificate_is_not_known(
    authority: Authority, keyring: SmallKeyring
) -> None:
    with pytest.raises(MailboxUnreachable, match="certificate"):
        Tokens(Application(CLIENT, TENANT, authority.url), Kept(keyring, "work"))(False)


# The bearer on the wire


def test_a_token_the_server_takes_no_longer_is_renewed_once(
    new_exchange: Callable[..., Exchange],
    authority: Authority,
    new_tokens: Callable[[], Tokens],
    browser: Browser,
) -> None:
    server = new_exchange()
    person = server.add_person(ME)
    authority.new_token = lambda: server.new_token(person)
    made = new_tokens()
    made.sign_in(ME, DONE, browser, never)
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.OAUTH))
    with Mailboxes(account, SessionSecrets(), login=lambda *_: lambda: Bearer(made)).open() as session:
        drafts(session)
        assert authority.asked == ["authorization_code"]
        before = server.count_of("GetFolder")
        server.revoke_tokens()
        drafts(session)
        assert authority.asked == ["authorization_code", "refresh_token"]
        assert server.count_of("GetFolder") == before + 1
        authority.new_token = lambda: "no token of this server"
        server.revoke_tokens()
        with pytest.raises(LoginRefused, match="refused"):
            drafts(session)
    assert authority.asked == ["authorization_code", "refresh_token", "refresh_token"]


def test_one_program_asks_for_the_tokens_of_an_account_once(keyring: SmallKeyring) -> None:
    application = Application(CLIENT)
    assert tokens.tokens_of(keyring, "work", application) is tokens.tokens_of(keyring, "work", application)
    assert tokens.tokens_of(keyring, "work", application) is not tokens.tokens_of(keyring, "home", application)


# Long secrets


@pytest.mark.parametrize("length", [0, 1, PIECE - 68, PIECE - 67, 3 * PIECE])
def test_a_long_secret_comes_back_whole(keyring: SmallKeyring, length: int) -> None:
    text = "".join(chr(33 + number % 90) for number in range(length))
    assert Kept(keyring, "work").save(text)
    assert Kept(keyring, "work").load() == text
    assert Kept(keyring, "home").load() == ""


def test_a_shorter_secret_takes_the_place_of_a_longer_one(keyring: SmallKeyring) -> None:
    kept = Kept(keyring, "work")
    kept.save("a" * 4000)
    kept.save("b" * 1200)
    assert kept.load() == "b" * 1200


def test_a_secret_of_which_a_piece_is_missing_or_another_one_is_none(keyring: SmallKeyring) -> None:
    kept = Kept(keyring, "work")
    kept.save("a" * 3000)
    other = keyring.kept["work", TOKEN_SERVICES[1]].replace("a", "b")
    keyring.kept["work", TOKEN_SERVICES[1]] = other
    assert kept.load() == ""
    del keyring.kept["work", TOKEN_SERVICES[1]]
    assert kept.load() == ""


def test_an_account_that_is_forgotten_leaves_nobody_signed_in() -> None:
    secrets = SessionSecrets()
    Kept(secrets, "work").save("a" * 5000)
    secrets.set("work", "exchange", PASSWORD)
    secrets.delete("work")
    assert not any(secrets.get("work", service) for service in SERVICES)


def test_a_secret_too_long_for_its_pieces_is_not_kept(keyring: SmallKeyring) -> None:
    assert not Kept(keyring, "work").save("a" * 7200)
    assert not keyring.kept


# From the settings


def test_an_account_without_an_application_is_signed_in_with_the_settings_one() -> None:
    values = Values({"OAuthClientId": "theirs", "OAuthTenant": "nhs.test"})
    server = ExchangeServer("https://localhost/EWS/Exchange.asmx", Login.OAUTH)
    account = Account("work", (ME,), exchange=server)
    assert with_application(account, values).exchange == replace(server, client_id="theirs", tenant="nhs.test")
    own = replace(account, exchange=replace(server, client_id="own", tenant="own.test"))
    assert with_application(own, values) == own
    elsewhere = Account("work", (ME,))
    assert with_application(elsewhere, values) == elsewhere


def test_somebody_signs_in_through_the_form_and_is_told_what_went_wrong(keyring: SmallKeyring) -> None:
    access = exchange_access(keyring, Values)
    account = Account("work", (ME,), exchange=ExchangeServer("https://localhost/EWS/Exchange.asmx", Login.OAUTH))
    for by_code in (True, False):
        sign_in = SignIn(account, by_code, DONE, lambda url, code: None, never)
        assert access.sign_in(sign_in) == SignedIn("ews_client_id")


def test_the_form_is_told_which_hosts_would_be_asked(keyring: SmallKeyring) -> None:
    access = exchange_access(keyring, Values)
    search = ServerSearch("work", ME, Login.BASIC, "", PASSWORD)
    assert access.find_server(search) == ServerFound(hosts=("autodiscover.example.test", "example.test"))
    assert access.find_server(replace(search, password="")) == ServerFound(trouble="ews_no_password")


@pytest.mark.parametrize("typed", [PASSWORD, ""])
def test_an_account_is_tried_with_the_password_typed_or_kept(
    new_exchange: Callable[..., Exchange], keyring: SmallKeyring, typed: str
) -> None:
    server = new_exchange()
    server.add_person(ME, PASSWORD)
    keyring.set("work", "exchange", "wrong" if typed else PASSWORD)
    account = Account("work", (ME,), exchange=ExchangeServer(server.url, Login.BASIC))
    assert try_servers(account, {"exchange": typed}, keyring, Values()) == (ServerResult("exchange"),)
