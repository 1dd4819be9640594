"""The native messaging host as Thunderbird starts it, and the door it comes through."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sendguard.storage.places import Places
from sendguard.thunderbird import host
from sendguard.thunderbird.door import Door, DoorNotOpened, LocalDoor, LoopbackDoor, is_answered
from sendguard.thunderbird.frames import FrameRefused, frame, read_frame
from tests.servers.processes import server_folder, wait_until

SCRIPT = Path(host.__file__)
HELLO = {"id": 1, "do": "hello", "text": "ümlaut 漢字"}


class Host:
    """The host in a process of its own; what it is told and says are frames."""

    def __init__(self, door: Path | str, addon: str = host.ADDON, script: str = "", user: int | None = None) -> None:
        command = [sys.executable, "-I", "-S", *(["-c", script] if script else [str(SCRIPT)])]
        arguments = [str(door), "/manifest.json", addon]
        self.process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user
        )

    def say(self, octets: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(octets)
            self.process.stdin.flush()

    def hear(self) -> object:
        assert self.process.stdout is not None
        head = self.process.stdout.read(4)
        return json.loads(self.process.stdout.read(struct.unpack("=I", head)[0])) if head else None

    def end(self) -> tuple[int, bytes]:
        """Close what it reads, and return its exit status and what it said beside frames."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        said = self.process.stdout.read() + self.process.stderr.read()
        return self.process.wait(10), said

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        self.process.wait(10)


@contextmanager
def started(door: Path | str, **how: str) -> Iterator[Host]:
    running = Host(door, **how)
    try:
        yield running
    finally:
        running.process.kill()
        running.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("door") as folder:
        folder.chmod(0o700)
        yield folder


@contextmanager
def opened(door: Door) -> Iterator[list[socket.socket]]:
    """A door somebody stands behind; the callers it has let in."""
    door.open()
    callers: list[socket.socket] = []

    def let_in() -> None:
        with suppress(OSError):
            while True:
                if caller := door.next():
                    callers.append(caller)

    thread = threading.Thread(target=let_in)
    thread.start()
    try:
        yield callers
    finally:
        door.close()
        thread.join()
        for caller in callers:
            caller.close()


def doors(folder: Path) -> list[Door]:
    return [LocalDoor(folder / "a.door"), LoopbackDoor(folder / "b.door")]


def by_port() -> str:
    """The host as it is on Windows, where Python has no local sockets."""
    return "import socket; del socket.AF_UNIX\n" + SCRIPT.read_text()


@pytest.mark.parametrize("kind", ["local", "loopback"])
def test_frames_pass_both_ways_as_they_are(folder: Path, kind: str) -> None:
    path = folder / "a.door"
    door = LocalDoor(path) if kind == "local" else LoopbackDoor(path)
    script = "" if kind == "local" else by_port()
    with opened(door) as callers, started(path, script=script) as running:
        running.say(frame(HELLO))
        caller = wait_until(lambda: callers and callers[0], "caller")
        assert isinstance(caller, socket.socket)
        assert read_frame(caller) == HELLO
        large = {"id": 2, "text": "x" * 900_000}
        saying = threading.Thread(target=caller.sendall, args=(frame(large),))
        saying.start()
        assert running.hear() == large
        saying.join()
        assert running.end() == (0, b"")


def test_a_host_whose_sendguard_has_gone_ends(folder: Path) -> None:
    with opened(LocalDoor(folder / "a.door")) as callers, started(folder / "a.door") as running:
        caller = wait_until(lambda: callers and callers[0], "caller")
        assert isinstance(caller, socket.socket)
        caller.shutdown(socket.SHUT_RDWR)
        assert running.process.wait(10) == 0


def test_a_sendguard_whose_host_was_killed_sees_the_end(folder: Path) -> None:
    with opened(LocalDoor(folder / "a.door")) as callers, started(folder / "a.door") as running:
        caller = wait_until(lambda: callers and callers[0], "caller")
        assert isinstance(caller, socket.socket)
        running.process.send_signal(signal.SIGKILL)
        assert read_frame(caller) is None


def test_where_nobody_listens_the_host_says_so_and_ends(folder: Path) -> None:
    (folder / "stale.door").touch()
    for door in ("none.door", "stale.door"):
        with started(folder / door) as running:
            assert running.hear() == {"host": "not_running"}
            assert running.end() == (0, b"")


def test_another_add_on_is_told_nothing(folder: Path) -> None:
    with opened(LocalDoor(folder / "a.door")) as callers, started(folder / "a.door", addon="other@x.test") as running:
        running.say(frame(HELLO))
        assert running.end() == (1, b"")
        assert callers == []


@pytest.mark.parametrize("length", [host.TO_SENDGUARD + 1, 0xFFFFFFFF])
def test_a_length_over_the_limit_ends_the_host_before_anything_is_taken(folder: Path, length: int) -> None:
    with opened(LocalDoor(folder / "a.door")) as callers, started(folder / "a.door") as running:
        caller = wait_until(lambda: callers and callers[0], "caller")
        assert isinstance(caller, socket.socket)
        running.say(struct.pack("=I", length) + b"x" * 1000)
        assert read_frame(caller) is None
        assert running.process.wait(10) == 0


def test_more_than_thunderbird_takes_never_reaches_it(folder: Path) -> None:
    with pytest.raises(FrameRefused):
        frame({"text": "x" * host.TO_THUNDERBIRD})
    with opened(LocalDoor(folder / "a.door")) as callers, started(folder / "a.door") as running:
        caller = wait_until(lambda: callers and callers[0], "caller")
        assert isinstance(caller, socket.socket)
        caller.sendall(struct.pack("=I", host.TO_THUNDERBIRD + 1))
        assert running.process.wait(10) == 0
        assert running.end() == (0, b"")


