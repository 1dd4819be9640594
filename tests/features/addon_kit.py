"""A real Thunderbird with the add-on, installed by policy and shared by tests, and SendGuard's end of it for each."""

import json
import smtplib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import Record, State
from sendguard.guard.ports import Answer, Question
from sendguard.mail.submission import Hook
from sendguard.smtp.gate import SmtpGate
from sendguard.thunderbird.addon import ADDON_ID, write_xpi
from sendguard.thunderbird.door import LocalDoor
from sendguard.thunderbird.gate import AddonGate
from sendguard.thunderbird.native import NativeHost
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.adapters.imap_rig import mail
from tests.fakes import Guard
from tests.servers.dovecot import Dovecot, Person
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder, wait_until
from tests.servers.thunderbird import MailAccount, Thunderbird, installation_with

SENTENCES = Sentences(Catalogue.for_language("en"))
VERSION = "0.1.0"
EXAMPLE = Path(__file__).parents[2] / "packaging" / "thunderbird" / "policies.json"
"""What IT is given: the tests install the add-on with this very file."""
BUTTON = "sendguard_thunderbird_addon-composeAction-toolbarbutton"


@contextmanager
def thunderbird_with_addon(
    managed: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Thunderbird]:
    """Start one. ``managed`` is what IT's policy says to the add-on."""
    with server_folder("thunderbird") as folder:
        addon = write_xpi(folder / "addon")
        policies = json.loads(EXAMPLE.read_text())["policies"]
        policies["ExtensionSettings"][ADDON_ID]["install_url"] = addon.as_uri()
        policies["3rdparty"]["Extensions"][ADDON_ID] |= dict(managed or {})
        installation = installation_with(folder / "installation", policies)
        thunderbird = Thunderbird(folder, installation=installation, settings=settings, environment=environment)
        host_of(thunderbird).install()
        with thunderbird:
            thunderbird.run(_ADDON_IS_ACTIVE, ADDON_ID)
            yield thunderbird


def host_of(thunderbird: Thunderbird) -> NativeHost:
    """The native messaging host of the person whose Thunderbird it is."""
    return NativeHost(thunderbird.home / ".local" / "share" / "sendguard", thunderbird.home)


@dataclass
class AddonDesk:
    """A person at that Thunderbird, with an account of their own, and SendGuard beside it."""

    thunderbird: Thunderbird
    dovecot: Dovecot
    postfix: Postfix
    guard: Guard = field(default_factory=Guard)
    accounts: tuple[Account, ...] = ()
    closing: ExitStack = field(default_factory=ExitStack)
    language: str = "en"

    def __post_init__(self) -> None:
        self.me = self.dovecot.new_person("me")
        self.alias = f"alias-{self.me.address}"
        self.colleague = self.dovecot.new_person("colleague")
        self.guard.directory.sizes[self.big] = 850_112
        self.accepted_before = self.postfix.accepted()

    @property
    def big(self) -> str:
        """A list nobody but the directory knows, whose mail goes to one mailbox here."""
        return f"big-{self.colleague.address}"

    def open_account(self, smtp_port: int = 0) -> None:
        """Set the account up in Thunderbird, by default straight to Postfix."""
        port = smtp_port or self.postfix.port
        self.thunderbird.add_mail(MailAccount.of(self.me, self.dovecot.port, port, self.alias))

    def start_guard(self) -> AddonGate:
        """Start SendGuard's end."""
        say = Sentences(Catalogue.for_language(self.language))
        door = LocalDoor(host_of(self.thunderbird).door)
        gate = AddonGate(door, self.guard.gatekeeper, lambda: self.accounts, lambda: say, VERSION)
        gate.start()
        self.closing.callback(gate.stop)
        return gate

    def start_smtp_gate(self) -> int:
        """A gate before Postfix as well; returns its port."""
        upstream = Server("127.0.0.1", self.postfix.port, Security.PLAIN)
        account = Account("work", (self.me.address, self.alias), smtp=upstream, gate_port=choose_port())
        self.accounts = (account,)
        intake = Intake(account, Hook.SMTP_GATE)
        gate = SmtpGate(account, self.guard.gatekeeper, intake, SENTENCES, lambda: GateLimits(hold_thunderbird=60))
        gate.start()
        self.closing.callback(gate.stop)
        return account.gate_port

    def receive(self, to: str, message_id: str, cc: str = "", more: str = "") -> str:
        """A message from the colleague; returns its id as Thunderbird has it."""
        raw = mail(
            sender=f"Col League <{self.colleague.address}>", to=to, cc=cc, message_id=f"<{message_id}>", more=more
        )
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp_port) as lmtp:
            lmtp.sendmail(self.colleague.address, [self.me.address], raw)
        return message_id

    def press_send(self, subject: str) -> None:
        """Press Send, where the answer may be there before anybody could see that it is under way."""
        self.thunderbird.run(
            'await until(() => isReady(args[0]), "composer"); composer(args[0]).goDoCommand("cmd_sendButton");', subject
        )

    def question(self) -> Question:
        """Wait for the question."""
        return self.guard.asker.question(20)

    def answer(self, answer: Answer) -> Question:
        """Answer it."""
        question = self.question()
        self.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)
        return question

    def rows(self) -> list[Record]:
        """What the ledger says, the earliest first."""
        return list(self.guard.ledger.rows.values())  # type: ignore[attr-defined]

    def wait_for_state(self, state: State, hook: Hook = Hook.THUNDERBIRD) -> Record:
        """Wait until a row of the ledger has come to this."""
        return wait_until(
            lambda: next((row for row in self.rows() if row.state is state and row.hook is hook), None), f"row {state}"
        )  # type: ignore[return-value]

    def arrived(self, person: Person | None = None) -> list[bytes]:
        """What has arrived for somebody, by default the colleague."""
        return [path.read_bytes() for path in self.dovecot.messages(person or self.colleague)]

    def line(self, subject: str = "") -> str:
        """The line in the compose window."""
        return str(self.thunderbird.run(_LINE, subject, BUTTON))

    def wait_for_line(self, text: str, subject: str = "") -> str:
        """Wait until the line says this."""
        return wait_until(lambda: text in (line := self.line(subject)) and line, f"line {text!r}", 20) or ""

    def page(self) -> str:
        """Wait for the small page that says why a message was not sent, close it, and return what it says."""
        return str(self.thunderbird.run(_PAGE))

    def close(self) -> None:
        """Leave Thunderbird as it was found."""
        with self.closing:
            self.thunderbird.close_composers()


