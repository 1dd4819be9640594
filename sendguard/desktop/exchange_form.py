"""The part of the account form that describes an Exchange server and how it is logged in to."""

from urllib.parse import urlsplit

from PySide6.QtWidgets import QComboBox, QGroupBox, QLineEdit, QSizePolicy, QSpinBox, QWidget

from sendguard.desktop.literal import literal
from sendguard.desktop.server_form import named_rows
from sendguard.desktop.text import Tone, safe_label
from sendguard.guard.account import ExchangeServer, Login
from sendguard.settings.setting import N_
from sendguard.wording.catalogue import Catalogue

LOGINS = {
    Login.NTLM: N_("User name and password (NTLM)"),
    Login.BASIC: N_("User name and password (Basic)"),
    Login.KERBEROS: N_("This computer's own login (Kerberos)"),
    Login.OAUTH: N_("Microsoft's sign-in page (OAuth)"),
}
WITH_PASSWORD = {Login.NTLM, Login.BASIC}
USUAL_PATH = "/EWS/Exchange.asmx"
LEAST_SHOWN = 12
"""Characters of a login's name that are seen in the narrowest window."""
ONLINE = f"https://outlook.office365.com{USUAL_PATH}"
"""Exchange Online's address, the only server most people sign in to by OAuth."""


class ExchangeForm(QGroupBox):
    """Address, login and gate of an Exchange server. ``finding`` and ``signing_in`` are the buttons that help."""

    def __init__(self, say: Catalogue, *, has_kerberos: bool, finding: QWidget, signing_in: QWidget) -> None:
        super().__init__(literal(say.text("Exchange server")))
        self._say = say
        self.finding, self.signing_in = finding, signing_in
        self.url, self.user, self.password = QLineEdit(), QLineEdit(), QLineEdit()
        self.client_id, self.tenant = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.url.setPlaceholderText(f"https://mail.example.org{USUAL_PATH}")
        self.user.setPlaceholderText(say.text("your address, if empty"))
        for field in (self.client_id, self.tenant):
            field.setPlaceholderText(say.text("as in the settings"))
        self.login = QComboBox()
        self.login.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.login.setMinimumContentsLength(LEAST_SHOWN)
        self.login.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for login in LOGINS:
            if login is not Login.KERBEROS or has_kerberos:
                self._offer(login)
        self.gate_port = QSpinBox()
        self.gate_port.setRange(0, 65535)
        self.gate_port.setSpecialValueText(say.text("No gate"))
        self.gate_address = QLineEdit(readOnly=True)
        self.instructions = safe_label(tone=Tone.QUIET)
        self._lay_out()
        self.login.currentIndexChanged.connect(self._show_needed)
        self.gate_port.valueChanged.connect(self._instruct)
        self.url.textChanged.connect(self._instruct)
        self._show_needed()

    @property
    def chosen_login(self) -> Login:
        """How the server is to be logged in to."""
        return Login(self.login.currentData())

    @property
    def typed_password(self) -> str:
        """The password, where this login needs one; empty where it is to stay as it is kept."""
        return self.password.text() if self.chosen_login in WITH_PASSWORD else ""

    def show_server(self, server: ExchangeServer, gate_port: int) -> None:
        """Show a server; the password is never shown."""
        if self.login.findData(server.login) < 0:  # set up where its library was installed
            self._offer(server.login)
        self.url.setText(server.url)
        self.login.setCurrentIndex(self.login.findData(server.login))
        self.user.setText(server.user)
        self.client_id.setText(server.client_id)
        self.tenant.setText(server.tenant)
        self.gate_port.setValue(gate_port)

    def server(self) -> ExchangeServer | None:
        """What stands in the form; None where it is not valid, see ``why_not``. A name alone gets the usual path."""
        login = self.chosen_login
        own = login is Login.OAUTH
        try:
            return ExchangeServer(
                _whole(self.url.text().strip()),
                login,
                self.user.text().strip(),
                self.client_id.text().strip() if own else "",
                self.tenant.text().strip() if own else "",
            )
        except ValueError:
            return None

    def why_not(self) -> str:
        """What is wrong in the form, in words; empty when nothing is."""
        url = self.url.text().strip()
        if not url:
            return self._say.text("Enter the server's address, or have it found.")
        if self.server() is not None:
            return ""
        if url.lower().startswith("http://"):
            return self._say.text("Without encryption the password could be read on its way: begin with https://.")
        return self._say.text("“{url}” is not the address of an Exchange server. It begins with https://.", url=url)

    def _offer(self, login: Login) -> None:
        self.login.addItem(self._say.text(LOGINS[login]), login)

    def _show_needed(self) -> None:
        """What this login needs, and no more."""
        login = self.chosen_login
        by_oauth = login is Login.OAUTH
        self._rows.setRowVisible(self.user, login is not Login.KERBEROS)
        self._rows.setRowVisible(self.password, login in WITH_PASSWORD)
        self._rows.setRowVisible(self.client_id, by_oauth)
        self._rows.setRowVisible(self.tenant, by_oauth)
        self._rows.setRowVisible(self.finding, not by_oauth)
        self._rows.setRowVisible(self.signing_in, by_oauth)
        if by_oauth and not self.url.text().strip():
            self.url.setText(ONLINE)
        elif not by_oauth and self.url.text().strip() == ONLINE:
            self.url.clear()
        self._instruct()

    def _instruct(self) -> None:
        port, server = self.gate_port.value(), self.server()
        path = urlsplit(server.url).path if server else USUAL_PATH
        self.gate_address.setText(f"http://127.0.0.1:{port}{path}")
        self._rows.setRowVisible(self.gate_address, port > 0)
        if not port:
            words = self._say.text("Without the gate SendGuard cannot hold what your mail program sends.")
        elif self.chosen_login is Login.OAUTH:
            words = self._say.text(
                "In your mail program set the Exchange address to this one. A program that looks for Microsoft's "
                "sign-in page by the server's name does not find it behind the gate: use the guarded outbox with it."
            )
        else:
            words = self._say.text(
                "In your mail program set the Exchange address to this one, with your usual user name and password. "
                "From the gate on everything is encrypted."
            )
        self.instructions.setText(words)

    def _lay_out(self) -> None:
        text = self._say.text
        self._rows = named_rows(
            text("Exchange server"),
            (self.login, text("Login")),
            (self.user, text("User name")),
            (self.password, text("Password")),
            (self.client_id, text("Application id")),
            (self.tenant, text("Tenant")),
            (self.signing_in, ""),
            (self.url, text("Address of the server")),
            (self.finding, ""),
            (self.gate_port, text("Port of the gate")),
            (self.gate_address, text("Address of the gate")),
            (self.instructions, ""),
        )
        self.setLayout(self._rows)


def _whole(url: str) -> str:
    return f"https://{url}{USUAL_PATH}" if url and "/" not in url and " " not in url else url
