"""An Exchange account's form: what each login needs, the server found, somebody signed in, and nothing promised."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from sendguard.desktop.account_form import AccountForm
from sendguard.desktop.services import ExchangeAccess, ServerFound, ServerResult, ServerSearch, SignedIn, SignIn
from sendguard.desktop.tasks import Tasks
from sendguard.guard.account import Account, ExchangeServer, Login
from tests.desktop.examples import ME, World
from tests.desktop.test_look import whole

URL = "https://mail.nhs.test/EWS/Exchange.asmx"
ONLINE = "https://outlook.office365.com/EWS/Exchange.asmx"
HOME = Account("Work", (ME,), exchange=ExchangeServer(URL, Login.NTLM, r"NHS\ana"), ews_gate_port=49_225)


@dataclass
class Helper:
    """``ExchangeAccess`` that finds and signs in as it is told."""

    finds: Callable[[ServerSearch], ServerFound] = lambda search: ServerFound()
    signs_in: Callable[[SignIn], SignedIn] = lambda sign_in: SignedIn()
    has_kerberos: bool = False
    searches: list[ServerSearch] = field(default_factory=list)
    sign_ins: list[SignIn] = field(default_factory=list)

    def access(self) -> ExchangeAccess:
        return ExchangeAccess(self.has_kerberos, self.find, self.sign_in)

    def find(self, search: ServerSearch) -> ServerFound:
        self.searches.append(search)
        return self.finds(search)

    def sign_in(self, sign_in: SignIn) -> SignedIn:
        self.sign_ins.append(sign_in)
        return self.signs_in(sign_in)


@pytest.fixture
def helper() -> Helper:
    return Helper()


@pytest.fixture
def world(helper: Helper) -> World:
    return World(exchange=helper.access(), results=(ServerResult("exchange", "ews_ews_off"),))


@pytest.fixture
def form(world: World, qtbot: QtBot) -> Iterator[AccountForm]:
    made = AccountForm(world.services(), Tasks(), lambda: world.events.append("saved"))
    qtbot.addWidget(made)
    made.show()
    made.fields.kind.setCurrentIndex(1)
    yield made
    made.signing_in.give_up()


def choose(form: AccountForm, login: Login) -> None:
    combo = form.fields.exchange.login
    combo.setCurrentIndex(combo.findData(login))


def fill(form: AccountForm, login: Login = Login.NTLM) -> None:
    form.fields.name.setText("Work")
    form.fields.address.setText("Ana@Croydon.NHS.test")
    choose(form, login)
    form.fields.exchange.url.setText(URL)
    form.fields.exchange.password.setText("secret")


def logins(form: AccountForm) -> list[Login]:
    combo = form.fields.exchange.login
    return [Login(combo.itemData(index)) for index in range(combo.count())]


# The fields


def test_each_kind_of_account_shows_its_own_fields(form: AccountForm) -> None:
    fields = form.fields
    assert fields.exchange.isVisible()
    assert not fields.servers["imap"].isVisible()
    assert not fields.gate_port.isVisible()
    fields.kind.setCurrentIndex(0)
    assert not fields.exchange.isVisible()
    assert fields.servers["imap"].isVisible()
    assert fields.gate_port.isVisible()


def test_what_was_filled_in_becomes_an_exchange_account(form: AccountForm) -> None:
    fill(form)
    form.fields.exchange.user.setText(r" NHS\ana ")
    assert form.account() == HOME


@pytest.mark.parametrize(
    ("login", "needed"),
    [
        (Login.NTLM, {"user", "password", "finding"}),
        (Login.BASIC, {"user", "password", "finding"}),
        (Login.KERBEROS, {"finding"}),
        (Login.OAUTH, {"user", "client_id", "tenant", "signing_in"}),
    ],
)
def test_each_login_asks_for_what_it_needs_only(helper: Helper, qtbot: QtBot, login: Login, needed: set[str]) -> None:
    helper.has_kerberos = True
    form = AccountForm(World(exchange=helper.access()).services(), Tasks(), lambda: None)
    qtbot.addWidget(form)
    form.show()
    form.fields.kind.setCurrentIndex(1)
    choose(form, login)
    may = ("user", "password", "client_id", "tenant", "finding", "signing_in")
    assert {name for name in may if getattr(form.fields.exchange, name).isVisible()} == needed


def test_kerberos_is_offered_only_where_it_can_be_done(form: AccountForm) -> None:
    assert logins(form) == [Login.NTLM, Login.BASIC, Login.OAUTH]


def test_an_account_by_kerberos_stays_one_where_it_cannot_be_done(world: World, qtbot: QtBot) -> None:
    account = Account("Work", (ME,), exchange=ExchangeServer(URL, Login.KERBEROS))
    form = AccountForm(world.services(), Tasks(), lambda: None, account)
    qtbot.addWidget(form)
    assert form.account() == account


def test_changing_an_account_keeps_what_is_not_touched(world: World, qtbot: QtBot) -> None:
    world.secrets.kept = {("Work", "exchange"): "kept"}
    form = AccountForm(world.services(), Tasks(), lambda: None, HOME)
    qtbot.addWidget(form)
    assert form.account() == HOME
    assert not form.fields.exchange.password.text()
    form.save_button.click()
    qtbot.waitUntil(lambda: world.accounts == [HOME])
    assert world.secrets.kept == {("Work", "exchange"): "kept"}


def test_the_password_goes_into_the_keyring_and_nowhere_else(form: AccountForm, world: World, qtbot: QtBot) -> None:
    fill(form)
    assert form.fields.exchange.password.echoMode() is QLineEdit.EchoMode.Password
    form.save_button.click()
    qtbot.waitUntil(lambda: not form.isVisible())
    assert world.secrets.kept == {("Work", "exchange"): "secret"}
    assert "secret" not in repr(world.accounts)


def test_a_password_that_is_not_asked_for_is_not_kept(form: AccountForm) -> None:
    fill(form)
    choose(form, Login.OAUTH)
    assert form.fields.passwords == {}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mail.nhs.test", URL),
        (f" {URL} ", URL),
        ("http://127.0.0.1:8080/EWS/Exchange.asmx", "http://127.0.0.1:8080/EWS/Exchange.asmx"),
    ],
)
def test_an_address_that_can_be_meant_is_taken(form: AccountForm, typed: str, meant: str) -> None:
    fill(form)
    form.fields.exchange.url.setText(typed)
    account = form.account()
    assert account is not None
    assert account.exchange is not None
    assert account.exchange.url == meant


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter the server's address, or have it found."),
        ("http://mail.nhs.test/EWS/Exchange.asmx", "Without encryption the password could be read"),
        ("ftp://mail.nhs.test", "is not the address of an Exchange server"),
        ("mail nhs", "is not the address of an Exchange server"),
        ("https://[nhs/", "is not the address of an Exchange server"),
    ],
)
def test_an_address_that_is_not_right_is_said(form: AccountForm, world: World, typed: str, said: str) -> None:
    fill(form)
    form.fields.exchange.url.setText(typed)
    form.save_button.click()
    assert said in form.said.text()
    assert form.fields.exchange.url.hasFocus()
    assert not world.accounts


def test_it_says_what_to_set_in_the_mail_program(form: AccountForm) -> None:
    fill(form)
    exchange = form.fields.exchange
    exchange.url.setText("https://mail.nhs.test/ews/exchange.asmx")
    assert exchange.gate_address.text() == "http://127.0.0.1:49225/ews/exchange.asmx"
    assert exchange.gate_address.isReadOnly()
    assert exchange.instructions.text().startswith("In your mail program set the Exchange address to this one")
    choose(form, Login.OAUTH)
    assert "does not find it behind the gate" in exchange.instructions.text()
    exchange.gate_port.setValue(0)
    assert not exchange.gate_address.isVisible()
    assert exchange.instructions.text().startswith("Without the gate SendGuard cannot hold")


def test_who_signs_in_by_oauth_is_on_exchange_online_until_said_otherwise(form: AccountForm) -> None:
    choose(form, Login.OAUTH)
    assert form.fields.exchange.url.text() == ONLINE
    choose(form, Login.NTLM)
    assert form.fields.exchange.url.text() == ""
    form.fields.exchange.url.setText(URL)
    choose(form, Login.OAUTH)
    assert form.fields.exchange.url.text() == URL


def test_trying_the_server_says_in_words_what_came_of_it(form: AccountForm, qtbot: QtBot) -> None:
    fill(form)
    form.test_button.click()
    qtbot.waitUntil(lambda: form.said.text().startswith("Exchange server: Exchange Online has switched off EWS"))
    assert "EwsAllowedAppIDs" in form.said.text()


# Finding the server


def needs_approval(search: ServerSearch) -> ServerFound:
    for hosts in (("autodiscover.nhs.test", "nhs.test"), ("cloud.test",)):
        if not set(hosts) <= search.approved:
            return ServerFound(hosts=hosts)
    return ServerFound(url=URL)


def press(form: AccountForm, words: str) -> None:
    assert form.finding.question is not None
    next(each for each in form.finding.question.buttons() if each.text() == words).click()


def test_no_host_is_asked_before_its_name_was_approved(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.finds = needs_approval
    fill(form)
    form.finding.button.click()
    for names in ("autodiscover.nhs.test\nnhs.test\n", "cloud.test\n"):
        qtbot.waitUntil(lambda names=names: names in asked(form))  # type: ignore[misc]
        press(form, "Ask them")
    qtbot.waitUntil(lambda: form.finding.said.text() == "Found.")
    assert form.fields.exchange.url.text() == URL
    assert helper.searches[0] == ServerSearch("Work", ME, Login.NTLM, "", "secret")
    assert helper.searches[-1].approved == {"autodiscover.nhs.test", "nhs.test", "cloud.test"}
    assert "secret" not in repr(helper.searches)


def asked(form: AccountForm) -> str:
    return form.finding.question.informativeText() if form.finding.question else ""


def test_who_does_not_know_the_hosts_says_no_and_nothing_is_asked(
    form: AccountForm, helper: Helper, qtbot: QtBot
) -> None:
    helper.finds = needs_approval
    fill(form)
    form.finding.button.click()
    qtbot.waitUntil(lambda: form.finding.question is not None)
    assert form.finding.question is not None
    default = form.finding.question.defaultButton()
    assert default is not None
    assert default.text() == "Cancel"
    press(form, "Cancel")
    assert len(helper.searches) == 1
    assert form.finding.button.isEnabled()


def test_a_server_that_is_not_found_is_said(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.finds = lambda search: ServerFound(trouble="ews_not_found")
    fill(form)
    form.finding.button.click()
    qtbot.waitUntil(lambda: form.finding.said.text().startswith("No server was found for this address."))


def test_without_an_address_there_is_nobody_to_find_a_server_for(form: AccountForm, helper: Helper) -> None:
    form.finding.button.click()
    assert form.said.text() == "Enter your address first."
    assert form.fields.address.hasFocus()
    assert not helper.searches


# Signing in


class Browser(QObject):
    """Keeps the pages Qt is asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[str] = []

    @Slot(QUrl)
    def open(self, page: QUrl) -> None:
        self.pages.append(page.toString())


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    QDesktopServices.setUrlHandler("https", made, "open")  # type: ignore[arg-type]  # it takes no bytes
    yield made
    QDesktopServices.unsetUrlHandler("https")


