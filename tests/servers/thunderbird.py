"""A real Thunderbird without a screen, with a native Exchange account, driven as a person would."""

import json
from pathlib import Path
from typing import Any

from tests.servers.exchange.site import Person
from tests.servers.marionette import Marionette, Refused
from tests.servers.processes import LOOPBACK, free_port, wait_until
from tests.servers.session_bus import SessionBus

PROGRAM = Path("/usr/lib/thunderbird/thunderbird-bin")
SECONDS = 20.0
NOWHERE = 9
"""The port of a proxy that is not there: whatever is not loopback gets no further than this computer.

With ``allow_bypass`` or ``failover_direct`` on, Thunderbird goes past a proxy that fails: so it asked for Mozilla's
settings a few seconds after its start.
"""

_QUIET: dict[str, object] = {
    "app.donation.eoy.version.viewed": 999,
    "app.update.enabled": False,
    "browser.dom.window.dump.enabled": True,
    "calendar.timezone.useSystemTimezone": True,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.update.enabled": False,
    "mail.accounthub.addressbook.enabled": False,
    "mail.accounthub.enabled": False,
    "mail.chat.enabled": False,
    "mail.compose.autosave": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.SpellCheckBeforeSend": False,
    "mail.winsearch.firstRunDone": True,
    "mailnews.auto_config.fetchFromISP.enabled": False,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.no_proxies_on": f"{LOOPBACK},localhost",
    "network.proxy.allow_hijacking_localhost": False,
    "network.proxy.allow_bypass": False,
    "network.proxy.failover_direct": False,
    "network.proxy.http": LOOPBACK,
    "network.proxy.http_port": NOWHERE,
    "network.proxy.ssl": LOOPBACK,
    "network.proxy.ssl_port": NOWHERE,
    "network.proxy.type": 1,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}
_WORDS = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const until = async (condition, what) => {
  for (const end = Date.now() + 15000; Date.now() < end; ) {
    const found = await condition();
    if (found) return found;
    await new Promise(wake => setTimeout(wake, 50));
  }
  throw new Error(`there is still no ${what}`);
};
const main = () => Services.wm.getMostRecentWindow("mail:3pane");
const composer = () => Services.wm.getMostRecentWindow("msgcompose");
const account = () => MailServices.accounts.accounts.find(each => each.incomingServer.type === "ews");
const root = () => account().incomingServer.rootFolder;
const flagged = flag => { try { return root().getFolderWithFlags(Ci.nsMsgFolderFlags[flag]); } catch { return null; } };
const message = id => { const inbox = flagged("Inbox"); inbox?.getNewMessages(null, null);
  return [...(inbox?.messages ?? [])].find(each => each.messageId === id); };
const dialog = () =>
  [...Services.wm.getEnumerator(null)].find(each => each.location.href.endsWith("commonDialog.xhtml"));
const isReady = () => { const window = composer();
  const busy = window?.gWindowLocked || window?.gSendOperationInProgress || window?.gSaveOperationInProgress;
  return window?.composeEditorReady && !busy && !dialog() ? window : null; };
