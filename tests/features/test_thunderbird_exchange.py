"""A real Thunderbird with a native Exchange account: straight to the test Exchange, and through SendGuard's gate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from sendguard.bootstrap.doctor import Standing, send_paths
from sendguard.exchange.gate.gate import EwsGate
from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.intake import Intake
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.thunderbird.pointing import point_at_gate, point_back
from sendguard.thunderbird.ways_out import Guarded, profiles_found
from tests.adapters.ews_gate_kit import SENTENCES
from tests.adapters.ews_rig import ExchangeDesk
from tests.adapters.imap_rig import mail
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person
from tests.servers.processes import server_folder, wait_until
from tests.servers.thunderbird import Thunderbird

BIG = "big@lists.test"


@pytest.fixture
def thunderbird() -> Iterator[Thunderbird]:
    """A fresh one each time: it starts in a second and a half, and nobody has to close what it shows."""
    with server_folder("thunderbird") as folder, Thunderbird(folder) as running:
        yield running


@dataclass
class Scene:
    """A person with SendGuard's gate in front of their Exchange, and a colleague."""

    server: Exchange
    desk: ExchangeDesk
    me: Person
    colleague: Person
    account: Account
    url: str
    limits: GateLimits

    def deliver(self, to: str, message_id: str = "lunch@x.test") -> str:
        """A message from the colleague; returns its id as Thunderbird has it."""
        raw = mail(sender=self.colleague.address, to=to, cc=self.me.address, message_id=f"<{message_id}>")
        self.server.deliver(self.me, raw)
        return message_id

    def answer(self, answer: Answer) -> None:
        question = self.desk.guard.asker.question(20)
        self.desk.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)

    def drafts(self) -> list[bytes]:
        return [item.mime for item in self.server.messages(self.me, "drafts")]


@pytest.fixture
def scene(new_exchange: Callable[..., Exchange]) -> Iterator[Scene]:
    server = new_exchange()
    me, colleague = server.new_person("me"), server.new_person("colleague")
    desk = ExchangeDesk(server, me)
    account = replace(desk.account, ews_gate_port=choose_port())
    scene = Scene(server, desk, me, colleague, account, "", GateLimits())
    intake = Intake(account, Hook.EWS_GATE)
    gate = EwsGate(account, desk.guard.gatekeeper, intake, SENTENCES, lambda: scene.limits)
    scene.url = f"http://127.0.0.1:{gate.port}/EWS/Exchange.asmx"
    gate.start()
    yield scene
    gate.stop()
    desk.close()


def test_thunderbird_lists_folders_replies_to_all_saves_the_draft_and_sends(
    thunderbird: Thunderbird, scene: Scene
) -> None:
    team = scene.server.new_list(members=[scene.colleague])
    thunderbird.add_exchange(scene.server.url, scene.me)
    assert {"Inbox", "Drafts", "Sent Items", "Deleted Items"} <= set(thunderbird.folders())
    title = thunderbird.reply_all(scene.deliver(team.address))
    assert "Re: Lunch" in title
    thunderbird.save_draft()
    [draft] = scene.drafts()
    assert b"In-Reply-To: <lunch@x.test>" in draft
    assert scene.colleague.address.encode() in draft
    assert team.address.encode() in draft
    assert b'<blockquote type="cite" cite="mid:lunch@x.test">' in draft  # the message itself was read
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    [submitted] = scene.server.submitted
    assert set(submitted.recipients) == {scene.colleague.address, team.address}
    assert len(scene.server.messages(scene.colleague)) == 1
    wait_until(lambda: scene.server.messages(scene.me, "sentitems"), "copy in Sent")
    wait_until(lambda: not scene.drafts(), "end of the draft")


def test_through_the_gate_thunderbird_works_as_before_and_a_small_message_passes(
    thunderbird: Thunderbird, scene: Scene
) -> None:
    thunderbird.add_exchange(scene.url, scene.me)
    assert {"Inbox", "Drafts", "Sent Items"} <= set(thunderbird.folders())
    thunderbird.reply_all(scene.deliver("someone@x.test"))
    thunderbird.save_draft()
    assert len(scene.drafts()) == 1
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    assert len(scene.server.messages(scene.colleague)) == 1
    assert scene.desk.guard.asker.history == []


