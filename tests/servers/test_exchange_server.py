"""The test Exchange against exchangelib, which knows real ones, and octet by octet where a client would be too kind."""

import base64
import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import exchangelib
import pytest
from exchangelib import errors
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.protocol import close_connections

from tests.exchange_words import ENVELOPE, GET_INBOX, ID_ONLY, Caller, create, find, mail_tips, mailboxes
from tests.servers.certificates import CertificateAuthority
from tests.servers.exchange import Exchange, Person, mime
from tests.servers.exchange.faults import Cut
from tests.servers.exchange.replies import LAST_VERB
from tests.servers.exchange.xml import NAMESPACES, parse
from tests.servers.processes import wait_until

NewExchange = Callable[..., Exchange]
MAIL = (
    b"From: boss@else.test\r\nTo: %b\r\nCc: team@else.test\r\nSubject: Lunch\r\n"
    b"Message-ID: <lunch@else.test>\r\n\r\nHi\r\n"
)


@pytest.fixture
def me(exchange: Exchange) -> Person:
    return exchange.new_person("me")


@pytest.fixture
def you(exchange: Exchange) -> Person:
    return exchange.new_person("you")


@pytest.fixture
def caller(exchange: Exchange, me: Person) -> Iterator[Caller]:
    with Caller(exchange, me) as found:
        yield found


def account_of(server: Exchange, person: Person, auth_type: str = exchangelib.BASIC) -> exchangelib.Account:
    configuration = exchangelib.Configuration(
        service_endpoint=server.url,
        credentials=exchangelib.Credentials(person.address, person.password),
        auth_type=auth_type,
        version=exchangelib.Version(build=exchangelib.Build(15, 2, 1544, 4)),
        max_connections=4,
    )
    return exchangelib.Account(
        person.address,
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.DELEGATE,
        default_timezone=exchangelib.EWSTimeZone("UTC"),
    )


@pytest.fixture
def account(exchange: Exchange, me: Person) -> Iterator[exchangelib.Account]:
    yield account_of(exchange, me)
    close_connections()


def send(account: exchangelib.Account, *to: str, subject: str = "Lunch", **more: object) -> None:
    boxes = [exchangelib.Mailbox(email_address=each) for each in to]
    exchangelib.Message(
        account=account, folder=account.sent, subject=subject, to_recipients=boxes, **more
    ).send_and_save()


# What exchangelib does with it


def test_mail_reaches_the_other_mailbox_and_a_copy_stays(
    exchange: Exchange, account: exchangelib.Account, me: Person, you: Person
) -> None:
    send(account, you.address, subject="Käse", body="Text", bcc_recipients=["hidden@else.test"])
    (arrived,) = exchange.messages(you)
    assert b"Text" not in arrived.mime, "the body is in base64"
    assert b"hidden@else.test" not in arrived.mime
    assert exchange.submitted[-1].recipients == (you.address, "hidden@else.test")
    (kept,) = account.sent.all()
    assert (kept.subject, kept.body, kept.bcc_recipients[0].email_address) == ("Käse", "Text\n", "hidden@else.test")


def test_mail_to_a_list_reaches_everybody_in_it_once(exchange: Exchange, account: exchangelib.Account) -> None:
    people = [exchange.new_person("member") for _ in range(3)]
    inner = exchange.new_list(members=people[:2])
    outer = exchange.new_list(members=[inner.address, people[1], people[2], "far@else.test"])
    inner.members.append(outer.address)
    send(account, outer.address)
    assert [len(exchange.messages(person)) for person in people] == [1, 1, 1]
    assert exchange.submitted[-1].recipients == (outer.address,)
    assert set(exchange.submitted[-1].reached) == {*(person.address for person in people), "far@else.test"}


def test_a_draft_changes_its_key_when_it_is_written_and_is_sent_with_the_newest(
    exchange: Exchange, account: exchangelib.Account, you: Person
) -> None:
    draft = exchangelib.Message(
        account=account, folder=account.drafts, subject="One", to_recipients=[you.address]
    ).save()
    stale = draft.changekey
    draft.subject = "Two"
    draft.save(update_fields=["subject"])
    assert draft.changekey != stale
    draft.send()
    assert [item.subject for item in account.inbox.all()] == []
    assert b"Subject: Two" in exchange.messages(you)[0].mime