def test_signing_in_opens_the_page_in_the_browser(
    form: AccountForm, helper: Helper, browser: Browser, qtbot: QtBot
) -> None:
    done = threading.Event()

    def signs_in(sign_in: SignIn) -> SignedIn:
        sign_in.show("https://login.test/", "")
        done.wait(10)
        return SignedIn()

    helper.signs_in = signs_in
    fill(form, Login.OAUTH)
    form.signing_in.browser_button.click()
    qtbot.waitUntil(lambda: browser.pages == ["https://login.test/"])
    assert form.signing_in.said.text() == "Sign in on the page that has opened in your browser."
    assert not form.signing_in.browser_button.isVisible()
    done.set()
    qtbot.waitUntil(lambda: form.signing_in.said.text() == "Signed in.")
    assert form.fields.name.isReadOnly()
    assert helper.sign_ins[0].account.name == "Work"
    assert "You can close this page" in helper.sign_ins[0].words


def waits(sign_in: SignIn) -> SignedIn:
    sign_in.show("https://microsoft.test/devicelogin", "ABCD1234")
    given_up = threading.Event()
    while not sign_in.cancelled():
        given_up.wait(0.01)
    return SignedIn("ews_cancelled")


def test_a_code_is_shown_and_can_be_given_up(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.signs_in = waits
    fill(form, Login.OAUTH)
    form.signing_in.code_button.setFocus()
    qtbot.keyClick(form.signing_in.code_button, Qt.Key.Key_Space)
    words = "On any device open https://microsoft.test/devicelogin and enter the code ABCD1234."
    qtbot.waitUntil(lambda: form.signing_in.said.text().replace("\u200b", "") == words)
    assert form.signing_in.cancel_button.hasFocus()
    qtbot.keyClick(form.signing_in.cancel_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: form.signing_in.said.text() == "Nobody has signed in. Nothing has been changed.")
    assert form.signing_in.browser_button.hasFocus()


def test_closing_the_form_gives_up_the_sign_in(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.signs_in = waits
    fill(form, Login.OAUTH)
    form.signing_in.code_button.click()
    qtbot.waitUntil(lambda: "ABCD1234" in form.signing_in.said.text())
    form.reject()
    qtbot.waitUntil(lambda: form.signing_in.said.text() == "Nobody has signed in. Nothing has been changed.")


def test_what_it_said_when_no_keyring_took_it(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.signs_in = lambda sign_in: SignedIn(lasting=False)
    fill(form, Login.OAUTH)
    form.signing_in.code_button.click()
    qtbot.waitUntil(lambda: form.signing_in.said.text().startswith("Signed in until SendGuard ends"))


def test_without_an_application_id_it_says_what_to_ask_for(form: AccountForm, helper: Helper, qtbot: QtBot) -> None:
    helper.signs_in = lambda sign_in: SignedIn("ews_client_id")
    fill(form, Login.OAUTH)
    form.signing_in.browser_button.click()
    qtbot.waitUntil(lambda: "EWS.AccessAsUser.All" in form.signing_in.said.text())


# The look


@pytest.mark.parametrize("times", [1.0, 2.0])
@pytest.mark.parametrize("login", [Login.NTLM, Login.OAUTH])
def test_german_at_twice_the_size_is_not_cut_off(
    qapp: QApplication, qtbot: QtBot, world: World, login: Login, times: float
) -> None:
    before = qapp.font()
    font = qapp.font()
    font.setPointSizeF(font.pointSizeF() * times)
    qapp.setFont(font)
    try:
        form = AccountForm(world.services("de"), Tasks(), lambda: None, HOME)
        qtbot.addWidget(form)
        choose(form, login)
        form.show()
        for widget in form.findChildren(QWidget):
            if isinstance(widget, QLabel | QPushButton) and widget.isVisible():
                whole(widget)
    finally:
        qapp.setFont(before)


def test_every_field_has_a_name_for_a_screen_reader(form: AccountForm) -> None:
    exchange = form.fields.exchange
    for field_ in (exchange.login, exchange.user, exchange.password, exchange.url, exchange.gate_port):
        assert field_.accessibleName().startswith("Exchange server: ")
    assert form.fields.kind.accessibleName() == "Kind of account"
