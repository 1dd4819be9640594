"""What the gate reads of a call: one operation, in one meaning, or nothing goes out."""

import pytest

from sendguard.exchange.gate.calls import Fate, fate
from sendguard.exchange.gate.soap import Document, NotReadable
from sendguard.guard.ports import Answer
from tests.adapters.ews_gate_kit import FIND, MESSAGES, TYPES, Rig, Upstream, envelope, mime, send_only

SAVE = '<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message/></m:Items></m:CreateItem>'
SEND = '<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:Message/></m:Items></m:CreateItem>'
LONG = "<!--" + "x" * 200_000 + "-->"


UNREADABLE = {
    "a document type": b'<!DOCTYPE x [<!ENTITY a "b">]>' + FIND.partition(b"?>")[2],
    "an external entity": b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + FIND.partition(b"?>")[2],
    "UTF-16": FIND.decode().replace("utf-8", "utf-16").encode("utf-16"),
    "UTF-16 that says it is UTF-8": FIND.decode().encode("utf-16"),
    "Latin-1": FIND.replace(b"utf-8", b"iso-8859-1"),
    "XML 1.1": FIND.replace(b'version="1.0"', b'version="1.1"'),
    "two operations": envelope(SAVE + SEND),
    "two operations far apart": envelope(SAVE + LONG + SEND),
    "two bodies": envelope(f"{SAVE}</s:Body><s:Body>{SEND}"),
    "a header after the body": envelope(f"{SAVE}</s:Body><s:Header/><s:Body>"),
    "an action in the header": FIND.replace(b"<s:Header>", b"<s:Header><a:Action xmlns:a='urn:a'>SendItem</a:Action>"),
    "no body": b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'/>",
    "no envelope": b"<m:GetFolder xmlns:m='urn:m'/>",
    "another envelope": FIND.replace(b"schemas.xmlsoap.org/soap/envelope", b"example.test/soap"),
    "no end": FIND[:-5],
    "something after the end": FIND + b"<more/>",
    "something far after the end": FIND + b" " * 200_000 + b"<more/>",
    "an operation of another language": envelope("<x:GetItem xmlns:x='urn:x'/>"),
    "an operation nobody knows": envelope("<m:SendEverything/>"),
    "a team's letter": envelope("<m:SetTeamMailbox/>"),
    "text that is no XML": b"POST",
    "levels without end": envelope("<m:GetItem>" + "<t:x>" * 500 + "</t:x>" * 500 + "</m:GetItem>"),
    "base64 that is none": send_only(mime()).replace(b"<t:MimeContent>", b"<t:MimeContent>*"),
    "base64 that goes on after its end": send_only(mime()).replace(b"</t:MimeContent>", b"QUJD=QUJD</t:MimeContent>"),
    "two messages in one item": send_only(mime(), "<t:MimeContent>QUJD</t:MimeContent>"),
    "a send hidden behind a save": envelope(
        f'<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message/>{LONG}<t:CancelCalendarItem/></m:Items>'
        "</m:CreateItem>"
    ),
}


@pytest.mark.logs("a call that cannot be read was refused")
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_could_be_read_otherwise_is_a_fault_and_never_a_whole_request_upstream(
    r: Rig, upstream: Upstream, body: bytes
) -> None:
    status, said = r.post(body)
    assert status == 500
    assert b"s:Fault" in said
    assert b"ErrorInvalidRequest" in said
    assert upstream.asked == []
    assert r.states() == []
    r.post(body)
    assert [each.detail for each in r.guard.activities] == ["gate_not_understood"]


def test_spelling_is_no_matter_namespaces_are(r: Rig, upstream: Upstream) -> None:
    """Thunderbird mixes a default namespace with prefixes of its own."""
    call = (
        f'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><CreateItem xmlns="{MESSAGES}" '
        f'MessageDisposition="SendOnly"><Items><Message xmlns="{TYPES}"><Subject>hi</Subject><ToRecipients><Mailbox>'
        "<EmailAddress>big@lists.test</EmailAddress></Mailbox></ToRecipients></Message></Items></CreateItem></Body>"
        "</Envelope>"
    ).encode()
    sending = r.doing(r.post, b"\xef\xbb\xbf" + call)
    assert r.guard.asker.question().judgement.submission.envelope.recipients == ("big@lists.test",)
    r.answer()
    assert sending.result(10)[0] == 200
    assert upstream.asked[0].body == b"\xef\xbb\xbf" + call