"""
"""What every script may use."""


class Thunderbird:
    """A Thunderbird with a profile and a session bus of its own in ``folder``. Nothing but loopback is reached."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._profile = folder / "profile"
        self._bus = SessionBus(folder, accessibility=False)
        self._marionette: Marionette | None = None

    def __enter__(self) -> "Thunderbird":
        """Start, and wait for the main window."""
        try:
            self._start(free_port())
            self.run('await until(main, "main window")')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._marionette is not None:
            self._marionette.close()
        self._bus.stop()

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in Thunderbird with the words of ``_WORDS``."""
        assert self._marionette is not None
        return self._marionette.run(_WORDS + script, *arguments)

    def add_exchange(self, url: str, person: Person) -> None:
        """Add the account, its way out, and where drafts and copies lie; returns once the folders are there."""
        self.run(_ADD_ACCOUNT, url, person.address, person.password)

    def home_with_profile(self) -> Path:
        """A home in which this profile, as it is now, is found where Thunderbird keeps it."""
        self.run("Services.prefs.savePrefFile(null)")
        home = self._folder / "elsewhere"
        (home / ".thunderbird").mkdir(parents=True)
        profile = f"[Profile0]\nName=default\nIsRelative=0\nPath={self._profile}\n"
        (home / ".thunderbird" / "profiles.ini").write_text(profile)
        return home

    def folders(self) -> list[str]:
        """The names of the account's folders."""
        return list(self.run("return root().subFolders.map(each => each.name);"))

    def reply_all(self, message_id: str) -> str:
        """Wait for a message (its id without brackets) and answer it to all; returns the composer's title."""
        return str(self.run(_REPLY_ALL, message_id))

    def write(self, to: str, subject: str = "Lunch") -> None:
        """Begin a new message."""
        self.run(_WRITE, to, subject)

    def save_draft(self) -> None:
        """Save the message that is being written; returns once that is done."""
        self.run(_SAVE_DRAFT)

    def press_send(self) -> None:
        """Press Send, and wait until it is under way. What comes of it is seen by ``is_composing`` and ``alert``."""
        self.run(
            '(await until(isReady, "composer")).goDoCommand("cmd_sendButton"); await until(() => !isReady(), "send")'
        )

    def is_composing(self) -> bool:
        """Whether a composer is open."""
        return bool(self.run("return Boolean(composer())"))

    def wait_until_sent(self) -> None:
        """Wait until the composer has closed."""
        wait_until(lambda: not self.is_composing(), "end of the composer", SECONDS)

    def alert(self) -> str:
        """Wait for a dialog, close it, and return its title and what it says."""
        text = str(self.run(_ALERT))
        self.run('await until(isReady, "composer that can be used again")')
        return text

    def _start(self, port: int) -> None:
        self._profile.mkdir()
        settings = _QUIET | {"marionette.port": port}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in settings.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        self._bus.start()
        # The second lets ``services.settings.server`` count.
        self._bus.environment |= {"MOZ_HEADLESS": "1", "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"}
        command = [str(PROGRAM), "--profile", str(self._profile), "--no-remote"]
        process = self._bus.run([*command, "--marionette", "--remote-allow-system-access"])
        process.wait_until_ready(lambda: self._is_connected(port), SECONDS)

    def _is_connected(self, port: int) -> bool:
        try:
            self._marionette = Marionette(port, SECONDS)
        except (OSError, Refused):
            return False
        return True


_ADD_ACCOUNT = """
const [url, address, password] = args;
const server = MailServices.accounts.createIncomingServer(address, "127.0.0.1", "ews");
server.setStringValue("ews_url", url);
server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
server.password = password;
server.loginAtStartUp = false;
const out = MailServices.outgoingServer.createServer("ews");
out.QueryInterface(Ci.IExchangeOutgoingServer).initialize(url);
out.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
out.username = address;
out.password = password;
const identity = MailServices.accounts.createIdentity();
identity.email = address;
identity.smtpServerKey = out.key;
const made = MailServices.accounts.createAccount();
made.incomingServer = server;
made.addIdentity(identity);
MailServices.accounts.defaultAccount = made;
server.getNewMessages(server.rootFolder, null, null);
await until(() => flagged("Inbox") && flagged("Drafts") && flagged("SentMail"), "folder");
identity.draftsFolderURI = flagged("Drafts").URI;
identity.fccFolderURI = flagged("SentMail").URI;
identity.doFcc = true;
"""
_REPLY_ALL = """
const found = await until(() => message(args[0]), "message");
const inbox = flagged("Inbox");
const { ReplyAll } = Ci.nsIMsgCompType, { Default } = Ci.nsIMsgCompFormat;
main().ComposeMessage(ReplyAll, Default, inbox, [inbox.getUriForMsg(found)], null, null);
return (await until(isReady, "composer")).document.title;
"""
_WRITE = """
const [to, subject] = args;
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
fields.to = to;
fields.subject = subject;
fields.body = "Hello";
const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
parameters.composeFields = fields;
parameters.identity = account().defaultIdentity;
parameters.type = Ci.nsIMsgCompType.New;
parameters.format = Ci.nsIMsgCompFormat.PlainText;
MailServices.compose.OpenComposeWindowWithParams(null, parameters);
await until(isReady, "composer");
"""
_SAVE_DRAFT = """
const window = composer();
const saved = new Promise(wake => window.gMsgCompose.RegisterStateListener({
  QueryInterface: ChromeUtils.generateQI(["nsIMsgComposeStateListener"]),
  NotifyComposeFieldsReady() {}, NotifyComposeBodyReady() {}, SaveInFolderDone() {},
  ComposeProcessDone(result) { window.gMsgCompose.UnregisterStateListener(this); wake(result); },
}));
window.goDoCommand("cmd_saveAsDraft");
const result = await saved;
if (result) throw new Error(`not saved: ${result}`);
await until(isReady, "end of the saving");
"""
_ALERT = """
const window = await until(dialog, "dialog"), { document } = window;
const text = await until(() => document.getElementById("infoBody")?.textContent, "text in it");
const said = `${document.title}: ${text}`;
document.querySelector("dialog").acceptDialog();
await until(() => !dialog(), "end of the dialog");
return said;
"""
