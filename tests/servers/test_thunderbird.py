"""The tests' Thunderbird: what a person can do in it, each done once on real servers."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.imap_rig import mail
from tests.servers.dovecot import Dovecot, Person
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.thunderbird import MailAccount, Thunderbird, installation_with

LIST = "List-Id: <plan.example.test>\r\nList-Post: <mailto:plan@example.test>\r\n"


@pytest.fixture
def thunderbird(dovecot: Dovecot, postfix: Postfix, me: Person, colleague: Person) -> Iterator[Thunderbird]:
    raw = mail(sender=colleague.address, to=f"{me.address}, third@example.test", cc="fourth@example.test", more=LIST)
    with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as lmtp:
        lmtp.sendmail(colleague.address, [me.address], raw)
    with server_folder("thunderbird") as folder, Thunderbird(folder) as running:
        running.add_mail(MailAccount.of(me, dovecot.port, postfix.port, "alias@example.test", smtp_host="localhost"))
        yield running


@pytest.mark.parametrize(
    ("kind", "subject", "to", "cc"),
    [
        ("Reply", "Re: Lunch", ["colleague"], ""),
        ("ReplyAll", "Re: Lunch", ["colleague", "third"], "fourth@example.test"),
        ("ReplyToList", "Re: Lunch", ["plan"], ""),
        ("ForwardInline", "Fwd: Lunch", [], ""),
        ("Redirect", "Lunch", [], ""),
    ],
)
def test_every_way_to_answer_opens_its_window(
    thunderbird: Thunderbird, kind: str, subject: str, to: list[str], cc: str
) -> None:
    title = thunderbird.answer("one@example.test", kind)
    assert f"Write: {subject} " in title
    composed = thunderbird.composed()
    assert [each.strip().split("@")[0].split("-")[0] for each in composed["to"].split(",") if each] == to
    assert composed["cc"] == cc
    assert "Hello" in composed["body"]


def test_a_draft_is_saved_opened_again_written_on_and_sent_by_another_identity(
    thunderbird: Thunderbird, dovecot: Dovecot, me: Person, colleague: Person, tmp_path: Path
) -> None:
    thunderbird.write(colleague.address, subject="Plan", sender="alias@example.test", bcc=["hidden@example.test"])
    thunderbird.save_draft()
    [draft] = dovecot.wait_for_messages(me, 1, "Drafts")
    assert b"hidden@example.test" in draft
    thunderbird.close_composers()
    thunderbird.edit_draft("Plan")
    thunderbird.type(to=["third@example.test"], body="More ")
    thunderbird.picture(tmp_path / "composer.png", "messengercompose.xhtml")
    assert (tmp_path / "composer.png").read_bytes().startswith(b"\x89PNG")
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    [arrived] = dovecot.wait_for_messages(colleague, 1)
    assert b"From: Me Myself <alias@example.test>" in arrived
    assert b"More Hello" in arrived
    assert b"hidden" not in arrived


def test_after_a_new_start_it_still_knows_its_passwords(
    thunderbird: Thunderbird, dovecot: Dovecot, colleague: Person
) -> None:
    thunderbird.quit()
    thunderbird.start()
    thunderbird.write(colleague.address)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    assert len(dovecot.wait_for_messages(colleague, 1)) == 1


def test_a_copied_installation_obeys_its_own_policies() -> None:
    policies = {"Preferences": {"mailnews.tcptimeout": {"Value": 600, "Status": "locked"}}}
    with server_folder("thunderbird") as folder:
        installation = installation_with(folder / "installation", policies)
        with Thunderbird(folder, installation=installation) as thunderbird:
            assert thunderbird.run("return Services.prefs.getIntPref('mailnews.tcptimeout')") == 600
            assert thunderbird.run("return Services.prefs.prefIsLocked('mailnews.tcptimeout')")
