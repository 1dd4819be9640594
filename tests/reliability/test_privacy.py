"""Canaries: no address, subject, name, body or secret stands in a log or a file of ours."""

import json
import signal

from sendguard.storage.files import save_settings
from sendguard.storage.places import Places
from tests.reliability.conftest import Desk


def test_nothing_we_write_holds_an_address_a_subject_or_a_secret(desk: Desk) -> None:
    desk.start()
    _send_canaries(desk)
    desk.stop(signal.SIGTERM)
    _look_for_canaries(desk)


def test_no_line_of_the_audit_holds_an_address_a_subject_or_a_text_also_after_a_crash(desk: Desk) -> None:
    list_address = f"all-staff-canary@{desk.colleague.address.partition('@')[2]}"
    rules = [f"{desk.colleague.address} | ask", f"{list_address} | canary-words"]
    save_settings(Places.under(desk.folder).settings, {"Audit": True, "ProtectedLists": rules})
    desk.start("after", "3")  # the send is committed, its end is not
    _send_canaries(desk, dies=True)
    desk.start()
    _send_canaries(desk)
    desk.stop(signal.SIGTERM)
    _look_for_canaries(desk)
    files = list(Places.under(desk.folder).audit.iterdir())
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    kinds = [(line["kind"], line.get("state"), line.get("detail")) for line in lines]
    assert ("end", "unknown", "restart") in kinds
    assert ("decision", "approved", None) in kinds
    assert ("end", "sent", None) in kinds
    assert all(set(line["lists"][0]) <= set("0123456789abcdef") for line in lines if "lists" in line)
    assert any("lists" in line for line in lines)
    assert "@" not in "".join(path.read_text() for path in files)


def _canaries(desk: Desk) -> list[str]:
    names = ["canary-subject", "Canary Name", "canary-body", "canary-words", "all-staff-canary"]
    return [desk.colleague.address, desk.me.address, desk.me.password, *names]


def _send_canaries(desk: Desk, *, dies: bool = False) -> None:
    subject = f"canary-subject\r\nX-Name: Canary Name <{desk.colleague.address}>"
    if dies:
        desk.submit(subject)
        desk.wait_until_dead()
        return
    before = len(desk.dovecot.messages(desk.colleague))
    assert desk.submit(subject)[0] == 250
    assert desk.submit("canary-subject", to=f"all-staff-canary@{desk.colleague.address.partition('@')[2]}")[0] != 0
    desk.arrived(before + 1)


def _look_for_canaries(desk: Desk) -> None:
    canaries = _canaries(desk)
    for row in desk.rows():
        assert not any(canary in repr(row) for canary in canaries)
    ours = [Places.under(desk.folder).data, Places.under(desk.folder).logs]
    files = [path for folder in ours for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in [*files, desk.log]:
        content = path.read_bytes().lower()
        for canary in canaries:
            assert canary.lower().encode() not in content, f"{canary} stands in {path.name}"
