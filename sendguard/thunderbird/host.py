"""The native messaging host: Thunderbird starts it, and it passes frames between Thunderbird and the running SendGuard.

A script by itself: run as ``python -I -S host.py DOOR MANIFEST ADDON``, it imports nothing but what is named here, so
that it starts in a hundredth of a second and stays below ten megabytes. ``DOOR`` is where SendGuard listens (see
``door``); empty means this user's usual place. ``MANIFEST`` and ``ADDON`` are added by Thunderbird.

A frame is four octets of length, in this machine's order, and as many octets of JSON (Mozilla's native messaging). A
length over the limit ends everything before anything is taken in. Nothing is kept and nothing is logged.
"""

import _thread
import os
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ADDON = "sendguard@thunderbird.addon"
TO_SENDGUARD = 4 * 1024 * 1024
TO_THUNDERBIRD = 1024 * 1024
"""The most octets in one frame; Thunderbird itself ends a host that says more than a mebibyte at once."""
PIECE = 64 * 1024
NOT_RUNNING = b'{"host":"not_running"}'
NOT_OURS = b'{"host":"not_ours"}'
"""What the host says by itself, once, before it ends: SendGuard does not listen; somebody else does."""


class Ended(Exception):
    """One end has gone, or has said what is no frame."""


def usual_door(environment: "Mapping[str, str]" = os.environ, platform: str = sys.platform) -> str:
    """Where SendGuard of this user listens: the same as ``storage.places`` says."""
    home = environment.get("HOME") or os.path.expanduser("~")
    if platform == "win32":
        folder = environment.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif platform == "darwin":
        folder = os.path.join(home, "Library", "Application Support")
    else:
        folder = environment.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(folder, "sendguard", "thunderbird.door")


def connect(door: str) -> socket.socket:
    """Open a connection to SendGuard. Raises OSError where it does not listen, Ended where somebody else does."""
    if hasattr(socket, "AF_UNIX"):
        return _by_name(door)
    return _by_port(door)


def _by_name(door: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder, name = os.path.split(door)
    os.chdir(folder)  # a socket's whole name may be too long for the system; its own never is
    connection.connect(name)
    if peer_uid(connection) not in {None, os.getuid()}:
        raise Ended
    return connection


def peer_uid(connection: socket.socket) -> "int | None":
    """Whose process is at the other end of a local socket (unix(7), SO_PEERCRED; macOS: LOCAL_PEERCRED, not run here);
    None where the system does not tell."""
    if hasattr(socket, "SO_PEERCRED"):
        return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])
    if sys.platform == "darwin":
        return int(struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1])
    return None


def _by_port(door: str) -> socket.socket:
    """Windows has no local sockets in Python: there the door is a file with a port and a key, which only this user can
    read, and each end proves to the other that it knows the key. See ``door``."""
    import hmac

    with open(door, encoding="ascii") as file:
        port, key = file.read(200).split()
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=5)
    mine = os.urandom(32)
    connection.sendall(mine)
    proof, theirs = _exactly(connection, 32), _exactly(connection, 32)
    secret = bytes.fromhex(key)
    if not hmac.compare_digest(proof, hmac.digest(secret, b"sendguard" + mine, "sha256")):
        raise Ended
    connection.sendall(hmac.digest(secret, b"host" + theirs, "sha256"))
    connection.settimeout(None)
    return connection


def _exactly(connection: socket.socket, octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        piece = connection.recv(octets - len(found))
        if not piece:
            raise Ended
        found += piece
    return found


def relay(read: "Callable[[int], bytes]", write: "Callable[[bytes], object]", limit: int) -> None:
    """Pass frames on, a piece at a time, until one end has gone. ``read(n)`` gives at most ``n`` octets, none at the
    end; ``write`` takes all it is given. Raises Ended for a length over the limit."""
    while True:
        head = b""
        while len(head) < 4:
            piece = read(4 - len(head))
            if not piece:
                raise Ended
            head += piece
        (length,) = struct.unpack("=I", head)
        if length > limit:
            raise Ended
        write(head)
        while length:
            piece = read(min(length, PIECE))
            if not piece:
                raise Ended
            write(piece)
            length -= len(piece)


def say(octets: bytes) -> None:
    """Write a frame of our own to Thunderbird."""
    _write_out(struct.pack("=I", len(octets)) + octets)


def _write_out(octets: bytes) -> None:
    while octets:
        octets = octets[os.write(1, octets) :]


def _run(read: "Callable[[int], bytes]", write: "Callable[[bytes], object]", limit: int) -> None:
    """One direction; when it ends, so does the host: Thunderbird and SendGuard see their ends closed."""
    try:
        relay(read, write, limit)
    except (Ended, OSError):
        pass
    finally:
        os._exit(0)


def main(arguments: "list[str]") -> None:
    """Pass frames until one end has gone. Never returns."""
    door, addon = arguments[1] or usual_door(), arguments[-1]
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)
    if addon != ADDON:
        os._exit(1)
    try:
        connection = connect(door)
    except (OSError, ValueError):
        say(NOT_RUNNING)
        os._exit(0)
    except Ended:
        say(NOT_OURS)
        os._exit(0)
    _thread.start_new_thread(_run, (connection.recv, _write_out, TO_THUNDERBIRD))
    _run(lambda octets: os.read(0, octets), connection.sendall, TO_SENDGUARD)


if __name__ == "__main__":
    main(sys.argv)
