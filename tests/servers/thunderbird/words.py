"""What is done in Thunderbird, in its own language: each the body of an async function, with ``WORDS`` before it."""

WORDS = """
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
const windows = page => [...Services.wm.getEnumerator(null)].filter(each => each.location.href.endsWith(page));
const main = () => Services.wm.getMostRecentWindow("mail:3pane");
const composers = () => [...Services.wm.getEnumerator("msgcompose")];
const subjectOf = window => window.document.getElementById("msgSubject")?.value;
const composer = subject =>
  subject ? composers().find(each => subjectOf(each) === subject) : Services.wm.getMostRecentWindow("msgcompose");
const account = () => MailServices.accounts.defaultAccount;
const root = () => account().incomingServer.rootFolder;
const flagged = flag => { try { return root().getFolderWithFlags(Ci.nsMsgFolderFlags[flag]); } catch { return null; } };
const ended = { QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]), OnStartRunningUrl() {},
  OnStopRunningUrl() { looking = false; } };
let looking = false;
const look = folder => {
  if (!folder || looking) return;
  if (folder.server.type !== "imap") return folder.getNewMessages(null, null);
  looking = true;
  folder.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, ended); };
const message = (test, flag) => { const folder = flagged(flag); look(folder);
  return [...(folder?.messages ?? [])].find(test); };
const dialog = () => windows("commonDialog.xhtml")[0];
const isReady = subject => { const window = composer(subject);
  const busy = window?.gWindowLocked || window?.gSendOperationInProgress || window?.gSaveOperationInProgress;
  return window?.composeEditorReady && !busy && !dialog() ? window : null; };
const opened = async before => until(() => { const fresh = composers().find(each => !before.includes(each));
  return fresh?.composeEditorReady && !fresh.gWindowLocked ? fresh : null; }, "composer");
const keep = (origin, user, password) => { const login =
  Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init(origin, null, origin, user, password, "", "");
  return Services.logins.addLoginAsync(login); };
const filed = async (identity, done) => {
  await until(() => { look(flagged("Inbox")); return flagged("Inbox") && flagged("Drafts") && flagged("SentMail"); },
    "folder");
  for (const each of identity) {
    each.draftsFolderURI = flagged("Drafts").URI;
    each.fccFolderURI = flagged("SentMail").URI;
    each.doFcc = true;
  } };
"""
"""What every script may use."""

