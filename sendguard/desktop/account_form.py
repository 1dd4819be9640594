"""The account form: fill in, test the connection, save."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.account_fields import TITLES, AccountFields, Wrong
from sendguard.desktop.exchange_form import ExchangeForm
from sendguard.desktop.exchange_help import FindServer, SigningIn
from sendguard.desktop.layout import Page, buttons
from sendguard.desktop.services import ServerResult, ServerSearch, Services
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Weight, button, safe_label
from sendguard.guard.account import Account


class AccountForm(QDialog):
    """Makes or changes one account; a new one may be ``suggested``. ``saved`` is called once it is kept."""

    def __init__(
        self,
        services: Services,
        tasks: Tasks,
        saved: Callable[[], None],
        account: Account | None = None,
        parent: QWidget | None = None,
        *,
        suggested: Account | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._tasks, self._saved = services, tasks, saved
        self._say = services.sentences
        text = self._say.catalogue.text
        self.fields = AccountFields(self._say.catalogue, self._exchange_form())
        self.said = safe_label()
        self.test_button = button(text("Test connection"))
        self.cancel_button = button(text("Cancel"))
        self.save_button = button(text("Save"), Weight.STRONG)
        self.save_button.setDefault(True)
        self.setWindowTitle(text("Account"))
        self.test_button.clicked.connect(self._test)
        self.save_button.clicked.connect(self._save)
        self.cancel_button.clicked.connect(self.reject)
        self.finished.connect(self.signing_in.give_up)
        if account:
            self.fields.show_account(account)
        else:
            self.fields.gate_port.setValue(services.free_gate_port())
            self.fields.exchange.gate_port.setValue(services.free_gate_port())
        if suggested:
            self.fields.suggest(suggested)
        self._lay_out()

    def account(self) -> Account | None:
        """The account in the form; None, with the reason said and the field focused, where it is not valid."""
        found = self.fields.account()
        if isinstance(found, Wrong):
            self.said.setText(found.why)
            found.field.setFocus()
            return None
        return found

    def _exchange_form(self) -> ExchangeForm:
        access, say = self._services.exchange, self._say.catalogue
        self.signing_in = SigningIn(self._services, self._tasks, self.account, self._signed_in)
        self.finding = FindServer(self._services, self._tasks, self._search, self._found)
        return ExchangeForm(say, has_kerberos=access.has_kerberos, finding=self.finding, signing_in=self.signing_in)

    def _search(self) -> ServerSearch | None:
        fields, form = self.fields, self.fields.exchange
        if not fields.main_address:
            self.said.setText(self._say.catalogue.text("Enter your address first."))
            fields.address.setFocus()
            return None
        name, user = fields.name.text().strip() or fields.main_address, form.user.text().strip()
        return ServerSearch(name, fields.main_address, form.chosen_login, user, form.typed_password)

    def _found(self, url: str) -> None:
        self.fields.exchange.url.setText(url)

    def _signed_in(self, account: Account) -> None:
        self.fields.keep_name(account.name)

    def _test(self) -> None:
        if account := self.account():
            self._busy(True)
            self.said.setText(self._say.catalogue.text("Trying the servers…"))
            self._tasks.run(partial(self._services.test_connection, account, self.fields.passwords), self._tested)

    def _tested(self, done: Done[tuple[ServerResult, ...]]) -> None:
        text = self._say.catalogue.text
        self._busy(False)
        if done.result is None:
            self.said.setText(text("The servers could not be tried. Nothing has been changed."))
            return
        self.said.setText("\n".join(self._result(result) for result in done.result))

    def _result(self, result: ServerResult) -> str:
        text = self._say.catalogue.text
        came = self._say.trouble(result.trouble) if result.trouble else text("works.")
        return f"{text(TITLES[result.service])}: {came}"

    def _save(self) -> None:
        if account := self.account():
            self._busy(True)
            self._tasks.run(partial(self._keep, account, self.fields.passwords), self._kept, OSError)

    def _keep(self, account: Account, passwords: dict[str, str]) -> bool:
        """Worker thread: the passwords first, so that the account's paths find them. False when not kept for long."""
        lasting = [self._services.secrets.set(account.name, service, secret) for service, secret in passwords.items()]
        self._services.save_account(account)
        return all(lasting)

    def _kept(self, done: Done[bool]) -> None:
        text = self._say.catalogue.text
        self._busy(False)
        if done.error is not None:
            self.said.setText(text("Not saved: the accounts file could not be written. Nothing has been changed."))
            return
        self._saved()
        if done.result:
            self.accept()
            return
        self.save_button.hide()
        self.cancel_button.setText(text("Close"))
        self.said.setText(
            text(
                "Saved, but no keyring answered: only this session knows the password. Unlock or install a keyring "
                "(GNOME Keyring, KWallet) and enter the password again, or enter it after each start. "
                "SendGuard never writes it into a file."
            )
        )

    def _busy(self, busy: bool) -> None:
        self.test_button.setEnabled(not busy)
        self.save_button.setEnabled(not busy)

    def _lay_out(self) -> None:
        page = Page()
        page.rows.addWidget(self.fields)
        page.rows.addStretch(1)
        rows = QVBoxLayout(self)
        rows.addWidget(page, 1)
        rows.addWidget(self.said)
        rows.addLayout(buttons(self.test_button, self.cancel_button, self.save_button))
        room = self.screen().availableSize() * 0.9
        self.resize(min(look.gap(38), room.width()), min(look.gap(50), room.height()))
