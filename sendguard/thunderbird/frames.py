"""Frames between SendGuard and the host: four octets of length, in this machine's order, and JSON."""

import json
import socket
import struct
from typing import Any

from sendguard.thunderbird.host import TO_SENDGUARD, TO_THUNDERBIRD


class FrameRefused(Exception):
    """What was said is no frame of ours: too long, no JSON, no object. The connection has to be ended."""


def read_frame(connection: socket.socket) -> dict[str, Any] | None:
    """The next frame; None at the end of the connection. Raises FrameRefused before anything over the limit is read."""
    head = _exactly(connection, 4)
    if head is None:
        return None
    (length,) = struct.unpack("=I", head)
    if length > TO_SENDGUARD:
        raise FrameRefused
    octets = _exactly(connection, length)
    return None if octets is None else _object(octets)


def frame(said: dict[str, Any]) -> bytes:
    """A frame. Raises FrameRefused for one Thunderbird would not take."""
    octets = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
    if len(octets) > TO_THUNDERBIRD:
        raise FrameRefused
    return struct.pack("=I", len(octets)) + octets


def _object(octets: bytes) -> dict[str, Any]:
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise FrameRefused from error
    if not isinstance(found, dict):
        raise FrameRefused
    return found


def _exactly(connection: socket.socket, octets: int) -> bytes | None:
    found = bytearray()
    while len(found) < octets:
        try:
            piece = connection.recv(min(octets - len(found), 65536))
        except OSError:
            return None
        if not piece:
            return None
        found += piece
    return bytes(found)