def test_a_reply_to_all_goes_to_the_sender_and_everybody_else(
    exchange: Exchange, account: exchangelib.Account, me: Person
) -> None:
    exchange.deliver(me, MAIL % f"{me.address}, other@else.test".encode())
    item = account.inbox.get(message_id="<lunch@else.test>")
    item.create_reply_all("RE: Lunch", "Me too").save(account.drafts)
    (draft,) = account.drafts.all()
    assert {box.email_address for box in draft.to_recipients} == {"boss@else.test", "other@else.test"}
    assert [box.email_address for box in draft.cc_recipients] == ["team@else.test"]
    assert draft.in_reply_to == "<lunch@else.test>"
    assert draft.is_draft


def test_a_folder_is_made_and_items_are_moved_into_it_under_a_new_id(
    exchange: Exchange, account: exchangelib.Account, me: Person
) -> None:
    folder = exchangelib.folders.Messages(parent=account.msg_folder_root, name="Guarded Outbox").save()
    exchange.deliver(me, MAIL % me.address.encode())
    item = account.inbox.get(subject="Lunch")
    old = item.id
    item.move(folder)
    assert item.id != old
    assert [each.id for each in exchange.messages(me, "Guarded Outbox")] == [item.id]
    with pytest.raises(errors.ErrorItemNotFound):
        account.inbox.get(id=old, changekey=item.changekey)


def test_headers_mime_and_an_own_property_are_shown(
    exchange: Exchange, account: exchangelib.Account, me: Person
) -> None:
    raw = MAIL % me.address.encode()
    exchange.deliver(me, raw)
    item = account.inbox.all().only("headers", "mime_content", "author").get(subject="Lunch")
    assert item.mime_content == raw
    assert {header.name for header in item.headers} == {"From", "To", "Cc", "Subject", "Message-ID"}
    assert item.author.email_address == "boss@else.test"


def test_changes_are_told_since_a_state(exchange: Exchange, account: exchangelib.Account, me: Person) -> None:
    first = exchange.deliver(me, MAIL % me.address.encode())
    inbox = account.inbox
    assert [change for change, _ in inbox.sync_items(only_fields=["subject"])] == ["create"]
    state = inbox.item_sync_state
    exchange.deliver(me, MAIL % me.address.encode())
    with exchange.lock:
        exchange.mailbox(me).remove(first)
    assert sorted(change for change, _ in inbox.sync_items(sync_state=state, only_fields=["subject"])) == [
        "create",
        "delete",
    ]
    assert list(inbox.sync_items(sync_state=inbox.item_sync_state)) == []


def test_a_state_that_expired_is_refused(new_exchange: NewExchange) -> None:
    server = new_exchange()
    account = account_of(server, server.new_person())
    list(account.drafts.sync_items())
    server.expire_sync_states()
    with pytest.raises(errors.ErrorInvalidSyncStateData):
        list(account.drafts.sync_items(sync_state=account.drafts.item_sync_state))
    close_connections()


def test_a_list_is_expanded_and_a_name_resolved(exchange: Exchange, account: exchangelib.Account, you: Person) -> None:
    inner = exchange.new_list(members=[you])
    outer = exchange.new_list(members=[you, inner.address])
    members = account.protocol.expand_dl(outer.address)
    assert [(each.email_address, each.mailbox_type) for each in members] == [
        (you.address, "Mailbox"),
        (inner.address, "PublicDL"),
    ]
    (found,) = account.protocol.resolve_names([outer.address])
    assert found.mailbox_type == "PublicDL"


def test_a_hidden_list_is_not_expanded_and_a_dynamic_one_comes_out_empty(
    exchange: Exchange, account: exchangelib.Account, you: Person
) -> None:
    with pytest.raises(errors.ErrorNameResolutionNoResults):
        account.protocol.expand_dl(exchange.new_list(members=[you], hidden=True).address)
    assert account.protocol.expand_dl(exchange.new_list(members=[you], dynamic=True).address) == []


def test_a_file_is_attached_and_fetched(account: exchangelib.Account) -> None:
    draft = exchangelib.Message(account=account, folder=account.drafts, subject="Plan").save()
    draft.attach(exchangelib.FileAttachment(name="plan.txt", content=b"\x00\x01 secret"))
    (again,) = account.drafts.all()
    assert [(each.name, each.content) for each in again.attachments] == [("plan.txt", b"\x00\x01 secret")]
    again.attachments[0].detach()
    assert account.drafts.get(subject="Plan").attachments == []


