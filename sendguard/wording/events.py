"""What happened, and what does not work, in one sentence each."""

from typing import assert_never

from sendguard.audience.count import Count
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Activity, ActivityKind
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.settings.setting import N_
from sendguard.wording import counts, policies
from sendguard.wording.catalogue import Catalogue

KINDS = {
    Kind.NEW: N_("a new message"),
    Kind.REPLY: N_("a reply"),
    Kind.REPLY_ALL: N_("a reply to all"),
    Kind.REPLY_LIST: N_("a reply to the list"),
    Kind.FORWARD: N_("a forwarded message"),
    Kind.REDIRECT: N_("a redirected message"),
}
STATES = {
    State.RECEIVED: N_("being looked at"),
    State.HELD: N_("held, waits for your answer"),
    State.APPROVED: N_("approved, not yet sent"),
    State.SENDING: N_("being sent"),
    State.SENT: N_("sent"),
    State.REFUSED: N_("not sent"),
    State.CANCELLED: N_("withdrawn, not sent"),
    State.UNKNOWN: N_("unknown: it may have been sent"),
}
OUTCOMES = {
    Outcome.SEND: N_("you let it go"),
    Outcome.DONT_SEND: N_("you changed your mind"),
    Outcome.REPLY_TO_SENDER: N_("you replied to the sender only"),
    Outcome.MOVE_TO_BCC: N_("you moved them to Bcc"),
    Outcome.BLOCKED: N_("a rule refused it"),
    Outcome.CANNOT_ASK: N_("nobody could be asked"),
    Outcome.CANCELLED: N_("withdrawn before an answer"),
}
HOOKS = {
    Hook.SMTP_GATE: N_("SMTP gate"),
    Hook.IMAP_OUTBOX: N_("guarded outbox"),
    Hook.IMAP_DRAFTS: N_("drafts watch"),
    Hook.EWS_GATE: N_("Exchange gate"),
    Hook.EWS_OUTBOX: N_("guarded outbox"),
    Hook.EWS_DRAFTS: N_("drafts watch"),
    Hook.THUNDERBIRD: N_("Thunderbird add-on"),
    Hook.COMMAND_LINE: N_("command line"),
}
TROUBLES = {
    "profile_open": N_("Not done: Thunderbird is open. Close it, then try again. Nothing was changed."),
    "profile_unreadable": N_(
        "Thunderbird's settings cannot be read, so SendGuard neither knows nor changes its way out."
    ),
    "profile_fixed": N_("Not done: Thunderbird's user.js sets this server anew at every start. Ask who wrote it."),
    "profile_crowded": N_("Not done: other servers with the same user name use gates already. Use the add-on instead."),
    "server_gone": N_("Not done: Thunderbird's settings have changed meanwhile. Look again."),
    "profile_not_written": N_("Not done: Thunderbird's settings could not be written. It sends as before."),
    "gate_oauth": N_("It logs in by OAuth, which works to the server's own name only, so no gate: use the add-on."),
    "gate_login": N_("It logs in by Kerberos, NTLM or a certificate, which passes no gate: use the add-on."),
    "gate_kind": N_("It sends in a way no gate of SendGuard's knows: use the add-on."),
    "gate_no_server": N_("Thunderbird has no outgoing server for it."),
    "addon_not_written": N_("The add-on could not be written, and nothing was installed. Is the disk full?"),
    "addon_forbidden": N_("Not done: Thunderbird's policies on this computer forbid the add-on. Ask your IT."),
    "unreachable": N_("The mail server cannot be reached. Nothing is lost: SendGuard keeps trying."),
    "timeout": N_("The mail server does not answer in time. Nothing is lost: SendGuard keeps trying."),
    "certificate": N_("The mail server's certificate is not valid, so SendGuard does not talk to it. Ask your IT."),
    "starttls_missing": N_("The mail server offers no encryption here. Choose TLS, or another port, in the account."),
    "login": N_("The mail server did not accept the user name or password. Check the account's settings."),
    "protocol": N_("The mail server answers in a way SendGuard does not understand. Is the port the right one?"),
    "unavailable": N_("The mail server takes no login for now. Nothing is lost: SendGuard keeps trying."),
    "no_server": N_("The account names no such server. Add it in the account's settings."),
    "no_password": N_("SendGuard does not know this account's password. Enter it in the account's settings."),
    "refused": N_("The mail server did not take the message. It is back in your drafts."),
    "port_taken": N_("Another program holds the gate's port, so no mail passes. Choose another port in the account."),
    "path_failed": N_("A path did not start, and no mail takes it. Restart SendGuard, or look into the account."),
    "gate_failed": N_("The gate met a fault of its own; the message was not sent. Send it again or restart SendGuard."),
    "gate_unreachable": N_(
        "The mail server cannot be reached, so a message was not sent. It is still in your mail program: send it again."
    ),
    "gate_too_large": N_(
        "A message is larger than the limit, so the gate did not pass it on. It is still in your mail program."
    ),
    "gate_not_understood": N_(
        "Your mail program asked for something the gate does not know, so it was not passed on. Tell your IT."
    ),
    "thunderbird_door": N_(
        "SendGuard cannot listen for Thunderbird's add-on, which therefore sends nothing. Restart SendGuard."
    ),
    "thunderbird_failed": N_(
        "What Thunderbird's add-on said met a fault, and was not sent. Press Send again or restart SendGuard."
    ),
    "outbox_broken": N_("The guarded outbox met a fault of its own. What lies in it is not sent. Restart SendGuard."),
    "outbox_too_large": N_("A message in the guarded outbox is larger than the limit. It is not sent."),
    "outbox_foreign_sender": N_(
        "A message in the guarded outbox is not from an address of this account. It is not sent."
    ),
    "outbox_no_recipients": N_("A message in the guarded outbox has no recipient. It is back in your drafts."),
    "outbox_no_sender": N_("SendGuard could not find out whom that reply answers. It is back in your drafts."),
    "outbox_waits": N_("A message in the guarded outbox could not be sent yet. It stays there, and is tried again."),
    "busy": N_("The mail server is busy and asks for patience. Nothing is lost: SendGuard keeps trying."),
    "ews_protocol": N_("What answers there is not Exchange's EWS. Check the server's address in the account."),
    "ews_off": N_(
        "Exchange Online has switched off EWS, through which SendGuard works, since 1 October 2026. Ask your IT to let "
        "SendGuard's application id in (EwsAllowedAppIDs). On 1 April 2027 it ends for good."
    ),
    "ews_forbidden": N_("The server lets nobody in through EWS, or not this account. Ask your IT to allow EWS for it."),
    "nonexistentmailbox": N_("The server has no mailbox of this address. Check your address in the account."),
    "not_found": N_("No server was found for this address. Ask your IT for the address of its EWS."),
    "kerberos": N_("Kerberos cannot be used on this computer. Choose another login in the account, or ask your IT."),
    "sign_in": N_("Nobody is signed in to Microsoft, or it holds no longer. Sign in anew in the account's settings."),
    "cancelled": N_("Nobody has signed in. Nothing has been changed."),
    "declined": N_("Microsoft's page was left without a yes, so SendGuard is not signed in."),
    "client_id": N_(
        "To sign in, SendGuard needs an application id. Ask your IT to register it at Microsoft Entra as a public "
        "client with EWS.AccessAsUser.All, and to give you the id."
    ),
    "tenant": N_("Microsoft does not know this tenant. Check it in the account or in the settings."),
    "application": N_("Microsoft does not take this application id. Ask your IT whether it is right and allowed."),
    "consent": N_("Your organisation has not allowed SendGuard to sign you in. Ask your IT for its consent."),
    "ledger": N_("SendGuard cannot write its ledger, so nothing is sent. Is the disk full?"),
    "settings": N_("Something in the settings file could not be read. For it the guarding default is in force."),
    "directory": N_("The directory could not be read. Lists from it are of unknown size."),
    "directory_expired": N_("The directory is older than your IT allows. Its numbers may no longer be true."),
    "directory_not_fetched": N_("No newer directory could be fetched. SendGuard keeps trying."),
    "directory_missing": N_("The published directory could not be fetched yet. Its lists are of unknown size."),
    "directory_keys": N_("The settings hold no valid key of the published directory, so it is not fetched."),
    "audit": N_("The audit cannot be written, so lines are missing in it. Mail is not touched. Is the disk full?"),
    "audit_file": N_(
        "The second file of the audit cannot be written, or others could change it. Mail is not touched. Tell your IT."
    ),
    "audit_syslog_unreachable": N_("The audit's syslog server cannot be reached. Its lines wait; mail does not."),
    "audit_syslog_certificate": N_(
        "The certificate of the audit's syslog server is not valid, so it gets nothing. Mail is not touched. "
        "Tell your IT."
    ),
    "policy_expired": N_("The signed policy is out of date. What it tightened stays in force. Tell your IT."),
    "policy_refused": N_("A signed policy was not taken, because it is not to be believed. Tell your IT."),
    "policy_not_fetched": N_("No newer signed policy could be fetched. SendGuard keeps trying."),
    "policy_keys": N_("No key or no organisation is set for the signed policy, so it is not followed. Tell your IT."),
    "dialog": N_("The question cannot be shown. Whatever needs an answer is not sent. Restart SendGuard."),
}
_SAME_AS = {
    "connection": "unreachable",
    "closed": "unreachable",
    "tls": "certificate",
    "login_refused": "login",
    "authenticationfailed": "login",
    "authorizationfailed": "login",
    "expired": "login",
    "ledger_failed": "ledger",
}
_PREFIXES = ("imap_", "ews_", "upstream_")


