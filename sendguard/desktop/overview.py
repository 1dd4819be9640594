"""The first page: each path and whether it blocks, what waits, what may have been sent, what drafts would reach."""

from collections import deque
from functools import partial

from PySide6.QtCore import Signal

from sendguard.desktop.layout import Page, Row, Section
from sendguard.desktop.managed import Managed
from sendguard.desktop.services import (
    DirectoryStatus,
    PathState,
    PathStatus,
    PracticeStep,
    Services,
    SignedPolicyStatus,
)
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Tone, Weight, button, safe_label
from sendguard.guard.ledger import LedgerFailed, Record
from sendguard.guard.ports import Activity, ActivityKind, Scheduled
from sendguard.settings.setting import N_
from sendguard.wording.hostile import shown

WARNINGS_KEPT = 5
STATES = {PathState.WORKING: N_("works"), PathState.STARTING: N_("starting"), PathState.TROUBLE: N_("does not work")}


class Overview(Page):
    """What a person sees who opens SendGuard to know whether they are guarded."""

    open_question = Signal()
    add_account = Signal()

    def __init__(self, services: Services, tasks: Tasks) -> None:
        super().__init__()
        self._services = services
        self._tasks = tasks
        self._say = services.sentences
        self._warnings: deque[Activity] = deque(maxlen=WARNINGS_KEPT)
        text = self._say.catalogue.text
        self._practice = Section(text("Practice mailbox"))
        self._waiting = Section(text("Waiting for your answer"))
        self._unknown = Section(text("It may have been sent"))
        self._drafts = Section(text("Drafts that would go to many"))
        self._scheduled = Section(text("Waiting on the server for their time"))
        self._paths = Section(text("What is guarded"))
        self._directory = Section(text("How many people"))
        self._organisation = Section(text("Your organisation"))
        sections = (self._practice, self._waiting, self._unknown, self._scheduled)
        for section in (*sections, self._drafts, self._paths, self._directory, self._organisation):
            self.rows.addWidget(section)
        self.rows.addStretch(1)
        self._unknown.hide()
        self._scheduled.hide()
        self._directory.setVisible(not services.practice)
        self._show_practice()
        self._show_drafts()
        self.refresh()

    def refresh(self) -> None:
        """Show what is true now."""
        self._show_waiting()
        self._show_scheduled(self._services.scheduled())
        self._show_paths(self._services.paths())
        self._show_directory(self._services.directory(), self._services.asks_exchange())
        self._show_organisation(self._services.settings().is_managed, self._services.signed_policy())
        self._tasks.run(self._services.unknown, self._show_unknown, LedgerFailed)

    def happened(self, activity: Activity) -> None:
        """Keep what was said about a draft."""
        if activity.kind is ActivityKind.WARNED:
            self._warnings.appendleft(activity)
            self._show_drafts()

    def _show_practice(self) -> None:
        text = self._say.catalogue.text
        self._practice.setVisible(bool(self._services.practice))
        self._practice.add(
            safe_label(
                text("A mailbox to try SendGuard with: nothing leaves this computer. Send one of these messages.")
            )
        )
        for step in self._services.practice:
            play = button(text(step.title))
            play.clicked.connect(partial(self._play, step))
            self._practice.add(play)

    def _play(self, step: PracticeStep, checked: bool = False) -> None:
        self._tasks.run(step.play, self._again)

    def _again(self, done: Done[None]) -> None:
        self.refresh()

    def _show_waiting(self) -> None:
        questions = self._services.questions.waiting()
        if not self._waiting.is_news([question.id for question in questions]):
            return
        self._waiting.clear()
        self._waiting.setVisible(bool(questions))
        for question in questions:
            judgement = question.judgement
            subject = shown(judgement.submission.message.subject)
            self._waiting.add(safe_label(f"{self._say.people(judgement.audience.count)} · {subject}"))
        if questions:
            show = button(self._say.catalogue.text("Show the question"), Weight.STRONG)
            show.clicked.connect(self.open_question)
            self._waiting.add(Row(safe_label(), show))

    def _show_drafts(self) -> None:
        self._drafts.clear()
        self._drafts.setVisible(bool(self._warnings))
        for activity in self._warnings:
            if activity.judgement:
                subject = shown(activity.judgement.submission.message.subject)
                people = self._say.people(activity.judgement.audience.count)
                when = self._say.catalogue.moment(activity.at)
                self._drafts.add(safe_label(f"{when} · {people} · {subject}"))
        self._drafts.add(safe_label(self._say.catalogue.text("A draft is not held: SendGuard only warns."), Tone.QUIET))

    def _show_scheduled(self, scheduled: tuple[Scheduled, ...]) -> None:
        text = self._say.catalogue.text
        if not self._scheduled.is_news(scheduled):
            return
        self._scheduled.clear()
        self._scheduled.setVisible(bool(scheduled))
        for each in scheduled:
            facts = (
                self._say.catalogue.moment(each.due),
                self._say.people(each.judgement.audience.count),
                shown(each.judgement.submission.message.subject),
            )
            pull = button(text("Pull back"))
            pull.clicked.connect(partial(self._pull_back, each))
            self._scheduled.add(Row(safe_label(" · ".join(facts)), pull))
        said = text(
            "SendGuard does not hold these: the server sends them by itself. Pulling one back moves it to your drafts; "
            "this was not proven on a real Exchange server, so look there afterwards."
        )
        self._scheduled.add(safe_label(said, Tone.QUIET))

    def _pull_back(self, scheduled: Scheduled, checked: bool = False) -> None:
        self._tasks.run(partial(self._services.pull_back, scheduled), self._pulled_back)

    def _pulled_back(self, done: Done[bool]) -> None:
        self.refresh()
        if not done.result:
            said = self._say.catalogue.text("The server did not give it back: it may have been sent already.")
            self._scheduled.add(safe_label(said, Tone.ACCENT))

    def _show_unknown(self, done: Done[tuple[Record, ...]]) -> None:
        text = self._say.catalogue.text
        if not self._unknown.is_news(done):
            return
        self._unknown.clear()
        self._unknown.setVisible(bool(done.result) or done.error is not None)
        if done.error is not None:
            self._unknown.add(safe_label(self._say.trouble("ledger"), Tone.ACCENT))
        for record in done.result or ():
            facts = (
                self._say.catalogue.moment(record.received_at),
                self._say.kind(record.kind),
                self._say.record_people(record),
                record.account,
            )
            sent, not_sent = button(text("It was sent")), button(text("It was not sent"))
            sent.clicked.connect(partial(self._settle, record.id, True))
            not_sent.clicked.connect(partial(self._settle, record.id, False))
            self._unknown.add(Row(safe_label(" · ".join(facts)), sent, not_sent))
        said = text("The mail server's answer was lost. Look into your Sent folder, then say what is true.")
        self._unknown.add(safe_label(said, Tone.QUIET))

    def _settle(self, record_id: str, was_sent: bool, checked: bool = False) -> None:
        self._tasks.run(partial(self._services.settle, record_id, was_sent), self._again, LedgerFailed)

    def _place(self, path: PathStatus) -> str:
        return " · ".join(filter(None, (shown(path.account), self._say.hook(path.hook), shown(path.place))))

    def _show_paths(self, paths: tuple[PathStatus, ...]) -> None:
        text, monitors = self._say.catalogue.text, self._monitors
        if not self._paths.is_news((paths, monitors)):
            return
        self._paths.clear()
        for path in paths:
            kind = text("only monitors") if monitors else text("blocks") if path.blocks else text("warns only")
            state = text(STATES[path.state])
            tone = Tone.ACCENT if path.state is PathState.TROUBLE else Tone.PLAIN
            self._paths.add(Row(safe_label(self._place(path)), safe_label(kind, bold=True), safe_label(state, tone)))
            if path.detail:
                self._paths.add(safe_label(self._say.trouble(path.detail), Tone.ACCENT))
        if not paths:
            add = button(text("Add an account"), Weight.STRONG)
            add.clicked.connect(self.add_account)
            self._paths.add(safe_label(text("Nothing is guarded yet: there is no account.")), Row(safe_label(), add))
        self._paths.add(
            safe_label(
                text("“Blocks” holds a message until you answer. “Warns only” cannot stop another program's Send."),
                Tone.QUIET,
            )
        )

    @property
    def _monitors(self) -> bool:
        return self._services.settings().values.switch("MonitorOnly")

    def _show_organisation(self, is_managed: bool, signed: SignedPolicyStatus | None) -> None:
        text, moment = self._say.catalogue.text, self._say.catalogue.moment
        monitors = self._monitors
        if not self._organisation.is_news((is_managed, monitors, signed or "")):
            return
        self._organisation.clear()
        self._organisation.setVisible(is_managed or signed is not None)
        self._organisation.add(Managed(self._say, text("Your organisation decides some of the settings.")))
        if monitors:
            said = text("SendGuard only monitors: everything is judged and recorded, and nothing is asked.")
            self._organisation.add(safe_label(said, Tone.ACCENT))
        if signed is not None and signed.since is not None:
            self._organisation.add(safe_label(text("Signed policy of {when}.", when=moment(signed.since))))
        if signed is not None and signed.checked_at is not None:
            when = moment(signed.checked_at)
            self._organisation.add(safe_label(text("Last looked for a newer one {when}.", when=when), Tone.QUIET))
        if signed is not None and signed.trouble:
            self._organisation.add(safe_label(self._say.trouble(signed.trouble), Tone.ACCENT))

    def _show_directory(self, status: DirectoryStatus | None, asks_exchange: bool) -> None:
        text = self._say.catalogue.text
        if not self._directory.is_news((status or "", asks_exchange)):
            return
        self._directory.clear()
        if asks_exchange:
            said = text("Lists are counted by asking your Exchange server, whose numbers are a day old.")
            self._directory.add(safe_label(said))
        if status is None and asks_exchange:
            return
        if status is None:
            said = text("No directory is set up, so the size of most lists is unknown, and you are asked.")
            self._directory.add(safe_label(said, Tone.QUIET))
            return
        if status.as_of is not None:
            self._directory.add(safe_label(self._say.directory(status.people, status.lists, status.as_of)))
        elif not status.trouble:
            self._directory.add(safe_label(text("The directory is being read.")))
        if status.expires is not None:
            when = self._say.catalogue.moment(status.expires)
            self._directory.add(safe_label(text("Your IT calls it current until {when}.", when=when), Tone.QUIET))
        if status.trouble:
            self._directory.add(safe_label(self._say.trouble(status.trouble), Tone.ACCENT))
