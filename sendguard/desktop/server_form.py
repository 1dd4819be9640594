"""The part of the account form that describes one server."""

from PySide6.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLineEdit, QSpinBox, QWidget

from sendguard.desktop.literal import literal
from sendguard.desktop.text import label_for
from sendguard.guard.account import Security, Server, is_loopback
from sendguard.settings.setting import N_
from sendguard.wording.catalogue import Catalogue

SECURITIES = {
    Security.TLS: N_("TLS from the start"),
    Security.STARTTLS: N_("STARTTLS"),
    Security.PLAIN: N_("None (this computer only)"),
}
PORTS = {
    "imap": {Security.TLS: 993, Security.STARTTLS: 143, Security.PLAIN: 143},
    "smtp": {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25},
}
"""RFC 8314 §3 and RFC 6409 §3.1."""


class ServerForm(QGroupBox):
    """Host, port, security, user and password of one server. An empty host means that there is none."""

    def __init__(self, service: str, title: str, say: Catalogue) -> None:
        super().__init__(literal(title))
        self._service = service
        self._say = say
        self.host, self.user, self.password = QLineEdit(), QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.security = QComboBox()
        for value, words in SECURITIES.items():
            self.security.addItem(say.text(words), value)
        self.setLayout(
            named_rows(
                title,
                (self.host, say.text("Server")),
                (self.security, say.text("Encryption")),
                (self.port, say.text("Port")),
                (self.user, say.text("User name")),
                (self.password, say.text("Password")),
            )
        )
        self.security.currentIndexChanged.connect(self._usual_port)
        self._usual_port()

    def show_server(self, server: Server | None) -> None:
        """Show a server; the password is never shown."""
        if server is None:
            return
        self.host.setText(server.host)
        self.security.setCurrentIndex(self.security.findData(server.security))
        self.port.setValue(server.port)
        self.user.setText(server.user)

    def server(self, user: str) -> Server | None:
        """What stands in the form, ``user`` where no user name does; None without a host.

        Raises ValueError for an unencrypted connection to anything but this computer.
        """
        host = self.host.text().strip()
        if not host:
            return None
        return Server(host, self.port.value(), self._chosen, self.user.text().strip() or user)

    def why_not(self) -> str:
        """What is wrong in the form, in words; empty when nothing is."""
        host = self.host.text().strip()
        if host and self._chosen is Security.PLAIN and not is_loopback(host):
            return self._say.text("Without encryption the password could be read on its way: choose TLS or STARTTLS.")
        if " " in host or "/" in host:
            return self._say.text("“{host}” is not the name of a server.", host=host)
        return ""

    @property
    def _chosen(self) -> Security:
        return Security(self.security.currentData())

    def _usual_port(self) -> None:
        self.port.setValue(PORTS[self._service][self._chosen])


def named_rows(title: str, *fields: tuple[QWidget, str]) -> QFormLayout:
    """Fields, each beside its name; a screen reader says the ``title`` of what they belong to before it. What has no
    name takes the whole width."""
    rows = QFormLayout()
    rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    for widget, words in fields:
        if not words:
            rows.addRow(widget)
            continue
        label = label_for(widget, words)
        label.setWordWrap(False)
        if title:
            widget.setAccessibleName(f"{title}: {words}")
        rows.addRow(label, widget)
    return rows
