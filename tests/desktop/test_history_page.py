"""The history page: what other thresholds would have done, and the audit where there is one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableWidget
from pytestqt.qtbot import QtBot

from sendguard.desktop.history import History
from sendguard.desktop.tasks import Tasks
from sendguard.guard.hindsight import THRESHOLDS
from sendguard.guard.ledger import MONITORED, State
from sendguard.settings.layers import Layer, Offer
from tests.desktop.examples import AUDIT, HISTORY, World, full_world, record

Open = Callable[..., History]


@pytest.fixture
def open_page(qtbot: QtBot) -> Iterator[Open]:
    pages = []

    def show(world: World, language: str = "en") -> History:
        page = History(world.services(language), Tasks())
        qtbot.addWidget(page)
        page.resize(900, 900)
        page.show()
        qtbot.waitUntil(lambda: page.table.rowCount() == len(world.rows) and page.summary.text() != "")
        pages.append(page)
        return page

    yield show
    for page in pages:
        page.hide()


def audited(**changes: object) -> World:
    return full_world(own={"Audit": True}, audit=AUDIT, **changes)


def cells(table: QTableWidget, row: int) -> list[str]:
    found = [table.item(row, column) for column in range(table.columnCount())]
    return [item.text() if item else "" for item in found]


def test_each_threshold_says_how_many_messages_it_would_have_met(open_page: Open) -> None:
    rows = (*HISTORY, *(record(f"m{n}", asked=False, low=n, high=n, detail=MONITORED) for n in (30, 60, 600)))
    page = open_page(full_world(rows=rows))
    table = page.thresholds.table
    assert cells(table, 0) == ["7", "7", "6", "4", "3", "3", "2"]
    assert cells(table, 1) == ["1", "1", "1", "0", "0", "0", "0"]
    spoken = table.item(0, THRESHOLDS.index(50)).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "from 50 people: 6 messages, 1 of them a reply"
    assert page.thresholds.sentence.text().startswith("In the last 30 days: 8 messages; asked about 4, ")
    assert "3 would have been asked about" in page.thresholds.sentence.text()
    assert table.verticalScrollBar().maximum() == 0


def test_a_row_that_was_only_monitored_says_what_would_have_come_of_it(open_page: Open) -> None:
    page = open_page(full_world(rows=(record("m", State.SENT, asked=False, detail=MONITORED),)))
    assert cells(page.table, 0)[4] == "sent · only monitored: you would have been asked"


def test_there_is_no_audit_to_see_where_there_is_none(open_page: Open) -> None:
    assert open_page(full_world(audit=AUDIT)).audit.isHidden()


def test_the_audit_is_shown_where_the_organisation_keeps_one(open_page: Open, qtbot: QtBot) -> None:
    policy = (Offer(Layer.MACHINE, "it.json", {"Audit": True, "AuditSyslog": "log.x.test:6514"}),)
    page = open_page(full_world(policy=policy, audit=AUDIT))
    assert page.audit.isVisible()
    table = page.audit.table
    qtbot.waitUntil(lambda: table.rowCount() == len(AUDIT))
    assert cells(table, 0) == [
        "today, 08:29", "decided", "100,000+ people", "number to be typed", "you changed your mind, 14 s",
    ]  # fmt: skip
    assert cells(table, 1)[2:] == ["50–199 people", "to be confirmed (only monitored)", "sent"]
    assert cells(table, 2)[2:] == ["10–49 people or more", "needs a code", "you let it go, by an earlier answer"]
    assert cells(table, 3)[1:3] == ["lines are missing here", "12 lines"]
    assert page.audit.trouble.isHidden()
    assert page.audit.collected.text() == "Your organisation gets each line as well: log.x.test:6514."
    assert open_page(audited()).audit.collected.isHidden()


def test_an_audit_that_cannot_be_written_or_read_says_so(open_page: Open, qtbot: QtBot) -> None:
    page = open_page(audited(audit_troubles=("audit_file", "audit_syslog_certificate")))
    assert "second file" in page.audit.trouble.text()
    assert "certificate" in page.audit.trouble.text()
    world = audited()
    services = world.services()

    def broken(most: int) -> tuple[object, ...]:
        raise OSError

    object.__setattr__(services.audit, "latest", broken)
    world.services = lambda language="en": services  # type: ignore[method-assign]
    page = open_page(world)
    assert "cannot be written" in page.audit.trouble.text()
    assert page.audit.table.rowCount() == 0


def test_the_export_holds_every_line_and_says_how_many(open_page: Open, qtbot: QtBot, tmp_path: Path) -> None:
    page = open_page(audited())
    page.audit.export_to(tmp_path / "audit.jsonl")
    qtbot.waitUntil(lambda: page.audit.said.text() == "Exported 5 lines.")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert kinds == ["decision", "end", "decision", "gap", "started"]


def test_an_export_onto_a_full_disk_is_told_of(open_page: Open, qtbot: QtBot, tmp_path: Path) -> None:
    page = open_page(audited(disk_full=True))
    page.audit.export_to(tmp_path / "audit.jsonl")
    qtbot.waitUntil(lambda: page.audit.said.text().startswith("Not exported"))


def test_the_keyboard_reaches_every_table_and_the_export(open_page: Open, qtbot: QtBot) -> None:
    page = open_page(audited())
    with qtbot.waitActive(page):
        page.activateWindow()
    page.table.setFocus()
    reached = []
    for _ in range(3):
        qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Tab)
        reached.append(page.focusWidget())
    assert reached == [page.thresholds.table, page.audit.table, page.audit.export_button]
    assert all(widget.accessibleName() for widget in reached)


def test_in_german_nothing_of_it_is_left_in_english(open_page: Open) -> None:
    page = open_page(audited(audit_troubles=("audit",)), "de")
    words = " ".join(label.text() for label in page.findChildren(QLabel))
    words += " ".join(" ".join(cells(page.audit.table, row)) for row in range(len(AUDIT)))
    assert "In den letzten 30 Tagen: 5 Nachrichten; bei 4 nachgefragt" in words
    assert not {"decided", "Exported", "audit", "people", "the"} & set(words.split())


def test_the_last_column_takes_the_room_that_is_left_and_no_cell_is_cut(open_page: Open, qtbot: QtBot) -> None:
    page = open_page(full_world())
    header = page.table.horizontalHeader()
    page.resize(2_000, 900)
    qtbot.waitUntil(lambda: header.length() == page.table.viewport().width())
    page.resize(400, 900)
    qtbot.waitUntil(lambda: header.length() > page.table.viewport().width())
    assert header.sectionSize(4) >= page.table.sizeHintForColumn(4)
