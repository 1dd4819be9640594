"""Getting files from a web server: small ones into memory, large ones into a file that is gone on with later."""

import http.client
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sendguard.audience.crawl import Progress, Unwatched
from sendguard.published.web import DownloadFailed, Web, shown

PIECE = 256 * 1024
"""Octets read at once."""
LARGE_SECONDS = 60 * 60.0
"""How long one try at a large file may take: 25 MB at 7 kB/s."""
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is None where the server says that nothing has changed since ``etag``."""

    body: bytes | None
    etag: str | None


def fetch_small(url: str, cap: int, etag: str | None = None, *, web: Web | None = None) -> Answer:
    """Get at most ``cap`` octets into memory. Raises DownloadFailed.

    With the ``etag`` of an earlier answer a server that has nothing new says so, in some 200 octets.
    """
    web = web or Web()
    try:
        with web.get(url, {"If-None-Match": etag} if etag else {}) as answer:
            return Answer(_body(answer, url, cap), answer.headers.get("ETag"))
    except DownloadFailed as error:
        if error.status == http.HTTPStatus.NOT_MODIFIED and etag:
            return Answer(None, etag)
        raise


def fetch_file(url: str, part: Path, size: int, *, web: Web | None = None, progress: Progress | None = None) -> None:
    """Get a file of exactly ``size`` octets into ``part``. Raises DownloadFailed.

    What an earlier try left in ``part`` is gone on with where the server can, and where it says that the file is
    still the same one (its ETag lies in a file beside). Whether the octets are the right ones is for the caller to
    check: after a failure, too, ``part`` holds what came.
    """
    web, progress = web or Web(), progress or Unwatched()
    etag_file = part.with_name(part.name + ".etag")
    have = _length_of(part)
    if have == size:
        return
    headers = {}
    if 0 < have < size and (etag := _text_of(etag_file)):
        headers = {"Range": f"bytes={have}-", "If-Range": etag}
    try:
        with web.get(url, headers, LARGE_SECONDS) as answer:
            start = _start(answer, url, have if headers else 0, size)
            progress.begin(shown(url), size, "B")
            progress.advance(start)
            with part.open("r+b" if start else "wb") as file:
                if not start:
                    _keep_etag(etag_file, answer.headers.get("ETag"))
                file.seek(start)
                _copy(answer, file, url, size - start, progress)
    except DownloadFailed as error:
        if error.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
            discard(part)
        raise


def discard(part: Path) -> None:
    """Forget what came of a file."""
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".etag").unlink(missing_ok=True)


def _start(answer: http.client.HTTPResponse, url: str, have: int, size: int) -> int:
    """Where in the file the body begins."""
    length = _length(answer)
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if not have or found is None or (int(found[1]), int(found[2])) != (have, size):
            raise DownloadFailed(f"{shown(url)}: the server sent another part than the one it was asked for")
        return have
    if length is not None and length != size:
        raise DownloadFailed(f"{shown(url)} has {length} octets, not the {size} that were announced")
    return 0


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, url: str, octets: int, progress: Progress) -> None:
    left = octets
    while piece := answer.read1(min(PIECE, left + 1)):
        if len(piece) > left:
            raise DownloadFailed(f"{shown(url)} is larger than was announced")
        file.write(piece)
        left -= len(piece)
        progress.advance(len(piece))
    if left:
        raise DownloadFailed(f"{shown(url)}: the connection was cut")


def _body(answer: http.client.HTTPResponse, url: str, cap: int) -> bytes:
    length = _length(answer)
    if length is not None and length > cap:
        raise DownloadFailed(f"{shown(url)} is larger than the {cap} octets that are allowed")
    body = bytearray()
    while piece := answer.read1(PIECE):
        body += piece
        if len(body) > cap:
            raise DownloadFailed(f"{shown(url)} is larger than the {cap} octets that are allowed")
    if length is not None and len(body) < length:
        raise DownloadFailed(f"{shown(url)}: the connection was cut")
    return bytes(body)


def _length(answer: http.client.HTTPResponse) -> int | None:
    """The length the body will have; None where it comes in pieces that say when they end. Raises DownloadFailed."""
    said = str(answer.headers.get("Content-Length", ""))
    if "Transfer-Encoding" in answer.headers:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 20):
        raise DownloadFailed("the server does not say how long its answer is")
    return int(said)


def _keep_etag(file: Path, etag: str | None) -> None:
    """Only a strong one promises the same octets (RFC 9110 8.8.1)."""
    if etag and etag.startswith('"') and etag.isascii() and etag.isprintable():
        file.write_text(etag, "ascii")
    else:
        file.unlink(missing_ok=True)


def _length_of(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _text_of(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