def test_a_meeting_invites_and_its_answer_reaches_the_organizer(
    exchange: Exchange, account: exchangelib.Account, me: Person, you: Person
) -> None:
    start = exchangelib.EWSDateTime(2026, 12, 1, 9, tzinfo=exchangelib.EWSTimeZone("UTC"))
    meeting = exchangelib.CalendarItem(
        account=account, folder=account.calendar, subject="Plan", start=start, end=start + timedelta(hours=1)
    )
    meeting.required_attendees = [exchangelib.Attendee(mailbox=exchangelib.Mailbox(email_address=you.address))]
    meeting.save(send_meeting_invitations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY)
    (request,) = account_of(exchange, you).inbox.all()
    assert isinstance(request, exchangelib.items.MeetingRequest)
    request.accept(message_disposition=exchangelib.items.SEND_ONLY)
    (answer,) = exchange.messages(me)
    assert answer.item_class == "IPM.Schedule.Meeting.Resp.Pos"
    meeting.delete(send_meeting_cancellations=exchangelib.items.SEND_ONLY_TO_ALL)
    assert [item.item_class for item in exchange.messages(you)][1:] == ["IPM.Schedule.Meeting.Canceled"]


def events_of(account: exchangelib.Account, found: list[str], ready: threading.Event) -> threading.Thread:
    subscription = account.inbox.subscribe_to_streaming()

    def listen() -> None:
        try:
            ready.set()
            for notification in account.inbox.get_streaming_events(subscription, connection_timeout=1):
                found.extend(type(event).__name__ for event in notification.events)
        except exchangelib.errors.EWSError as error:
            found.append(type(error).__name__)
        except OSError as error:
            found.append(type(error).__name__)

    thread = threading.Thread(target=listen)
    thread.start()
    return thread


def test_a_stream_tells_of_new_mail_at_once_and_ends_as_exchange_ends_it(new_exchange: NewExchange) -> None:
    server = new_exchange()
    me = server.new_person()
    found: list[str] = []
    thread = events_of(account_of(server, me), found, threading.Event())
    wait_until(lambda: server.notifications.streams, "open stream")
    server.deliver(me, MAIL % me.address.encode())
    wait_until(lambda: {"NewMailEvent", "CreatedEvent"} <= set(found), "events")
    server.notifications.end_streams()
    thread.join(10)
    assert not thread.is_alive()
    close_connections()


def test_a_stream_that_is_dropped_breaks_off_in_a_chunk(new_exchange: NewExchange) -> None:
    server = new_exchange()
    found: list[str] = []
    thread = events_of(account_of(server, server.new_person()), found, threading.Event())
    wait_until(lambda: server.notifications.streams, "open stream")
    server.notifications.drop_streams()
    thread.join(10)
    assert found == ["ChunkedEncodingError"]
    close_connections()


def test_a_busy_server_says_how_long_to_wait(new_exchange: NewExchange) -> None:
    server = new_exchange()
    account = account_of(server, server.new_person())
    server.faults.busy("GetFolder", back_off_ms=2500)
    with pytest.raises(errors.ErrorServerBusy) as busy:
        account.inbox.refresh()
    assert busy.value.back_off == 2.5
    account.inbox.refresh()
    close_connections()


# Octet by octet


def test_a_client_may_use_any_prefix_or_none(exchange: Exchange, caller: Caller) -> None:
    unprefixed = (
        f'<GetFolder xmlns="{NAMESPACES["m"]}" xmlns:q="{NAMESPACES["t"]}">'
        "<FolderShape><q:BaseShape>IdOnly</q:BaseShape></FolderShape><FolderIds>"
        f'<DistinguishedFolderId xmlns="{NAMESPACES["t"]}" Id="inbox"/></FolderIds></GetFolder>'
    )
    assert caller.code(unprefixed) == "NoError"


@pytest.mark.parametrize(
    "request_",
    [
        GET_INBOX.replace("m:FolderShape>", "t:FolderShape>"),
        GET_INBOX.replace("Default", "Everything"),
        GET_INBOX.replace('Id="inbox"', 'Id="inbox" Name="x"'),
        GET_INBOX.replace("<m:FolderIds>", "<m:FolderIds>text"),
        "<m:GetFolder><m:FolderIds/></m:GetFolder>",
        mail_tips("me@example.test", "you@example.test").replace("m:MailTipsRequested", "m:Other"),
        mail_tips("me@example.test", "you@example.test", asked="Everything"),
        create("<t:Message><t:Body BodyType='Text'>x</t:Body><t:Subject>x</t:Subject></t:Message>"),
        create("<t:Message><t:MimeContent>no base64!</t:MimeContent></t:Message>"),
        find("inbox").replace("</m:ParentFolderIds>", "</m:ParentFolderIds><m:Restriction/>"),
    ],
)
def test_what_no_schema_allows_is_a_fault(caller: Caller, request_: str) -> None:
    answer, body = caller.post(ENVELOPE % request_)
    assert answer.status == 500
    detail = parse(body).need("s:Body").need("s:Fault").children[-1]
    assert detail.text_of("e:ResponseCode") == "ErrorSchemaValidation"


