"""Canaries: no address, subject, name, body or secret stands in a log or a file of ours."""

import signal

from sendguard.storage.places import Places
from tests.reliability.conftest import Desk


def test_nothing_we_write_holds_an_address_a_subject_or_a_secret(desk: Desk) -> None:
    canaries = [desk.colleague.address, "canary-subject", "Canary Name", "canary-body", desk.me.password]
    desk.start()
    raw_subject = f"canary-subject\r\nX-Name: Canary Name <{desk.colleague.address}>"
    assert desk.submit(raw_subject)[0] == 250
    assert desk.submit("canary-subject", to=f"all-staff-canary@{desk.colleague.address.partition('@')[2]}")[0] != 0
    desk.arrived(1)
    desk.stop(signal.SIGTERM)
    for row in desk.rows():
        assert not any(canary in repr(row) for canary in canaries)
    ours = [Places.under(desk.folder).data, Places.under(desk.folder).logs]
    files = [path for folder in ours for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in [*files, desk.log]:
        content = path.read_bytes().lower()
        for canary in [*canaries, "all-staff-canary"]:
            assert canary.lower().encode() not in content, f"{canary} stands in {path.name}"