DECIDED = [
    ("GetItem", {}, (), Fate.PASS),
    ("UploadItems", {}, (), Fate.PASS),
    ("SendItem", {}, (), Fate.HOLD),
    ("sendItem", {}, (), Fate.REFUSE),
    ("CreateItem", {"MessageDisposition": "SendOnly"}, (), Fate.UNDECIDED),
    ("CreateItem", {"MessageDisposition": "SendOnly"}, ("Message",), Fate.HOLD),
    ("CreateItem", {"MessageDisposition": "SendAndSaveCopy"}, ("ReplyAllToItem",), Fate.HOLD),
    ("CreateItem", {"MessageDisposition": "SaveOnly"}, ("ForwardItem",), Fate.PASS),
    ("CreateItem", {"MessageDisposition": "saveonly"}, ("Message",), Fate.HOLD),
    ("CreateItem", {}, ("Message",), Fate.HOLD),
    ("CreateItem", {}, ("AcceptItem",), Fate.HOLD),
    ("CreateItem", {}, ("Contact", "Task"), Fate.PASS),
    ("CreateItem", {}, ("Contact", "Message"), Fate.HOLD),
    ("CreateItem", {}, ("SomethingNew",), Fate.HOLD),
    ("CreateItem", {"SendMeetingInvitations": "SendToNone"}, ("CalendarItem",), Fate.PASS),
    ("CreateItem", {"SendMeetingInvitations": "SendOnlyToAll"}, ("CalendarItem",), Fate.HOLD),
    ("CreateItem", {"MessageDisposition": "SaveOnly"}, ("CancelCalendarItem",), Fate.HOLD),
    ("CreateItem", {"MessageDisposition": "SendOnly"}, ("SuppressReadReceipt", "PostReplyItem"), Fate.PASS),
    ("UpdateItem", {"MessageDisposition": "SaveOnly"}, (), Fate.PASS),
    ("UpdateItem", {"MessageDisposition": "SendAndSaveCopy"}, (), Fate.HOLD),
    ("UpdateItem", {"SendMeetingInvitationsOrCancellations": "SendToNone"}, (), Fate.PASS),
    ("UpdateItem", {"SendMeetingInvitationsOrCancellations": "SendToChangedAndSaveCopy"}, (), Fate.HOLD),
    ("DeleteItem", {"DeleteType": "HardDelete"}, (), Fate.PASS),
    ("DeleteItem", {"SendMeetingCancellations": "SendToNone"}, (), Fate.PASS),
    ("DeleteItem", {"SendMeetingCancellations": "SendOnlyToAll"}, (), Fate.HOLD),
]


@pytest.mark.parametrize(("operation", "attributes", "items", "expected"), DECIDED)
def test_attributes_decide_what_becomes_of_a_call(
    operation: str, attributes: dict[str, str], items: tuple[str, ...], expected: Fate
) -> None:
    assert fate(operation, attributes, items) is expected


def test_a_call_is_read_the_same_way_octet_by_octet() -> None:
    document, call = Document(), send_only(mime("Hello", to="a@x.test"))
    for octet in call:
        document.feed(bytes([octet]))
    document.close()
    assert document.fate is Fate.HOLD
    assert document.content is not None
    assert document.content.mimes[0].raw == mime("Hello", to="a@x.test")
    assert call[document.before :].startswith(b"<m:CreateItem")
    assert document.body_names == ["s:Envelope", "s:Body"]


def test_an_envelope_without_an_end_is_not_whole() -> None:
    document = Document()
    document.feed(FIND[:-3])
    with pytest.raises(NotReadable) as raised:
        document.close()
    assert raised.value.why == "xml"


@pytest.mark.parametrize("begins", ["<!--", '<m:x a="', "<m:", "<?x "])
def test_a_tag_without_an_end_is_not_kept(begins: str) -> None:
    document = Document()
    document.feed(FIND.partition(b"</m:GetFolder>")[0] + begins.encode())
    assert document.fate is Fate.PASS
    document.feed(b"x" * 900_000)
    with pytest.raises(NotReadable) as raised:
        document.feed(b"x" * 200_000)
    assert raised.value.why == "token"


class PutsOff(Document):
    """Reads the last octets at the end only, as newer expats do when a long token has ended: their deferral."""

    kept_back = 150

    def __init__(self) -> None:
        super().__init__()
        self._waiting = b""

    def feed(self, octets: bytes) -> None:
        whole = self._waiting + octets
        now, self._waiting = whole[: -self.kept_back], whole[-self.kept_back :]
        super().feed(now)

    def close(self) -> None:
        super().feed(self._waiting)
        super().close()


@pytest.mark.logs("a call that cannot be read was refused: sends_after_all")
def test_what_is_read_at_the_very_end_still_keeps_a_hidden_send_from_being_whole_upstream(
    r: Rig, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.exchange.gate.incoming.Document", PutsOff)
    status, _ = r.post(UNREADABLE["a send hidden behind a save"])
    assert status == 500
    assert upstream.asked == []


def test_a_send_that_is_read_at_the_very_end_is_held(
    r: Rig, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.exchange.gate.incoming.Document", PutsOff)
    monkeypatch.setattr(PutsOff, "kept_back", 1_000_000)
    refused = r.doing(r.post, send_only(mime()))
    r.answer(Answer.DONT_SEND)
    status, said = refused.result(10)
    assert (status, b"did not send" in said) == (200, True)
    assert upstream.asked == []