def test_exchangelibs_own_question_for_mailtips_is_refused(
    exchange: Exchange, account: exchangelib.Account, me: Person
) -> None:
    question = exchangelib.services.GetMailTips(protocol=account.protocol)
    box = exchangelib.Mailbox(email_address="you@example.test")
    sending_as = exchangelib.properties.SendingAs(email_address=me.address)
    with pytest.raises(errors.ErrorSchemaValidation):
        list(question.call(sending_as=sending_as, recipients=[box], mail_tips_requested="All"))


@pytest.mark.parametrize(
    "raw",
    [
        b"<no xml",
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + (ENVELOPE % GET_INBOX).encode(),
        (ENVELOPE % (GET_INBOX * 2)).encode(),
        ("<?xml version='1.0' encoding='utf-16'?>" + ENVELOPE % GET_INBOX).encode("utf-16"),
    ],
)
def test_what_is_no_single_request_is_a_fault(caller: Caller, raw: bytes) -> None:
    assert caller.post(raw)[0].status == 500


def test_every_answer_names_the_servers_version(caller: Caller) -> None:
    _, body = caller.post(ENVELOPE % GET_INBOX)
    version = parse(body).need("s:Header").need("t:ServerVersionInfo")
    assert version.attributes["MajorVersion"] == "15"


def test_a_version_nobody_has_is_refused(caller: Caller) -> None:
    header = '<soap:Header><t:RequestServerVersion Version="Exchange2031"/></soap:Header><soap:Body>'
    _, body = caller.post((ENVELOPE % GET_INBOX).replace("<soap:Body>", header))
    assert b"ErrorInvalidServerVersion" in body


def test_a_stranger_is_told_how_to_log_in(exchange: Exchange, me: Person) -> None:
    for authorization in ("", "Basic bm86bm8=", "Bearer no"):
        with Caller(exchange, me, authorization=authorization) as stranger:
            answer, _ = stranger.post(ENVELOPE % GET_INBOX)
            assert answer.status == 401
            schemes = [value.split()[0] for name, value in answer.getheaders() if name == "WWW-Authenticate"]
            assert schemes == ["Basic", "Bearer"]


def test_a_bearer_token_lets_in_until_it_is_revoked(new_exchange: NewExchange) -> None:
    server = new_exchange()
    me = server.new_person()
    with Caller(server, me, authorization=f"Bearer {me.token}") as caller:
        assert caller.post(ENVELOPE % GET_INBOX)[0].status == 200
        server.revoke_tokens()
        assert caller.post(ENVELOPE % GET_INBOX)[0].status == 401
        caller.authorization = f"Bearer {server.new_token(me)}"
        assert caller.post(ENVELOPE % GET_INBOX)[0].status == 200


def test_ntlm_logs_a_connection_in_once(new_exchange: NewExchange) -> None:
    server = new_exchange(schemes=("NTLM",))
    me, you = server.new_person("me"), server.new_person("you")
    account = account_of(server, me, exchangelib.NTLM)
    send(account, you.address)
    send(account, you.address)
    assert len(server.messages(you)) == 2
    assert len({call.connection for call in server.calls}) == 1
    with Caller(server, me) as another:
        assert another.post(ENVELOPE % GET_INBOX)[0].status == 401
    with pytest.raises(errors.UnauthorizedError):
        account_of(server, replace(me, password="wrong"), exchangelib.NTLM).inbox.refresh()
    close_connections()


def test_nobody_opens_anothers_mailbox(exchange: Exchange, caller: Caller, you: Person) -> None:
    inside = mailboxes("X", you.address).removeprefix("<t:X>").removesuffix("</t:X>")
    other = GET_INBOX.replace('Id="inbox"/>', f'Id="inbox">{inside}</t:DistinguishedFolderId>')
    assert caller.code(other) == "ErrorAccessDenied"


