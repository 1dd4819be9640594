"""Downloading: only what was asked for, only over a safe line, never longer than it may take, and gone on with."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendguard.published.download import Answer, fetch_file, fetch_small
from sendguard.published.web import DownloadFailed, Patience, Web, check_url
from tests.servers.certificates import CertificateAuthority
from tests.servers.fault_proxy import Break, ServerSays
from tests.servers.fixtures import NewProxy
from tests.servers.processes import LOOPBACK, free_port, wait_until
from tests.servers.static_site import Misbehaviour, StaticSite

OCTETS = bytes(range(256)) * 4000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[StaticSite]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "large").write_bytes(OCTETS)
    (folder / "small").write_bytes(b"12 people")
    with StaticSite(folder) as served:
        yield served


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "large.part"


# Small ones


def test_a_small_file_comes_with_its_etag_and_the_second_time_only_the_news_that_there_are_none(
    site: StaticSite,
) -> None:
    first = fetch_small(site.url + "small", 100)
    assert first.body == b"12 people"
    assert fetch_small(site.url + "small", 100, first.etag) == Answer(None, first.etag)
    (site.folder / "small").write_bytes(b"13 people")
    assert fetch_small(site.url + "small", 100, first.etag).body == b"13 people"


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(site: StaticSite) -> None:
    with pytest.raises(DownloadFailed, match="larger than the 100 octets"):
        fetch_small(site.url + "large", 100)


def test_a_file_of_unknown_length_is_read_up_to_what_is_allowed(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(chunked=True)
    assert fetch_small(site.url + "small", 9).body == b"12 people"
    with pytest.raises(DownloadFailed, match="larger than the 8 octets"):
        fetch_small(site.url + "small", 8)


def test_a_lie_about_the_length_is_not_believed(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(headers={"Content-Length": "9" * 15}, cut_after=4)
    with pytest.raises(DownloadFailed, match="larger than"):
        fetch_small(site.url + "small", 100)
    site.misbehave["/small"] = Misbehaviour(headers={"Content-Length": "20"}, cut_after=9)
    with pytest.raises(DownloadFailed, match="the connection was cut"):
        fetch_small(site.url + "small", 100)


def test_an_answer_that_may_have_been_cut_unseen_is_refused(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(headers={"Content-Length": ""}, cut_after=4)
    with pytest.raises(DownloadFailed, match="how long its answer is"):
        fetch_small(site.url + "small", 100)


def test_an_answer_in_an_encoding_nobody_asked_for_is_refused(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(headers={"Content-Encoding": "gzip"})
    with pytest.raises(DownloadFailed, match="encoding"):
        fetch_small(site.url + "small", 100)


def test_a_request_tells_nothing_of_who_asks(site: StaticSite) -> None:
    fetch_small(site.url + "small", 100)
    assert set(site.requests[0].headers) == {"Accept-Encoding", "Host", "User-Agent", "Connection"}
    assert site.requests[0].headers["Accept-Encoding"] == "identity"
    assert site.requests[0].headers["User-Agent"] == "SendGuard"


# Refusals in words


def test_a_busy_server_says_when_to_come_again(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(status=503, headers={"Retry-After": "120"})
    with pytest.raises(DownloadFailed, match="503 Service Unavailable") as busy:
        fetch_small(site.url + "small", 100)
    assert (busy.value.status, busy.value.retry_after) == (503, 120.0)


def test_a_date_to_come_again_is_taken_by_the_servers_own_clock(site: StaticSite) -> None:
    dates = {"Date": "Mon, 02 Jan 2006 15:00:00 GMT", "Retry-After": "Mon, 02 Jan 2006 15:05:00 GMT"}
    site.misbehave["/small"] = Misbehaviour(status=503, headers=dates)
    with pytest.raises(DownloadFailed) as busy:
        fetch_small(site.url + "small", 100)
    assert busy.value.retry_after == 300.0


@pytest.mark.parametrize(("said", "pause"), [("9" * 400, 86400.0), ("soon", None), ("-5", None), ("", None)])
def test_no_server_can_send_a_desktop_away_for_longer_than_a_day(
    site: StaticSite, said: str, pause: float | None
) -> None:
    site.misbehave["/small"] = Misbehaviour(status=429, headers={"Retry-After": said})
    with pytest.raises(DownloadFailed) as busy:
        fetch_small(site.url + "small", 100)
    assert busy.value.retry_after == pause


def test_where_nobody_answers_that_is_said() -> None:
    with pytest.raises(DownloadFailed, match="nobody answers there"):
        fetch_small(f"http://{LOOPBACK}:{free_port()}/small", 100)


def test_what_is_no_http_is_said_to_be_none(site: StaticSite, new_fault_proxy: NewProxy) -> None:
    proxy = new_fault_proxy(site.port)
    proxy.inject(ServerSays(rb"HTTP/1.1"), Break.GARBAGE)
    with pytest.raises(DownloadFailed, match="not HTTP"):
        fetch_small(f"http://{LOOPBACK}:{proxy.port}/small", 100)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://directory.test/feed", "only https"),
        ("ftp://directory.test/feed", "only https"),
        ("file:///etc/passwd", "not a web address"),
        ("https://", "not a web address"),
        ("https://directory.test:x/", "not a web address"),
        ("https://directory.test/a b", "not a web address"),
        ("https://directory.test/\r\nHost: x", "not a web address"),
        ("https://dïrectory.test/", "not a web address"),
        ("https://me:hunter2@directory.test/", "user name or a password"),
    ],
)
def test_an_address_that_is_not_safe_is_refused_and_no_secret_is_repeated(url: str, why: str) -> None:
    with pytest.raises(DownloadFailed, match=why) as refused:
        check_url(url)
    assert "hunter2" not in str(refused.value)


def test_what_stands_after_the_question_mark_is_in_no_message(site: StaticSite) -> None:
    with pytest.raises(DownloadFailed, match="404") as refused:
        fetch_small(site.url + "missing?token=hunter2", 100)
    assert "hunter2" not in str(refused.value)


# Redirects


def test_a_redirect_is_followed_where_it_stays_safe(site: StaticSite) -> None:
    site.misbehave["/old"] = Misbehaviour(status=302, headers={"Location": "/small"})
    assert fetch_small(site.url + "old", 100).body == b"12 people"


@pytest.mark.parametrize("target", ["http://directory.test/", "ftp://directory.test/", "file:///etc/passwd"])
def test_a_redirect_away_from_https_is_refused(site: StaticSite, target: str) -> None:
    site.misbehave["/old"] = Misbehaviour(status=302, headers={"Location": target})
    with pytest.raises(DownloadFailed):
        fetch_small(site.url + "old", 100)


def test_redirects_in_a_circle_come_to_an_end(site: StaticSite) -> None:
    site.misbehave["/old"] = Misbehaviour(status=302, headers={"Location": "/old"})
    with pytest.raises(DownloadFailed, match="302"):
        fetch_small(site.url + "old", 100)
    assert len(site.requests) < 10


def test_what_comes_with_a_redirect_is_not_read(site: StaticSite) -> None:
    site.misbehave["/old"] = Misbehaviour(body=b"", endless=True, status=302, headers={"Location": "/small"})
    site.misbehave["/old"].headers["Content-Length"] = "9" * 12
    assert fetch_small(site.url + "old", 100).body == b"12 people"


# TLS


@pytest.fixture
def safe_site(site: StaticSite, certificate_authority: CertificateAuthority) -> Iterator[StaticSite]:
    with StaticSite(site.folder, certificate_authority.issue()) as served:
        yield served


def test_a_server_is_trusted_by_the_authority_that_was_named(
    safe_site: StaticSite, certificate_authority: CertificateAuthority
) -> None:
    web = Web(ca_file=certificate_authority.certificate)
    assert fetch_small(safe_site.url + "small", 100, web=web).body == b"12 people"


def test_a_server_nobody_vouches_for_is_asked_for_nothing(safe_site: StaticSite) -> None:
    with pytest.raises(DownloadFailed, match="its certificate is not trusted"):
        fetch_small(safe_site.url + "small", 100)
    assert safe_site.requests == []


def test_a_certificate_for_another_name_is_not_trusted(
    site: StaticSite, certificate_authority: CertificateAuthority
) -> None:
    web = Web(ca_file=certificate_authority.certificate)
    with (
        StaticSite(site.folder, certificate_authority.issue("directory.test")) as other,
        pytest.raises(DownloadFailed, match="its certificate is not trusted"),
    ):
        fetch_small(other.url + "small", 100, web=web)


def test_from_https_nothing_leads_back_to_plain_http_not_even_on_this_computer(
    safe_site: StaticSite, site: StaticSite, certificate_authority: CertificateAuthority
) -> None:
    safe_site.misbehave["/old"] = Misbehaviour(status=302, headers={"Location": site.url + "small"})
    with pytest.raises(DownloadFailed, match="only https"):
        fetch_small(safe_site.url + "old", 100, web=Web(ca_file=certificate_authority.certificate))
    assert site.requests == []


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, safe_site: StaticSite) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(DownloadFailed, match=name):
            fetch_small(safe_site.url + "small", 100, web=Web(ca_file=tmp_path / name))


# Patience


def test_a_server_that_says_nothing_is_left(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(stall_after=3)
    with pytest.raises(DownloadFailed, match="no answer in time"):
        fetch_small(site.url + "small", 100, web=Web(patience=Patience(read=0.2)))


def test_a_server_that_says_an_octet_now_and_then_does_not_hold_us_for_ever(site: StaticSite) -> None:
    site.misbehave["/large"] = Misbehaviour(drip=True)
    with pytest.raises(DownloadFailed, match=r"not there within 0\.3 s"):
        fetch_small(site.url + "large", len(OCTETS), web=Web(patience=Patience(whole=0.3)))


def test_a_server_that_never_begins_tls_is_left() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent, pytest.raises(DownloadFailed, match="not there within"):
        fetch_small(f"https://{LOOPBACK}:{silent.getsockname()[1]}/", 9, web=Web(patience=Patience(whole=0.3)))


def test_closing_ends_a_download_at_once_and_every_later_one(site: StaticSite) -> None:
    site.misbehave["/small"] = Misbehaviour(stall_after=3)
    web = Web()
    failed: list[str] = []

    def download() -> None:
        try:
            fetch_small(site.url + "small", 100, web=web)
        except DownloadFailed as error:
            failed.append(str(error))

    thread = threading.Thread(target=download)
    thread.start()
    wait_until(lambda: web.is_busy, "download under way")
    web.close()
    thread.join(5)
    assert failed == ["stopped"]
    with pytest.raises(DownloadFailed, match="stopped"):
        fetch_small(site.url + "small", 100, web=web)


# Large ones


def test_a_large_file_that_was_cut_is_gone_on_with(site: StaticSite, part: Path) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000)
    with pytest.raises(DownloadFailed, match="the connection was cut"):
        fetch_file(site.url + "large", part, len(OCTETS))
    have = part.stat().st_size
    assert 0 < have <= 600_000
    site.heal()
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS
    assert site.requests[-1].headers["Range"] == f"bytes={have}-"
    assert site.requests[-1].sent == len(OCTETS) - have


def test_what_is_there_whole_is_not_asked_for(site: StaticSite, part: Path) -> None:
    part.write_bytes(OCTETS)
    fetch_file(site.url + "large", part, len(OCTETS))
    assert site.requests == []


def test_a_file_that_has_changed_meanwhile_is_begun_anew(site: StaticSite, part: Path) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000)
    with pytest.raises(DownloadFailed):
        fetch_file(site.url + "large", part, len(OCTETS))
    site.heal()
    (site.folder / "large").write_bytes(OCTETS[::-1])
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS[::-1]


def test_a_server_that_knows_no_ranges_starts_again(site: StaticSite, part: Path) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000)
    with pytest.raises(DownloadFailed):
        fetch_file(site.url + "large", part, len(OCTETS))
    site.misbehave["/large"] = Misbehaviour(ignore_range=True)
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS


@pytest.mark.parametrize("etag", ["", 'W/"weak"', "no quotes"])
def test_without_a_promise_of_the_same_octets_it_is_begun_anew(site: StaticSite, part: Path, etag: str) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000, headers={"ETag": etag})
    with pytest.raises(DownloadFailed):
        fetch_file(site.url + "large", part, len(OCTETS))
    site.heal()
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS
    assert "Range" not in site.requests[-1].headers


@pytest.mark.parametrize(
    "fault",
    [
        Misbehaviour(headers={"Content-Range": "bytes 5-9/1024000"}),
        Misbehaviour(headers={"Content-Range": "bytes 600000-1023999/*"}),
        Misbehaviour(headers={"Content-Range": ""}),
    ],
)
def test_another_part_than_the_one_asked_for_is_refused(site: StaticSite, part: Path, fault: Misbehaviour) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000)
    with pytest.raises(DownloadFailed):
        fetch_file(site.url + "large", part, len(OCTETS))
    before = part.read_bytes()
    site.misbehave["/large"] = fault
    with pytest.raises(DownloadFailed, match="another part"):
        fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == before


def test_a_range_the_server_cannot_give_makes_the_next_try_begin_anew(site: StaticSite, part: Path) -> None:
    site.misbehave["/large"] = Misbehaviour(cut_after=600_000)
    with pytest.raises(DownloadFailed):
        fetch_file(site.url + "large", part, len(OCTETS))
    site.misbehave["/large"] = Misbehaviour(status=416)
    with pytest.raises(DownloadFailed, match="416"):
        fetch_file(site.url + "large", part, len(OCTETS))
    site.heal()
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Misbehaviour(body=OCTETS + b"more"), "1024004 octets, not the 1024000"),
        (Misbehaviour(body=OCTETS[:-1]), "1023999 octets, not the 1024000"),
        (Misbehaviour(body=OCTETS + b"more", chunked=True), "larger than was announced"),
        (Misbehaviour(body=OCTETS[:-1], chunked=True), "the connection was cut"),
        (Misbehaviour(headers={"Content-Length": str(1 << 62)}), "octets, not the 1024000"),
        (Misbehaviour(endless=True, headers={"Content-Length": "", "Transfer-Encoding": "chunked"}), "not HTTP"),
    ],
)
def test_another_size_than_the_announced_one_is_refused_and_never_more_is_written(
    site: StaticSite, part: Path, fault: Misbehaviour, why: str
) -> None:
    site.misbehave["/large"] = fault
    with pytest.raises(DownloadFailed, match=why):
        fetch_file(site.url + "large", part, len(OCTETS))
    assert not part.exists() or part.stat().st_size <= len(OCTETS)


def test_a_part_longer_than_the_file_is_begun_anew(site: StaticSite, part: Path) -> None:
    part.write_bytes(OCTETS + b"more")
    fetch_file(site.url + "large", part, len(OCTETS))
    assert part.read_bytes() == OCTETS
