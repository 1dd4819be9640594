"""What is asked about an account, and the account that follows from it."""

from dataclasses import dataclass

from PySide6.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.server_form import ServerForm
from sendguard.desktop.text import Tone, label_for, safe_label
from sendguard.guard.account import Account
from sendguard.mail.address import is_addr_spec, normalise
from sendguard.settings.declared import N_
from sendguard.wording.catalogue import Catalogue

TITLES = {"imap": N_("Incoming mail (IMAP)"), "smtp": N_("Outgoing mail (SMTP)")}
GATE_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not right yet, in words, and where."""

    why: str
    field: QWidget


class AccountFields(QWidget):
    """Name, addresses, servers, gate and outbox of one account."""

    def __init__(self, say: Catalogue) -> None:
        super().__init__()
        self._say = say
        self.name, self.address, self.others = QLineEdit(), QLineEdit(), QLineEdit()
        self.outbox = QLineEdit("Guarded Outbox")
        self.watch_drafts = QCheckBox(say.text("Warn while I write (drafts on the server)"))
        self.watch_drafts.setChecked(True)
        self.gate_port = QSpinBox()
        self.gate_port.setRange(0, 65535)
        self.gate_port.setSpecialValueText(say.text("No gate"))
        self.servers = {service: ServerForm(service, say.text(title), say) for service, title in TITLES.items()}
        self.instructions = safe_label(tone=Tone.QUIET)
        self._lay_out()
        self.gate_port.valueChanged.connect(self._instruct)
        self._instruct()

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords typed, by service; what was left empty stays as it is kept."""
        return {service: form.password.text() for service, form in self.servers.items() if form.password.text()}

    def show_account(self, account: Account) -> None:
        """Show an account; its name stays, for secrets and history are kept under it."""
        self.name.setText(account.name)
        self.name.setReadOnly(True)
        self.address.setText(account.identities[0])
        self.others.setText(", ".join(account.identities[1:]))
        self.servers["imap"].show_server(account.imap)
        self.servers["smtp"].show_server(account.smtp)
        self.gate_port.setValue(account.gate_port)
        self.outbox.setText(account.outbox)
        self.watch_drafts.setChecked(account.watch_drafts)
        for form in self.servers.values():
            form.password.setPlaceholderText(self._say.text("unchanged"))

    def account(self) -> Account | Wrong:
        """The account as it stands here, or what is not right yet."""
        main = self.address.text().strip()
        words = (main, *self.others.text().replace(";", ",").split(","))
        identities = [normalise(word) for word in words if word.strip()]
        if not main or not all(is_addr_spec(identity) for identity in identities):
            why = self._say.text("Enter your address as name@example.org; several are separated by commas.")
            return Wrong(why, self.address)
        for form in self.servers.values():
            if why := form.why_not():
                return Wrong(why, form.host)
        imap, smtp = self.servers["imap"].server(main), self.servers["smtp"].server(main)
        if imap is None and smtp is None:
            why = self._say.text("Enter at least one server: without it nothing can be guarded.")
            return Wrong(why, self.servers["imap"].host)
        return Account(
            name=self.name.text().strip() or main,
            identities=tuple(dict.fromkeys(identities)),
            imap=imap,
            smtp=smtp,
            gate_port=self.gate_port.value() if smtp else 0,
            outbox=self.outbox.text().strip() if imap and smtp else "",
            watch_drafts=self.watch_drafts.isChecked(),
        )

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
        names = ((self.name, text("Name of the account")), (self.address, text("Your address")))
        rows.addLayout(_form(*names, (self.others, text("Your other addresses"))))
        for server in self.servers.values():
            rows.addWidget(server)
        rows.addLayout(_form((self.gate_port, text("Port of the gate"))))
        rows.addWidget(self.instructions)
        rows.addLayout(_form((self.outbox, text("Guarded outbox"))))
        outbox = text("What you move into this folder is held, and sent by SendGuard only.")
        rows.addWidget(safe_label(outbox, Tone.QUIET))
        rows.addWidget(self.watch_drafts)


def _form(*fields: tuple[QWidget, str]) -> QFormLayout:
    form = QFormLayout()
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    for widget, words in fields:
        label = label_for(widget, words)
        label.setWordWrap(False)
        form.addRow(label, widget)
    return form