def test_autodiscover_knows_where_a_mailbox_is(exchange: Exchange, caller: Caller, me: Person) -> None:
    question = (
        f'<Autodiscover xmlns="{NAMESPACES["pox"]}"><Request><EMailAddress>%s</EMailAddress></Request></Autodiscover>'
    )
    _, body = caller.post(question % me.address, "/autodiscover/autodiscover.xml")
    assert f"<EwsUrl>{exchange.url}</EwsUrl>".encode() in body
    _, body = caller.post(question % "nobody@example.test", "/autodiscover/autodiscover.xml")
    assert b"<ErrorCode>500</ErrorCode>" in body


def test_exchangelib_reads_the_soap_autodiscover(exchange: Exchange, me: Person) -> None:
    protocol = AutodiscoverProtocol(
        config=exchangelib.Configuration(
            service_endpoint=f"http://127.0.0.1:{exchange.port}/autodiscover/autodiscover.svc",
            credentials=exchangelib.Credentials(me.address, me.password),
            auth_type=exchangelib.BASIC,
            version=exchangelib.Version(build=exchangelib.Build(15, 2, 1544, 4)),
        )
    )
    found = protocol.get_user_settings(user=me.address)
    assert found.ews_url == exchange.url
    protocol.close()


def draft(caller: Caller, *to: str, more: str = "") -> str:
    return caller.item_id(
        create(f"<t:Message><t:Subject>Lunch</t:Subject>{more}{mailboxes('ToRecipients', *to)}</t:Message>")
    )


def sending(item_id: str) -> str:
    return f'<m:SendItem SaveItemToFolder="true"><m:ItemIds>{item_id}</m:ItemIds></m:SendItem>'


def setting(item_id: str, how: str = "NeverOverwrite", element: str = "Subject", family: str = "item") -> str:
    field = f'<t:FieldURI FieldURI="{family}:{element}"/>'
    value = f"<t:Message><t:{element}>true</t:{element}></t:Message>"
    return (
        f'<m:UpdateItem ConflictResolution="{how}" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>{item_id}'
        f"<t:Updates><t:SetItemField>{field}{value}</t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>"
        "</m:UpdateItem>"
    )


def test_what_was_written_since_is_not_sent(exchange: Exchange, caller: Caller, you: Person) -> None:
    approved = draft(caller, you.address)
    newest = caller.item_id(setting(approved))
    assert caller.code(sending(approved)) == "ErrorStaleObject"
    assert caller.code(sending(approved.partition(" ChangeKey")[0] + "/>")) == "ErrorChangeKeyRequired"
    assert exchange.messages(you) == []
    assert caller.code(sending(newest)) == "NoError"
    assert len(exchange.messages(you)) == 1


def test_a_clients_own_mime_is_kept_octet_for_octet(exchange: Exchange, caller: Caller, me: Person) -> None:
    raw = b"Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nmessage-id:  <x@y>\r\nFrom: %b\r\nTo: a@else.test\r\n\r\n\xfc\r\n"
    given = f"<t:MimeContent>{base64.b64encode(raw % me.address.encode()).decode()}</t:MimeContent>"
    caller.message(create(f"<t:Message>{given}<t:InternetMessageId>&lt;x@y&gt;</t:InternetMessageId></t:Message>"))
    (saved,) = exchange.messages(me, "drafts")
    assert saved.mime == raw % me.address.encode()


def test_an_update_can_send(exchange: Exchange, caller: Caller, me: Person, you: Person) -> None:
    update = setting(draft(caller, you.address)).replace('"SaveOnly"', '"SendAndSaveCopy"')
    assert caller.code(update) == "NoError"
    assert len(exchange.messages(you)) == len(exchange.messages(me, "sentitems")) == 1
    assert exchange.messages(me, "drafts") == []


def test_a_forward_that_the_server_writes_quotes_the_original_and_marks_it(
    exchange: Exchange, caller: Caller, me: Person
) -> None:
    original = exchange.deliver(me, MAIL % me.address.encode())
    forward = (
        f'<t:ForwardItem>{mailboxes("ToRecipients", "a@else.test")}<t:ReferenceItemId Id="{original.id}"/>'
        '<t:NewBodyContent BodyType="Text">See below</t:NewBodyContent></t:ForwardItem>'
    )
    assert caller.code(create(forward, "SendOnly")) == "NoError"
    sent = mime.read(exchange.submitted[-1].mime)
    assert mime.header(sent, "Subject") == "FW: Lunch"
    assert mime.body(sent)[0].split() == ["See", "below", "Hi"]
    assert original.extended[LAST_VERB] == ("104",)