def test_a_reply_to_all_that_is_refused_stays_in_thunderbirds_window(thunderbird: Thunderbird, scene: Scene) -> None:
    thunderbird.add_exchange(scene.url, scene.me)
    thunderbird.reply_all(scene.deliver(BIG))
    thunderbird.press_send()
    asked = scene.desk.guard.asker.question(20).judgement
    assert asked.audience.count.low == 850_113
    assert asked.submission.kind is Kind.REPLY_ALL
    scene.answer(Answer.DONT_SEND)
    said = thunderbird.alert()
    assert "failed" in said
    assert thunderbird.is_composing()
    assert not scene.server.submitted


def test_a_reply_to_all_that_is_confirmed_goes_out_once(thunderbird: Thunderbird, scene: Scene) -> None:
    thunderbird.add_exchange(scene.url, scene.me)
    thunderbird.reply_all(scene.deliver(BIG))
    thunderbird.press_send()
    scene.answer(Answer.SEND)
    thunderbird.wait_until_sent()
    [submitted] = scene.server.submitted
    assert set(submitted.recipients) == {scene.colleague.address, BIG}
    assert len(scene.server.messages(scene.colleague)) == 1


def test_an_answer_after_the_gate_gave_up_counts_for_the_next_press_of_send(
    thunderbird: Thunderbird, scene: Scene
) -> None:
    scene.limits = GateLimits(hold_exchange=0.5)
    thunderbird.add_exchange(scene.url, scene.me)
    thunderbird.write(BIG)
    thunderbird.press_send()
    thunderbird.alert()
    assert thunderbird.is_composing()
    assert not scene.server.submitted
    scene.answer(Answer.SEND)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    assert [submitted.recipients for submitted in scene.server.submitted] == [(BIG,)]
    assert len({question.id for question in scene.desk.guard.asker.history}) == 1


def test_the_doctor_tells_a_thunderbird_behind_the_gate_from_one_that_goes_past_it(
    thunderbird: Thunderbird, scene: Scene
) -> None:
    thunderbird.add_exchange(scene.url, scene.me)
    home = thunderbird.home_with_profile()
    guarded = {path.standing for path in send_paths((scene.account,), home) if path.what == "Thunderbird: {name}"}
    assert guarded == {Standing.GUARDED}
    past_it = {path.standing for path in send_paths((), home) if path.what == "Thunderbird: {name}"}
    assert past_it == {Standing.OPEN}


def test_an_exchange_way_out_is_pointed_at_the_gate_and_back(thunderbird: Thunderbird, scene: Scene) -> None:
    url = scene.server.url.replace("127.0.0.1", "localhost")
    thunderbird.add_exchange(url, scene.me)
    thunderbird.keep_password("ews://localhost", scene.me)
    thunderbird.quit()
    account = replace(scene.account, exchange=ExchangeServer(url, Login.BASIC, scene.me.address))
    [open_profile] = profiles_found(thunderbird.home, (account,))
    [way] = open_profile.ways
    assert way.guarded is Guarded.OPEN
    assert way.identity.outgoing is not None
    before = [line for line in (thunderbird.profile / "prefs.js").read_text().splitlines() if ".ews1." in line]
    point_at_gate(way.profile, way.identity.outgoing, way.gate_port)
    [guarded] = profiles_found(thunderbird.home, (account,))
    assert guarded.ways[0].guarded is Guarded.GATE
    thunderbird.start()
    thunderbird.write(BIG)
    thunderbird.press_send()
    scene.answer(Answer.DONT_SEND)
    assert "failed" in thunderbird.alert()
    assert not scene.server.submitted
    thunderbird.quit()
    server = profiles_found(thunderbird.home, (account,))[0].ways[0].identity.outgoing
    assert server is not None
    point_back(way.profile, server, account)
    assert before == [line for line in (thunderbird.profile / "prefs.js").read_text().splitlines() if ".ews1." in line]


def test_a_draft_that_thunderbird_saves_is_warned_of(thunderbird: Thunderbird, scene: Scene) -> None:
    thunderbird.add_exchange(scene.server.url, scene.me)
    with scene.desk.watch():
        thunderbird.write(BIG, subject="Lunch for all")
        thunderbird.save_draft()
        [warned] = scene.desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.message.subject == "Lunch for all"