def activity(say: Catalogue, activity: Activity) -> str:
    """What happened, with the number of people it is about and no address."""
    people = _people(say, activity)
    match activity.kind:
        case ActivityKind.HELD:
            return say.text("A message waits for your answer: {people}.", people=people)
        case ActivityKind.DECIDED:
            return say.text("You answered a question: {people}.", people=people)
        case ActivityKind.SENT:
            return say.text("A message was sent: {people}.", people=people)
        case ActivityKind.REFUSED:
            return say.text("A message was not sent: {people}.", people=people)
        case ActivityKind.CANCELLED:
            return say.text("A message was withdrawn and not sent: {people}.", people=people)
        case ActivityKind.UNKNOWN:
            return say.text(
                "The mail server's answer was lost, and a message may have been sent: {people}. "
                "SendGuard does not send it again by itself.",
                people=people,
            )
        case ActivityKind.WARNED:
            return say.text("A draft would go to many: {people}. It is not held; SendGuard only warns.", people=people)
        case ActivityKind.NOTICED:
            return say.text("A message was sent without a question: {people}.", people=people)
        case ActivityKind.TROUBLE:
            return trouble(say, activity.detail)
        case _:
            assert_never(activity.kind)


def trouble(say: Catalogue, code: str) -> str:
    """What does not work, what is safe, and what to do. A code nobody knows is named, so that IT can look it up."""
    if code.startswith("policy_") and code not in TROUBLES:
        return policies.trouble(say, code.removeprefix("policy_"))
    bare = code
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    if bare.isdecimal():
        bare = "refused"
    known = TROUBLES.get(code) or TROUBLES.get(_SAME_AS.get(bare, bare))
    if known:
        return say.text(known)
    return say.text("A part of SendGuard does not work ({code}). What it guards is not sent by it.", code=code)


def record_people(say: Catalogue, record: Record) -> str:
    """The people a row of the ledger was about."""
    return counts.people(say, Count(record.low, record.high, record.basis))


def _people(say: Catalogue, activity: Activity) -> str:
    if activity.judgement is not None:
        return counts.people(say, activity.judgement.audience.count)
    return record_people(say, activity.record) if activity.record else say.text("nobody knows how many people")