def test_what_is_deleted_softly_lies_in_deleted_items(exchange: Exchange, caller: Caller, me: Person) -> None:
    item_id = draft(caller, "a@else.test")
    softly = f'<m:DeleteItem DeleteType="MoveToDeletedItems"><m:ItemIds>{item_id}</m:ItemIds></m:DeleteItem>'
    assert caller.code(softly) == "NoError"
    assert caller.code(softly) == "ErrorItemNotFound"
    assert len(exchange.messages(me, "deleteditems")) == 1


def test_a_read_flag_is_a_change_of_its_own(exchange: Exchange, caller: Caller) -> None:
    item_id = draft(caller, "a@else.test")
    where = '<m:SyncFolderId><t:DistinguishedFolderId Id="drafts"/></m:SyncFolderId>'
    ask = f"<m:SyncFolderItems>{ID_ONLY}{where}%s<m:MaxChangesReturned>1</m:MaxChangesReturned></m:SyncFolderItems>"
    first = caller.message(ask % "")
    assert first.text_of("m:IncludesLastItemInRange") == "true"
    caller.message(setting(item_id, "AlwaysOverwrite", "IsRead", "message"))
    state = f"<m:SyncState>{first.text_of('m:SyncState')}</m:SyncState>"
    assert [node.name for node in caller.message(ask % state).need("m:Changes").children] == ["t:ReadFlagChange"]


def test_two_writers_of_different_fields_are_both_heard_and_of_the_same_field_only_the_first(caller: Caller) -> None:
    first = draft(caller, "a@else.test")
    caller.message(setting(first))
    assert caller.code(setting(first, "NeverOverwrite")) == "ErrorIrresolvableConflict"
    assert caller.code(setting(first, "AutoResolve")) == "ErrorIrresolvableConflict"
    assert caller.code(setting(first, "AutoResolve", "IsRead", "message")) == "NoError"
    assert caller.code(setting(first, "AlwaysOverwrite")) == "NoError"


def test_a_message_without_anybody_to_go_to_is_refused(caller: Caller) -> None:
    assert (
        caller.code(create("<t:Message><t:Subject>x</t:Subject></t:Message>", "SendOnly")) == "ErrorInvalidRecipients"
    )


def test_nobody_sends_in_anothers_name(caller: Caller) -> None:
    sender = f"{mailboxes('ToRecipients', 'a@else.test')}{mailboxes('From', 'boss@example.test')}"
    assert caller.code(create(f"<t:Message>{sender}</t:Message>", "SendOnly")) == "ErrorSendAsDenied"


def test_a_deferred_message_waits_in_the_outbox_until_its_time(
    exchange: Exchange, caller: Caller, me: Person, you: Person
) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = '<t:ExtendedFieldURI PropertyTag="0x3FEF" PropertyType="SystemTime"/>'
    deferred = f"<t:ExtendedProperty>{path}<t:Value>{later}</t:Value></t:ExtendedProperty>"
    assert caller.code(sending(draft(caller, you.address, more=deferred))) == "NoError"
    (waiting,) = exchange.messages(me, "outbox")
    assert waiting.is_submitted
    assert exchange.messages(you) == []
    assert exchange.release_due(datetime.now(UTC)) == 0
    assert exchange.release_due(datetime.now(UTC) + timedelta(hours=2)) == 1
    assert len(exchange.messages(you)) == len(exchange.messages(me, "sentitems")) == 1


def test_items_are_found_by_message_id_and_in_pages(exchange: Exchange, caller: Caller, me: Person) -> None:
    for number in range(5):
        exchange.deliver(me, MAIL.replace(b"<lunch", b"<lunch%d" % number) % me.address.encode())
    path = '<t:FieldURI FieldURI="message:InternetMessageId"/>'
    equal = f"<t:IsEqualTo>{path}<t:FieldURIOrConstant>"
    equal += '<t:Constant Value="&lt;lunch3@else.test&gt;"/></t:FieldURIOrConstant></t:IsEqualTo>'
    both = f'<t:Or>{equal}<t:Contains>{path}<t:Constant Value="lunch4"/></t:Contains></t:Or>'
    root = caller.message(find("inbox", f"<m:Restriction>{both}</m:Restriction>")).need("m:RootFolder")
    assert root.attributes["TotalItemsInView"] == "2"
    paging = '<m:IndexedPageItemView MaxEntriesReturned="3" Offset="3" BasePoint="Beginning"/>'
    root = caller.message(find("inbox", paging=paging)).need("m:RootFolder")
    assert root.attributes == {"IndexedPagingOffset": "5", "TotalItemsInView": "5", "IncludesLastItemInRange": "true"}
    assert len(root.need("t:Items").children) == 2


