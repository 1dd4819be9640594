"""What is asked about an account, and the account that follows from it."""

from dataclasses import dataclass

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.exchange_form import ExchangeForm
from sendguard.desktop.server_form import ServerForm, named_rows
from sendguard.desktop.text import Tone, safe_label
from sendguard.guard.account import Account
from sendguard.mail.address import is_addr_spec, normalise
from sendguard.settings.setting import N_
from sendguard.wording.catalogue import Catalogue

SERVERS = {"imap": N_("Incoming mail (IMAP)"), "smtp": N_("Outgoing mail (SMTP)")}
TITLES = SERVERS | {"exchange": N_("Exchange server")}
GATE_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not right yet, in words, and where."""

    why: str
    field: QWidget


class AccountFields(QWidget):
    """Name, addresses, servers, gates and outbox of one account: on IMAP and SMTP servers, or on an Exchange server."""

    def __init__(self, say: Catalogue, exchange: ExchangeForm) -> None:
        super().__init__()
        self._say = say
        self.exchange = exchange
        self.kind = QComboBox()
        self.kind.addItem(say.text("IMAP and SMTP"), False)
        self.kind.addItem(say.text("Exchange"), True)
        self.name, self.address, self.others = QLineEdit(), QLineEdit(), QLineEdit()
        self.outbox = QLineEdit("Guarded Outbox")
        self.watch_drafts = QCheckBox(say.text("Warn while I write (drafts on the server)"))
        self.watch_drafts.setChecked(True)
        self.gate_port = QSpinBox()
        self.gate_port.setRange(0, 65535)
        self.gate_port.setSpecialValueText(say.text("No gate"))
        self.servers = {service: ServerForm(service, say.text(title), say) for service, title in SERVERS.items()}
        self.instructions = safe_label(tone=Tone.QUIET)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._show_kind)
        self.gate_port.valueChanged.connect(self._instruct)
        self._show_kind()
        self._instruct()

    @property
    def is_exchange(self) -> bool:
        """Whether this is an account on an Exchange server."""
        return bool(self.kind.currentData())

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords typed, by service; what was left empty stays as it is kept."""
        if self.is_exchange:
            typed = {"exchange": self.exchange.typed_password}
        else:
            typed = {service: form.password.text() for service, form in self.servers.items()}
        return {service: password for service, password in typed.items() if password}

    @property
    def main_address(self) -> str:
        """The address in the form, normalised; empty where none stands there yet."""
        main = self.address.text().strip()
        return normalise(main) if is_addr_spec(normalise(main)) else ""

    def show_account(self, account: Account) -> None:
        """Show an account; its name stays, for secrets and history are kept under it."""
        self.keep_name(account.name)
        self.gate_port.setValue(account.gate_port)
        self._show(account, account.ews_gate_port)
        for password in (*(form.password for form in self.servers.values()), self.exchange.password):
            password.setPlaceholderText(self._say.text("unchanged"))

    def suggest(self, account: Account) -> None:
        """Fill in what is known of a new account; its gates' ports stay those in the form."""
        self.name.setText(account.name)
        self._show(account, self.exchange.gate_port.value())

    def _show(self, account: Account, exchange_port: int) -> None:
        self.address.setText(account.identities[0])
        self.others.setText(", ".join(account.identities[1:]))
        self.servers["imap"].show_server(account.imap)
        self.servers["smtp"].show_server(account.smtp)
        self.outbox.setText(account.outbox)
        self.watch_drafts.setChecked(account.watch_drafts)
        if account.exchange is not None:
            self.exchange.show_server(account.exchange, exchange_port)
            self.kind.setCurrentIndex(self.kind.findData(True))

    def keep_name(self, name: str) -> None:
        """Under this name secrets are kept by now."""
        self.name.setText(name)
        self.name.setReadOnly(True)

    def account(self) -> Account | Wrong:
        """The account as it stands here, or what is not right yet."""
        main = self.address.text().strip()
        words = (main, *self.others.text().replace(";", ",").split(","))
        identities = [normalise(word) for word in words if word.strip()]
        if not main or not all(is_addr_spec(identity) for identity in identities):
            why = self._say.text("Enter your address as name@example.org; several are separated by commas.")
            return Wrong(why, self.address)
        name, addresses = self.name.text().strip() or main, tuple(dict.fromkeys(identities))
        if self.is_exchange:
            return self._on_exchange(name, addresses)
        return self._on_servers(name, addresses, main)

    def _on_servers(self, name: str, identities: tuple[str, ...], user: str) -> Account | Wrong:
        for form in self.servers.values():
            if why := form.why_not():
                return Wrong(why, form.host)
        imap, smtp = self.servers["imap"].server(user), self.servers["smtp"].server(user)
        if imap is None and smtp is None:
            why = self._say.text("Enter at least one server: without it nothing can be guarded.")
            return Wrong(why, self.servers["imap"].host)
        return Account(
            name,
            identities,
            imap=imap,
            smtp=smtp,
            gate_port=self.gate_port.value() if smtp else 0,
            outbox=self.outbox.text().strip() if imap and smtp else "",
            watch_drafts=self.watch_drafts.isChecked(),
        )

    def _on_exchange(self, name: str, identities: tuple[str, ...]) -> Account | Wrong:
        server = self.exchange.server()
        if server is None:
            return Wrong(self.exchange.why_not(), self.exchange.url)
        return Account(
            name,
            identities,
            exchange=server,
            ews_gate_port=self.exchange.gate_port.value(),
            outbox=self.outbox.text().strip(),
            watch_drafts=self.watch_drafts.isChecked(),
        )

    def _show_kind(self) -> None:
        for widget in self._for_servers:
            widget.setVisible(not self.is_exchange)
        self.exchange.setVisible(self.is_exchange)

    def _instruct(self) -> None:
        port = self.gate_port.value()
        if not port:
            self.instructions.setText(
                self._say.text("Without the gate SendGuard cannot hold what your mail program sends.")
            )
            return
        self.instructions.setText(
            self._say.text(
                "In your mail program set the outgoing server (SMTP) to {host}, port {port}, encryption “none”, "
                "with your usual user name and password. From the gate on everything is encrypted.",
                host=GATE_HOST,
                port=port,
            )
        )

    def _lay_out(self) -> None:
        text = self._say.text
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(look.gap(0.6))
        rows.addLayout(
            named_rows(
                "",
                (self.name, text("Name of the account")),
                (self.address, text("Your address")),
                (self.others, text("Your other addresses")),
                (self.kind, text("Kind of account")),
            )
        )
        gate = QWidget()
        gate_rows = named_rows("", (self.gate_port, text("Port of the gate")))
        gate_rows.setContentsMargins(0, 0, 0, 0)
        gate.setLayout(gate_rows)
        self._for_servers = (*self.servers.values(), gate, self.instructions)
        for widget in (*self._for_servers, self.exchange):
            rows.addWidget(widget)
        rows.addLayout(named_rows("", (self.outbox, text("Guarded outbox"))))
        outbox = text("What you move into this folder is held, and sent by SendGuard only.")
        rows.addWidget(safe_label(outbox, Tone.QUIET))
        rows.addWidget(self.watch_drafts)
