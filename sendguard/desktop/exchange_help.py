"""What helps to fill in the form of an Exchange server: finding it, and signing in at Microsoft's page."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.layout import buttons
from sendguard.desktop.literal import literal
from sendguard.desktop.services import ServerFound, ServerSearch, Services, SignedIn, SignIn
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import SafeLabel, button, safe_label
from sendguard.guard.account import Account
from sendguard.wording.hostile import shown


class FindServer(QWidget):
    """Looks for the server of an address. Before a host is given a password it is named, and may be refused.

    ``search`` gives who looks, or None where the form says what is missing; ``found`` takes the server's address.
    """

    def __init__(
        self,
        services: Services,
        tasks: Tasks,
        search: Callable[[], ServerSearch | None],
        found: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._services, self._tasks, self._search, self._found = services, tasks, search, found
        self._say = services.sentences
        self.said = safe_label()
        self.said.hide()
        self.button = button(self._say.catalogue.text("Find the server…"))
        self.button.clicked.connect(self._begin)
        self.question: QMessageBox | None = None
        _column(self, self.button, said=self.said)

    def _begin(self) -> None:
        if search := self._search():
            self._look(search)

    def _look(self, search: ServerSearch) -> None:
        self.button.setEnabled(False)
        self._tell(self._say.catalogue.text("Looking for the server…"))
        self._last = search
        self._tasks.run(partial(self._services.exchange.find_server, search), self._looked)

    def _looked(self, done: Done[ServerFound]) -> None:
        self.button.setEnabled(True)
        found = done.result or ServerFound(trouble="ews_not_found")
        if found.hosts:
            self._tell("")
            self._ask(found.hosts)
        elif found.url:
            self._tell(self._say.catalogue.text("Found."))
            self._found(found.url)
        else:
            self._tell(self._say.trouble(found.trouble))

    def _ask(self, hosts: tuple[str, ...]) -> None:
        text = self._say.catalogue.text
        self.question = box = QMessageBox(self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text("Ask these servers, and log in to them?"))
        box.setInformativeText(
            text(
                "{hosts}\n\nThe one that answers gets your user name and password, over an encrypted connection. "
                "If you do not know these names, ask your IT for the server's address instead.",
                hosts="\n".join(shown(host) for host in hosts),
            )
        )
        ask = box.addButton(literal(text("Ask them")), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(literal(text("Cancel")), QMessageBox.ButtonRole.RejectRole))
        further = replace(self._last, approved=self._last.approved | frozenset(hosts))
        ask.clicked.connect(partial(self._approved, further))
        box.open()

    def _approved(self, search: ServerSearch, checked: bool = False) -> None:
        self._look(search)

    def _tell(self, words: str) -> None:
        _say(self.said, words)


@dataclass(frozen=True, slots=True)
class _Page:
    """Where to sign in, and the code to enter there; without one it is opened in the browser."""

    url: str
    code: str


class SigningIn(QWidget):
    """Signs in at Microsoft's page: in this computer's browser, or with a code on any device. It can be given up.

    ``account`` gives whose account it is, or None where the form says what is missing; ``signed_in`` is told of it
    once the tokens are kept.
    """

    _shown = Signal(object)

    def __init__(
        self,
        services: Services,
        tasks: Tasks,
        account: Callable[[], Account | None],
        signed_in: Callable[[Account], None],
    ) -> None:
        super().__init__()
        self._services, self._tasks, self._account, self._signed_in = services, tasks, account, signed_in
        self._say = services.sentences
        text = self._say.catalogue.text
        self._cancelled = threading.Event()
        self.said = safe_label()
        self.said.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.said.hide()
        self.browser_button = button(text("Sign in…"))
        self.code_button = button(text("Sign in with a code…"))
        self.cancel_button = button(text("Stop signing in"))
        self.browser_button.clicked.connect(partial(self._begin, False))
        self.code_button.clicked.connect(partial(self._begin, True))
        self.cancel_button.clicked.connect(self.give_up)
        self._shown.connect(self._show)
        self._may_begin(True)
        _column(self, self.cancel_button, self.code_button, self.browser_button, said=self.said)

    def give_up(self) -> None:
        """Wait for nobody any longer."""
        self._cancelled.set()

    def _begin(self, by_code: bool, checked: bool = False) -> None:
        account = self._account()
        if account is None:
            return
        text = self._say.catalogue.text
        self._cancelled = threading.Event()
        self._may_begin(False)
        self._tell(text("Waiting for Microsoft's page…"))
        words = text("You are signed in. You can close this page and go back to SendGuard.")
        sign_in = SignIn(account, by_code, words, self._told, self._cancelled.is_set)
        self._for = account
        self._tasks.run(partial(self._services.exchange.sign_in, sign_in), self._done)

    def _told(self, url: str, code: str) -> None:
        """Worker thread."""
        self._shown.emit(_Page(url, code))

    @Slot(object)
    def _show(self, page: _Page) -> None:
        text = self._say.catalogue.text
        if page.code:
            words = text(
                "On any device open {url} and enter the code {code}.", url=shown(page.url), code=shown(page.code)
            )
            self._tell(words)
        elif QDesktopServices.openUrl(QUrl(page.url)):
            self._tell(text("Sign in on the page that has opened in your browser."))
        else:
            self._tell(text("No browser could be opened. Stop, and sign in with a code instead."))

    def _done(self, done: Done[SignedIn]) -> None:
        text = self._say.catalogue.text
        self._may_begin(True)
        ended = done.result or SignedIn("ews_protocol")
        if ended.trouble:
            self._tell(self._say.trouble(ended.trouble))
            return
        lasting = text("Signed in.")
        brief = text("Signed in until SendGuard ends: no keyring took it. Unlock or install one, and sign in again.")
        self._tell(lasting if ended.lasting else brief)
        self._signed_in(self._for)

    def _may_begin(self, may: bool) -> None:
        """Show the ways to begin, or the one to stop; the focus goes along."""
        focused = any(each.hasFocus() for each in (self.browser_button, self.code_button, self.cancel_button))
        for each in (self.browser_button, self.code_button):
            each.setVisible(may)
        self.cancel_button.setVisible(not may)
        if focused:
            (self.browser_button if may else self.cancel_button).setFocus()

    def _tell(self, words: str) -> None:
        _say(self.said, words)


def _say(label: SafeLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))


def _column(widget: QWidget, *row: QWidget, said: QWidget) -> None:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(look.gap(0.4))
    column.addLayout(buttons(*row))
    column.addWidget(said)