def tips(caller: Caller, me: Person, *addresses: str, asked: str = "All") -> list[dict[str, str]]:
    messages = caller.call(mail_tips(me.address, *addresses, asked=asked)).need("m:ResponseMessages").children
    return [{node.local: node.text for node in message.walk() if not node.children} for message in messages]


def test_mailtips_count_a_list_as_of_when_it_was_made(
    exchange: Exchange, caller: Caller, me: Person, you: Person
) -> None:
    team = exchange.new_list(members=[me, you], external=1)
    team.members.append("late@else.test")
    late, lost = exchange.new_list(total=9, tips="pending"), exchange.new_list(total=9, tips="missing")
    bad = exchange.new_list(error="ErrorMailRecipientNotFound")
    found = tips(caller, me, team.address, late.address, lost.address, bad.address, you.address, "nobody@example.test")
    assert [each.get("TotalMemberCount") for each in found] == ["2", None, None, None, None, None]
    assert found[0]["ExternalMemberCount"] == "1"
    assert found[1]["PendingMailTips"] == "TotalMemberCount ExternalMemberCount"
    assert found[3]["ResponseCode"] == "ErrorMailRecipientNotFound"
    assert [each["InvalidRecipient"] for each in found[4:]] == ["false", "true"]


def test_mailtips_of_more_than_fifty_are_refused(caller: Caller, me: Person) -> None:
    many = [f"p{number}@example.test" for number in range(51)]
    assert caller.code(mail_tips(me.address, *many)) == "ErrorInvalidArgument"
    assert len(tips(caller, me, *many[:50])) == 50


def test_a_list_of_a_hundred_thousand_is_built_once(exchange: Exchange, caller: Caller) -> None:
    large = exchange.new_list(members=(f"p{number}@example.test" for number in range(100_000)))
    request = f"<m:ExpandDL><m:Mailbox><t:EmailAddress>{large.address}</t:EmailAddress></m:Mailbox></m:ExpandDL>"
    answer, body = caller.post(ENVELOPE % request)
    assert answer.getheader("Transfer-Encoding") == "chunked"
    assert body.count(b"<t:Mailbox>") == 100_000
    assert b'TotalItemsInView="100000" IncludesLastItemInRange="true"' in body
    assert caller.post(ENVELOPE % request)[1] == body


@pytest.mark.parametrize("how", ["no_answer", "reset"])
def test_an_ambiguous_send_is_done_and_not_answered(new_exchange: NewExchange, how: Cut) -> None:
    server = new_exchange()
    me = server.new_person()
    with Caller(server, me) as caller:
        item = draft(caller, "a@else.test")
        server.faults.ambiguous("SendItem", how=how)
        with pytest.raises(OSError, match=r"."):
            caller.message(sending(item))
    assert len(server.submitted) == 1


def test_an_ambiguous_send_may_be_answered_in_another_element(new_exchange: NewExchange) -> None:
    server = new_exchange()
    with Caller(server, server.new_person()) as caller:
        item = draft(caller, "a@else.test")
        server.faults.ambiguous("SendItem", how="wrong_element")
        assert [node.name for node in caller.call(sending(item)).children] == ["m:Responses"]


def test_a_call_that_is_cut_before_does_nothing(new_exchange: NewExchange) -> None:
    server = new_exchange()
    with Caller(server, server.new_person()) as caller:
        item = draft(caller, "a@else.test")
        server.faults.cut_before("SendItem")
        with pytest.raises(OSError, match=r"."):
            caller.message(sending(item))
    assert server.submitted == []


def test_ews_that_is_switched_off_answers_403(new_exchange: NewExchange) -> None:
    server = new_exchange()
    server.faults.ews_disabled()
    with Caller(server, server.new_person()) as caller:
        assert caller.post(ENVELOPE % GET_INBOX)[0].status == 403
        server.faults.clear()
        assert caller.post(ENVELOPE % GET_INBOX)[0].status == 200


def test_one_call_more_than_a_person_may_have_at_once_is_busy(new_exchange: NewExchange) -> None:
    server = new_exchange()
    me, until = server.new_person(), threading.Event()
    server.concurrency = 1
    server.faults.stall("GetFolder", until=until)
    with Caller(server, me) as first, Caller(server, me) as second:
        thread = threading.Thread(target=first.message, args=(GET_INBOX,))
        thread.start()
        wait_until(lambda: server.count_of("GetFolder"), "first call")
        assert second.code(find("inbox")) == "ErrorServerBusy"
        until.set()
        thread.join(10)
        assert second.code(find("inbox")) == "NoError"