ADD_EXCHANGE = """
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
await filed([identity]);
"""
ADD_MAIL = """
const { user, password, imap, smtp, identities } = args[0];
const server = MailServices.accounts.createIncomingServer(user, imap[0], "imap");
server.port = imap[1];
server.socketType = Ci.nsMsgSocketType.plain;
server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
server.loginAtStartUp = false;
server.doBiff = false;
const out = MailServices.outgoingServer.createServer("smtp").QueryInterface(Ci.nsISmtpServer);
out.hostname = smtp[0];
out.port = smtp[1];
out.socketType = Ci.nsMsgSocketType.plain;
out.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
out.username = user;
await keep(`imap://${imap[0]}`, user, password);
await keep(`smtp://${smtp[0]}`, user, password);
const made = MailServices.accounts.createAccount();
made.incomingServer = server;
const all = identities.map(([address, name]) => {
  const identity = MailServices.accounts.createIdentity();
  identity.email = address;
  identity.fullName = name;
  identity.smtpServerKey = out.key;
  identity.composeHtml = true;
  made.addIdentity(identity);
  return identity;
});
MailServices.accounts.defaultAccount = made;
MailServices.outgoingServer.defaultServer = out;
server.performExpand(null);
await filed(all);
"""
SEEN = 'await until(() => message(each => each.messageId === args[0], args[1] || "Inbox"), "message");'
ANSWER = """
const [id, kind] = args, before = composers();
const found = await until(() => message(each => each.messageId === id, "Inbox"), "message");
const inbox = flagged("Inbox");
const { Default } = Ci.nsIMsgCompFormat;
main().ComposeMessage(Ci.nsIMsgCompType[kind], Default, inbox, [inbox.getUriForMsg(found)], null, null);
return (await opened(before)).document.title;
"""
WRITE = """
const { subject, body, from } = args[0], before = composers();
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
for (const line of ["to", "cc", "bcc"]) fields[line] = args[0][line].join(", ");
fields.subject = subject;
fields.body = body;
const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
parameters.composeFields = fields;
parameters.identity = account().identities.find(each => each.email === from) ?? account().defaultIdentity;
parameters.type = Ci.nsIMsgCompType.New;
parameters.format = Ci.nsIMsgCompFormat.PlainText;
MailServices.compose.OpenComposeWindowWithParams(null, parameters);
await opened(before);
"""
EDIT_DRAFT = """
const before = composers();
const whole = each => (each.flags & Ci.nsMsgMessageFlags.HasRe ? "Re: " : "") + each.mime2DecodedSubject;
const found = await until(() => message(each => whole(each) === args[0], "Drafts"), "draft");
const folder = flagged("Drafts"), { Default } = Ci.nsIMsgCompFormat;
main().ComposeMessage(Ci.nsIMsgCompType.Draft, Default, folder, [folder.getUriForMsg(found)], null, null);
await opened(before);
"""
SAVE_DRAFT = """
const window = composer(args[0]);
const saved = new Promise(wake => window.gMsgCompose.RegisterStateListener({
  QueryInterface: ChromeUtils.generateQI(["nsIMsgComposeStateListener"]),
  NotifyComposeFieldsReady() {}, NotifyComposeBodyReady() {}, SaveInFolderDone() {},
  ComposeProcessDone(result) { window.gMsgCompose.UnregisterStateListener(this); wake(result); },
}));
window.goDoCommand("cmd_saveAsDraft");
const result = await saved;
if (result) throw new Error(`not saved: ${result}`);
await until(() => isReady(args[0]), "end of the saving");
"""
TYPE = """
const { to, cc, body, subject } = args[1], window = await until(() => isReady(args[0]), "composer");
const row = line => window.document.querySelector(`.address-row[data-recipienttype="${line}"]`);
const add = (line, address) => window.addressRowAddRecipientsArray(row(line), [address]);
for (const each of to ?? []) add("addr_to", each);
for (const each of cc ?? []) add("addr_cc", each);
if (subject) window.document.getElementById("msgSubject").value = subject;
if (body) window.GetCurrentEditor().insertText(body);
window.gContentChanged = true;
"""
REPLACE_RECIPIENTS = """
const window = await until(() => isReady(args[0]), "composer"), { document } = window;
for (const pill of [...document.querySelectorAll("mail-address-pill")]) pill.remove();
window.addressRowAddRecipientsArray(document.querySelector('.address-row[data-recipienttype="addr_to"]'), args[1]);
"""
PRESS_SEND = """
const window = await until(() => isReady(args[0]), "composer");
window.goDoCommand("cmd_sendButton");
await until(() => window.closed || window.gWindowLocked || window.gSendOperationInProgress || dialog(), "send");
"""
PRESS_CANCEL = """
const window = await until(() => windows("sendProgress.xhtml")[0], "progress window");
window.document.querySelector("dialog").cancelDialog();
await until(() => window.closed, "end of the progress window");
"""
ALERT = """
const window = await until(dialog, "dialog"), { document } = window;
const text = await until(() => document.getElementById("infoBody")?.textContent, "text in it");
const said = `${document.title}: ${text}`;
document.querySelector("dialog").acceptDialog();
await until(() => !dialog(), "end of the dialog");
return said;
"""
COMPOSED = """
const window = await until(() => composer(args[0]), "composer"), { compFields } = window.gMsgCompose;
window.Recipients2CompFields(compFields);
return { to: compFields.to, cc: compFields.cc, bcc: compFields.bcc, subject: subjectOf(window),
  body: window.GetCurrentEditor().outputToString("text/plain", 0), locked: Boolean(window.gWindowLocked) };
"""
CLOSE = """
for (const each of composers()) { each.gContentChanged = false; each.gMsgCompose.bodyModified = false; each.close(); }
await until(() => !composers().length, "end of the composers");
"""
PICTURE = """
const window = await until(() => windows(args[0])[0], "window");
const { innerWidth: width, innerHeight: height } = window;
const image = await window.browsingContext.currentWindowGlobal.drawSnapshot(
  new DOMRect(0, 0, width, height), 1, "white");
const canvas = window.document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
canvas.width = image.width;
canvas.height = image.height;
canvas.getContext("2d").drawImage(image, 0, 0);
return canvas.toDataURL("image/png").split(",")[1];
"""