@pytest.mark.parametrize("octets", [b"[]", b"1", b"{", b"\xff\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(octets: bytes) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(struct.pack("=I", len(octets)) + octets)
        with pytest.raises(FrameRefused):
            read_frame(other)


def test_a_frame_that_breaks_off_is_the_end() -> None:
    for cut in (b"\x05", struct.pack("=I", 5) + b"{}"):
        one, other = socket.socketpair()
        with other:
            one.sendall(cut)
            one.close()
            assert read_frame(other) is None


def test_a_length_over_the_limit_is_refused_before_it_is_read() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(struct.pack("=I", host.TO_SENDGUARD + 1))
        with pytest.raises(FrameRefused):
            read_frame(other)


def test_the_door_is_this_users_alone(folder: Path) -> None:
    for door, path in zip(doors(folder), ("a.door", "b.door"), strict=True):
        with opened(door):
            assert (folder / path).stat().st_mode & 0o077 == 0
            assert is_answered(folder / "a.door") or path != "a.door"
        assert not (folder / path).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_is_turned_away_even_where_the_door_stands_open(folder: Path) -> None:
    folder.chmod(0o755)
    with opened(LocalDoor(folder / "a.door")) as callers:
        (folder / "a.door").chmod(0o666)
        program = (
            "import socket; s = socket.socket(socket.AF_UNIX); s.connect('a.door'); s.settimeout(10); print(s.recv(1))"
        )
        said = subprocess.run(
            ["/usr/bin/python3", "-I", "-S", "-c", program], cwd=folder, user=65534, group=65534, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        assert said.stdout == "b''\n"
        assert callers == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_host_says_nothing_to_another_users_door(folder: Path) -> None:
    folder.chmod(0o777)
    program = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('a.door'); s.listen(); print('ready', flush=True);"
        "c, _ = s.accept(); print(c.recv(100))"
    )
    with subprocess.Popen(
        ["/usr/bin/python3", "-I", "-S", "-c", program], cwd=folder, user=65534, group=65534, stdout=subprocess.PIPE,
        text=True,
    ) as stranger:  # fmt: skip
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "ready\n"
        (folder / "a.door").chmod(0o777)
        with started(folder / "a.door") as running:
            running.say(frame(HELLO))
            assert running.hear() == {"host": "not_ours"}
        assert stranger.stdout.readline() == "b''\n"


def test_who_does_not_know_the_key_of_a_loopback_door_gets_nowhere(folder: Path) -> None:
    with opened(LoopbackDoor(folder / "b.door")) as callers:
        port = int((folder / "b.door").read_text().split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
            stranger.sendall(b"\0" * 64)
            proof = stranger.recv(64)
            assert len(proof) == 64
            with suppress(ConnectionResetError):
                assert stranger.recv(1) == b""
        assert callers == []


def test_a_host_says_nothing_to_whoever_took_the_port_of_a_loopback_door(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        (folder / "b.door").write_text(f"{squatter.getsockname()[1]} {'00' * 32}")
        with started(folder / "b.door", script=by_port()) as running:
            running.say(frame(HELLO))
            caller, _ = squatter.accept()
            with caller:
                caller.sendall(b"\0" * 64)
                assert running.hear() == {"host": "not_ours"}
                found = b""
                with suppress(ConnectionResetError):
                    while piece := caller.recv(100):
                        found += piece
                assert len(found) == 32  # its own number, and nothing else


def test_a_door_that_is_in_use_is_not_taken_over_and_one_left_behind_is(folder: Path) -> None:
    with opened(LocalDoor(folder / "a.door")), pytest.raises(DoorNotOpened):
        LocalDoor(folder / "a.door").open()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(folder / "a.door"))
    left.close()
    with opened(LocalDoor(folder / "a.door")), started(folder / "a.door") as running:
        assert running.end() == (0, b"")


def test_a_door_that_cannot_be_opened_says_so(folder: Path) -> None:
    for door in (LocalDoor(folder / "no" / "a.door"), LoopbackDoor(folder / "no" / "b.door")):
        with pytest.raises(DoorNotOpened):
            door.open()
        with pytest.raises(OSError):  # noqa: PT011 - it is not open
            door.next()
        door.close()


def test_a_door_deep_in_folders_is_found(folder: Path) -> None:
    deep = folder / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    with opened(LocalDoor(deep / "a.door")) as callers, started(deep / "a.door") as running:
        running.say(frame(HELLO))
        wait_until(lambda: callers, "caller")
        assert is_answered(deep / "a.door")


def test_the_host_knows_by_itself_where_sendguard_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert host.usual_door() == str(Places.of_this_user().thunderbird_door)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert host.usual_door() == str(Places.of_this_user().thunderbird_door)


def test_on_other_systems_it_looks_where_their_sendguard_listens() -> None:
    on_mac = host.usual_door({"HOME": "/Users/me"}, "darwin")
    assert on_mac == "/Users/me/Library/Application Support/sendguard/thunderbird.door"
    on_windows = host.usual_door({"LOCALAPPDATA": "C:/Users/me/AppData/Local"}, "win32")
    assert on_windows == "C:/Users/me/AppData/Local/sendguard/thunderbird.door"
    assert host.usual_door({"HOME": "C:/me"}, "win32").endswith("Local/sendguard/thunderbird.door")


def test_the_host_imports_next_to_nothing() -> None:
    code = SCRIPT.read_text().partition("if __name__")[0]
    program = f"{code}\nprint(len(sys.modules))"
    said = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 60