def subscribing() -> str:
    folders = '<t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>'
    kinds = "<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>"
    request = f"<m:StreamingSubscriptionRequest>{folders}{kinds}</m:StreamingSubscriptionRequest>"
    return f"<m:Subscribe>{request}</m:Subscribe>"


def subscribed(caller: Caller) -> str:
    return caller.message(subscribing()).text_of("m:SubscriptionId")


def streaming(subscription: str) -> str:
    ids = f"<m:SubscriptionIds><t:SubscriptionId>{subscription}</t:SubscriptionId></m:SubscriptionIds>"
    return f"<m:GetStreamingEvents>{ids}<m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"


def test_a_forgotten_subscription_is_named(new_exchange: NewExchange) -> None:
    server = new_exchange()
    with Caller(server, server.new_person()) as caller:
        one, two = subscribed(caller), subscribed(caller)
        server.notifications.move_mailbox()
        assert caller.code(streaming(one)) == "ErrorMailboxMoveInProgress"
        server.notifications.forget_subscriptions()
        message = caller.message(streaming(two))
        assert message.text_of("m:ResponseCode") == "ErrorSubscriptionNotFound"
        assert message.need("m:ErrorSubscriptionIds").text_of("m:SubscriptionId") == two


def test_streams_and_subscriptions_have_limits_and_a_client_that_left_counts_no_more(new_exchange: NewExchange) -> None:
    server = new_exchange()
    server.notifications.hanging_connections, server.notifications.subscriptions_each = 1, 1
    me = server.new_person()
    with Caller(server, me) as caller, Caller(server, me) as listener:
        subscription = subscribed(caller)
        assert caller.code(subscribing()) == "ErrorExceededSubscriptionCount"
        listener.http.request(
            "POST",
            "/EWS/Exchange.asmx",
            ENVELOPE % streaming(subscription),
            {"Content-Type": "text/xml", "Authorization": listener.authorization},
        )
        wait_until(lambda: server.notifications.streams, "open stream")
        assert caller.code(streaming(subscription)) == "ErrorExceededConnectionCount"
        listener.http.close()
        wait_until(lambda: not server.notifications.streams, "end of the stream", 5)


def test_an_event_can_be_missed(new_exchange: NewExchange) -> None:
    server = new_exchange()
    server.stream_seconds = 0.3
    me = server.new_person()
    with Caller(server, me) as caller, ThreadPoolExecutor() as pool:
        stream = pool.submit(caller.post, ENVELOPE % streaming(subscribed(caller)))
        wait_until(lambda: server.notifications.streams, "open stream")
        server.notifications.miss_next_event()
        server.deliver(me, MAIL % me.address.encode())
        assert b"NewMailEvent" not in stream.result(10)[1]


def test_over_tls_everything_is_the_same(
    new_exchange: NewExchange, certificate_authority: CertificateAuthority
) -> None:
    server = new_exchange(certificate=certificate_authority.issue())
    me = server.new_person()
    assert server.url.startswith("https://")
    context = certificate_authority.client_context()
    with Caller(server, me) as caller:
        caller.http = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        assert caller.code(GET_INBOX) == "NoError"


def test_a_silent_stream_has_a_heartbeat(new_exchange: NewExchange) -> None:
    server = new_exchange()
    server.notifications.heartbeat, server.stream_seconds = 0.05, 0.2
    with Caller(server, server.new_person()) as caller:
        answer, body = caller.post(ENVELOPE % streaming(subscribed(caller)))
        assert answer.getheader("Transfer-Encoding") == "chunked"
        assert body.count(b"<t:StatusEvent>") >= 2
        assert b"<m:ConnectionStatus>Closed</m:ConnectionStatus>" in body


def test_the_servers_end_ends_every_connection_and_its_mailboxes_stay(new_exchange: NewExchange) -> None:
    server = new_exchange()
    me = server.new_person()
    server.deliver(me, MAIL % me.address.encode())
    with Caller(server, me) as caller, ThreadPoolExecutor() as pool:
        server.faults.stall("GetFolder")
        stalled = pool.submit(caller.post, ENVELOPE % GET_INBOX)
        wait_until(lambda: server.count_of("GetFolder"), "stalled call")
        assert server.connections == 1
        server.stop()
        assert isinstance(stalled.exception(10), OSError)
    server.start()
    with Caller(server, me) as caller:
        assert caller.message(find("inbox")).need("m:RootFolder").attributes["TotalItemsInView"] == "1"
