"""The account form: servers tried before they are kept, passwords into the keyring, errors that say what to do."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from sendguard.desktop.account_form import AccountForm
from sendguard.desktop.accounts_page import AccountsPage
from sendguard.desktop.tasks import Tasks
from sendguard.guard.account import Account, Security, Server
from tests.desktop.examples import ME, WORK, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def form(world: World, qtbot: QtBot) -> Iterator[AccountForm]:
    made = AccountForm(world.services(), Tasks(), lambda: world.events.append("saved"))
    qtbot.addWidget(made)
    made.show()
    return made


def fill(form: AccountForm) -> None:
    fields = form.fields
    fields.name.setText("Work")
    fields.address.setText("Ana@Croydon.NHS.test")
    fields.others.setText("ana@nhs.test; a.silva@nhs.test")
    for service, security in (("imap", Security.TLS), ("smtp", Security.STARTTLS)):
        server = fields.servers[service]
        server.host.setText(f"{service}.nhs.test")
        server.security.setCurrentIndex(server.security.findData(security))
        server.password.setText(f"secret of {service}")


def test_what_was_filled_in_becomes_an_account(form: AccountForm) -> None:
    fill(form)
    main = "Ana@Croydon.NHS.test"
    assert form.account() == Account(
        "Work",
        (ME, "ana@nhs.test", "a.silva@nhs.test"),
        Server("imap.nhs.test", 993, Security.TLS, main),
        Server("smtp.nhs.test", 587, Security.STARTTLS, main),
        gate_port=49_225,
    )


def test_the_usual_port_follows_the_encryption(form: AccountForm) -> None:
    smtp = form.fields.servers["smtp"]
    assert smtp.port.value() == 465
    smtp.security.setCurrentIndex(smtp.security.findData(Security.STARTTLS))
    assert smtp.port.value() == 587


def test_it_says_what_to_set_in_the_mail_program(form: AccountForm) -> None:
    assert "127.0.0.1, port 49225, encryption “none”" in form.fields.instructions.text()
    form.fields.gate_port.setValue(0)
    assert form.fields.instructions.text().startswith("Without the gate SendGuard cannot hold")


def test_saving_keeps_the_passwords_in_the_keyring_and_the_account_without_them(
    form: AccountForm, world: World, qtbot: QtBot
) -> None:
    fill(form)
    form.save_button.click()
    qtbot.waitUntil(lambda: not form.isVisible())
    assert world.secrets.kept == {("Work", "imap"): "secret of imap", ("Work", "smtp"): "secret of smtp"}
    assert [account.name for account in world.accounts] == ["Work"]
    assert "secret" not in repr(world.accounts)
    assert world.events == ["saved"]


def test_without_a_keyring_it_says_so_and_what_to_do(form: AccountForm, world: World, qtbot: QtBot) -> None:
    world.secrets.lasting = False
    fill(form)
    form.save_button.click()
    qtbot.waitUntil(lambda: "no keyring answered: only this session knows the password" in form.said.text())
    assert form.isVisible()
    assert "never writes it into a file" in form.said.text()
    assert world.accounts


def test_trying_the_servers_says_for_each_what_came_of_it(form: AccountForm, qtbot: QtBot) -> None:
    fill(form)
    form.test_button.click()
    assert not form.save_button.isEnabled()
    qtbot.waitUntil(lambda: "Outgoing" in form.said.text())
    assert form.said.text().split("\n") == [
        "Incoming mail (IMAP): works.",
        "Outgoing mail (SMTP): The mail server did not accept the user name or password. Check the account's settings.",
    ]
    assert form.save_button.isEnabled()


def test_a_full_disk_is_said_and_nothing_is_kept(form: AccountForm, world: World, qtbot: QtBot) -> None:
    world.disk_full = True
    fill(form)
    form.save_button.click()
    qtbot.waitUntil(lambda: form.said.text().startswith("Not saved: the accounts file could not be written."))
    assert form.isVisible()
    assert not world.accounts


@pytest.mark.parametrize(
    ("address", "imap", "security", "said"),
    [
        ("", "imap.nhs.test", Security.TLS, "Enter your address as name@example.org"),
        ("ana", "imap.nhs.test", Security.TLS, "Enter your address as name@example.org"),
        ("ana@nhs.test", "", Security.TLS, "Enter at least one server"),
        ("ana@nhs.test", "imap.nhs.test", Security.PLAIN, "Without encryption the password could be read"),
        ("ana@nhs.test", "https://imap.nhs.test", Security.TLS, "is not the name of a server"),
    ],
)
def test_what_is_not_right_yet_is_said(
    form: AccountForm, world: World, address: str, imap: str, security: Security, said: str
) -> None:
    form.fields.address.setText(address)
    server = form.fields.servers["imap"]
    server.host.setText(imap)
    server.security.setCurrentIndex(server.security.findData(security))
    form.save_button.click()
    assert said in form.said.text()
    assert not world.accounts


def test_a_server_on_this_computer_needs_no_encryption(form: AccountForm) -> None:
    form.fields.address.setText("ana@nhs.test")
    server = form.fields.servers["smtp"]
    server.host.setText("localhost")
    server.security.setCurrentIndex(server.security.findData(Security.PLAIN))
    account = form.account()
    assert account is not None
    assert account.smtp == Server("localhost", 25, Security.PLAIN, "ana@nhs.test")


def test_changing_an_account_keeps_what_is_not_touched(world: World, qtbot: QtBot) -> None:
    world.secrets.kept = {("Work", "imap"): "kept"}
    form = AccountForm(world.services(), Tasks(), lambda: None, WORK)
    qtbot.addWidget(form)
    assert form.account() == WORK
    assert form.fields.name.isReadOnly()
    assert not any(server.password.text() for server in form.fields.servers.values())
    form.save_button.click()
    qtbot.waitUntil(lambda: world.accounts == [WORK])
    assert world.secrets.kept == {("Work", "imap"): "kept"}


def test_a_password_is_never_readable(form: AccountForm) -> None:
    for server in form.fields.servers.values():
        assert server.password.echoMode() is QLineEdit.EchoMode.Password


def test_the_accounts_are_listed_and_can_be_changed(world: World, qtbot: QtBot) -> None:
    world.accounts = [WORK]
    page = AccountsPage(world.services(), Tasks())
    qtbot.addWidget(page)
    page.edit(WORK)
    assert page.form is not None
    assert page.form.fields.address.text() == ME