@contextmanager
def desk_at(thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix) -> Iterator[AddonDesk]:
    """A desk whose account is not yet set up and whose SendGuard does not run yet."""
    desk = AddonDesk(thunderbird, dovecot, postfix)
    try:
        yield desk
    finally:
        desk.close()


@dataclass(frozen=True)
class LongHold:
    """A message that is held in a Thunderbird of its own while other tests run."""

    desk: AddonDesk
    subject: str
    question: str
    since: float

    def seconds(self) -> float:
        """How long it has been held."""
        return time.monotonic() - self.since


def add_list(thunderbird: Thunderbird, name: str, description: str, members: Sequence[str]) -> str:
    """Make a list in the address book; returns how it stands in a field."""
    thunderbird.run(_ADD_LIST, name, description, list(members))
    return f'{name} <"{description}">' if description else f"{name} <{name}>"


def write_html(thunderbird: Thunderbird, to: str, subject: str, body: str) -> None:
    """Begin a new message with formatted text."""
    thunderbird.run(_WRITE_HTML, to, subject, body)


def attach(thunderbird: Thunderbird, subject: str, files: Sequence[Path]) -> None:
    """Attach files to the message that is being written."""
    thunderbird.run(_ATTACH, subject, [str(path) for path in files])


_ADDON_IS_ACTIVE = """
const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
await until(async () => (await AddonManager.getAddonByID(args[0]))?.isActive, "add-on");
"""
_LINE = "return composer(args[0])?.document.getElementById(args[1])?.label ?? '';"
_PAGE = """
const found = () => [...Services.wm.getEnumerator("mail:extensionPopup")].flatMap(window =>
  [...window.document.querySelectorAll("browser")].filter(each => each.currentURI?.spec.includes("stopped.html"))
    .map(browser => ({ window, browser })))[0];
const { window, browser } = await until(found, "page");
await until(() => browser.currentURI && !browser.webProgress?.isLoadingDocument, "loaded page");
const said = await new Promise(wake => {
  browser.messageManager.addMessageListener("tests:text", function heard({ data }) {
    browser.messageManager.removeMessageListener("tests:text", heard);
    wake(data);
  });
  const script = `const look = () => content.document?.getElementById("what")?.textContent
    ? sendAsyncMessage("tests:text", content.document.body.innerText) : content.setTimeout(look, 20); look();`;
  browser.messageManager.loadFrameScript(`data:,${encodeURIComponent(script)}`, false);
});
window.close();
await until(() => !found(), "end of the page");
return said;
"""
_ADD_LIST = """
const [name, description, members] = args;
const book = MailServices.ab.getDirectory("jsaddrbook://abook.sqlite");
const list = Cc["@mozilla.org/addressbook/directoryproperty;1"].createInstance(Ci.nsIAbDirectory);
list.isMailList = true;
list.dirName = name;
list.description = description;
const made = book.addMailList(list);
for (const address of members) {
  const card = Cc["@mozilla.org/addressbook/cardproperty;1"].createInstance(Ci.nsIAbCard);
  card.displayName = `Card of ${address}`;
  card.primaryEmail = address;
  made.addCard(card);
}
"""
_WRITE_HTML = """
const [to, subject, body] = args, before = composers();
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
Object.assign(fields, { to, subject, body });
const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
parameters.composeFields = fields;
parameters.identity = account().defaultIdentity;
parameters.type = Ci.nsIMsgCompType.New;
parameters.format = Ci.nsIMsgCompFormat.HTML;
MailServices.compose.OpenComposeWindowWithParams(null, parameters);
await opened(before);
"""
_ATTACH = """
const attachments = args[1].map(path => {
  const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
  file.initWithPath(path);
  const attachment = Cc["@mozilla.org/messengercompose/attachment;1"].createInstance(Ci.nsIMsgAttachment);
  attachment.url = Services.io.newFileURI(file).spec;
  attachment.name = file.leafName;
  attachment.size = file.fileSize;
  return attachment;
});
await composer(args[0]).AddAttachments(attachments);
"""
