"""The accounts: whose mail is guarded."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMessageBox

from sendguard.desktop.account_form import AccountForm
from sendguard.desktop.layout import Page, Row, Section, together
from sendguard.desktop.literal import literal
from sendguard.desktop.services import Services
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Weight, button, safe_label
from sendguard.desktop.thunderbird_section import ThunderbirdSection
from sendguard.guard.account import Account
from sendguard.wording.hostile import shown, shown_address


class AccountsPage(Page):
    """Every account, with the ways to add, change and remove one."""

    def __init__(self, services: Services, tasks: Tasks) -> None:
        super().__init__()
        self._services = services
        self._tasks = tasks
        self._say = services.sentences.catalogue
        self.form: AccountForm | None = None
        self._list = Section(self._say.text("Accounts"))
        self.add_button = button(self._say.text("Add an account"), Weight.STRONG)
        self.add_button.clicked.connect(lambda: self.edit(None))
        self.said = safe_label()
        self.rows.addWidget(self._list)
        self.rows.addWidget(Row(self.said, self.add_button))
        self.thunderbird = ThunderbirdSection(services, tasks, self._add)
        self.rows.addWidget(self.thunderbird)
        self.rows.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Show the accounts there are."""
        self._list.clear()
        accounts = self._services.load_accounts()
        for account in accounts:
            change, remove = button(self._say.text("Change…")), button(self._say.text("Remove…"))
            change.setAccessibleDescription(account.name)
            remove.setAccessibleDescription(account.name)
            change.clicked.connect(partial(self.edit, account))
            remove.clicked.connect(partial(self._remove, account))
            words = f"{shown(account.name)} · {shown_address(account.identities[0])}"
            self._list.add(together(safe_label(words), Row(safe_label(), change, remove)))
        if not accounts:
            self._list.add(safe_label(self._say.text("Nothing is guarded yet: there is no account.")))

    def _add(self, suggested: Account, then: Callable[[], None]) -> None:
        """Open the form for a new account that is filled in already; ``then`` is called once it is kept."""

        def kept() -> None:
            self.refresh()
            then()

        self.form = AccountForm(self._services, self._tasks, kept, None, self, suggested=suggested)
        self.form.show()

    def edit(self, account: Account | None, checked: bool = False) -> None:
        """Open the form for an account, or for a new one."""
        self.form = AccountForm(self._services, self._tasks, self._kept, account, self)
        self.form.show()

    def _kept(self) -> None:
        self.refresh()
        self.thunderbird.refresh()

    def _remove(self, account: Account, checked: bool = False) -> None:
        box = QMessageBox(self)
        box.setTextFormat(box.textFormat().PlainText)
        box.setText(self._say.text("Remove the account “{name}”?", name=shown(account.name)))
        box.setInformativeText(
            self._say.text(
                "Its mail is then no longer guarded. Set your mail program's outgoing server back first: "
                "it cannot send through the gate any more. No mail is deleted."
            )
        )
        keep = box.addButton(literal(self._say.text("Keep it")), QMessageBox.ButtonRole.RejectRole)
        remove = box.addButton(literal(self._say.text("Remove")), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(keep)
        box.exec()
        if box.clickedButton() is remove:
            self._tasks.run(partial(self._services.delete_account, account.name), self._removed, OSError)

    def _removed(self, done: Done[None]) -> None:
        failed = self._say.text("Not removed: the accounts file could not be written. It is still guarded.")
        self.said.setText(failed if done.error else "")
        self._kept()
