"""What the add-on costs a person at a real Thunderbird: at Send, while typing, and its host's memory and start.

With the add-on against none, in two Thunderbirds that run at once and take turns.
"""

import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sendguard.thunderbird import host
from sendguard.thunderbird.door import LocalDoor
from tests.benchmarks.gate import Measured
from tests.features.addon_kit import BUTTON, AddonDesk, desk_at, thunderbird_with_addon
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.thunderbird import Thunderbird

ROUNDS = 21
KEYS = 100
BODY = "A line of some words, as people write them in a long message.\n" * 1500
SEND_MS, LINE_MS, HOST_MB, HOST_MS = 50, 300, 15, 60
TYPING = 1.15
PASSED = 100_000
"""Octets the host passes on before its memory is looked at: what its buffers hold, so that nobody waits."""


def run(*, rounds: int = ROUNDS) -> list[Measured]:
    """Measure; starts Dovecot, Postfix and two Thunderbirds."""
    with ExitStack() as stack:
        dovecot = stack.enter_context(Dovecot(stack.enter_context(server_folder("dovecot"))))
        postfix = stack.enter_context(Postfix(stack.enter_context(server_folder("postfix")), dovecot))
        bare = stack.enter_context(Thunderbird(stack.enter_context(server_folder("thunderbird"))))
        guarded = stack.enter_context(thunderbird_with_addon())
        with desk_at(bare, dovecot, postfix) as without, desk_at(guarded, dovecot, postfix) as desk:
            for each in (without, desk):
                each.open_account()
            desk.start_guard()
            found = [*_sending(without, desk, rounds), *_typing(without, desk, rounds), _line(desk, rounds)]
    return [*found, *_host()]


def _sending(without: AddonDesk, desk: AddonDesk, rounds: int) -> list[Measured]:
    pairs = [(_send(without, number), _send(desk, number)) for number in range(rounds)][2:]
    bare, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    more = ours - bare
    return [
        Measured(
            "Send pressed to “go” in Thunderbird, no question", f"{more:.0f} ms more", f"≤ {SEND_MS} ms more",
            more <= SEND_MS,
        )
    ]  # fmt: skip


def _send(desk: AddonDesk, number: int) -> float:
    """Milliseconds from Send to the moment at which Thunderbird begins to write the message down."""
    subject = f"Number {number}"
    desk.thunderbird.write(desk.colleague.address, subject=subject)
    taken = float(desk.thunderbird.run(_TIMED_SEND, subject))
    desk.thunderbird.wait_until_sent(subject)
    return taken


def _typing(without: AddonDesk, desk: AddonDesk, rounds: int) -> list[Measured]:
    for each in (without, desk):
        each.thunderbird.write(each.colleague.address, subject="Typing", body=BODY)
    pairs = [[float(each.thunderbird.run(_TIMED_KEYS, "Typing", KEYS)) for each in (without, desk)]
             for _ in range(rounds // 3)]  # fmt: skip
    share = statistics.median(ours / bare for bare, ours in pairs)
    for each in (without, desk):
        each.thunderbird.close_composers()
    said = f"{share:.2f} × ({statistics.median(ours for _, ours in pairs):.2f} ms a key)"
    return [Measured("typing in a text of 94 kB with the add-on, against none", said, f"≤ {TYPING} ×", share <= TYPING)]


def _line(desk: AddonDesk, rounds: int) -> Measured:
    desk.thunderbird.write(desk.colleague.address, subject="Line")
    desk.wait_for_line("reaches 1 person", "Line")
    taken = [
        float(desk.thunderbird.run(_TIMED_LINE, "Line", f"p{number}@elsewhere.test", BUTTON))
        for number in range(rounds)
    ]
    worst = max(taken)
    shown = f"{statistics.median(taken):.0f} ms (at most {worst:.0f})"
    return Measured("last keystroke to the number in the compose window", shown, f"≤ {LINE_MS} ms", worst <= LINE_MS)


def _host() -> list[Measured]:
    with server_folder("door") as folder:
        door = LocalDoor(folder / "a.door")
        door.open()
        try:
            found = [_started(folder / "a.door", door.next) for _ in range(ROUNDS)]
        finally:
            door.close()
    start = statistics.median(seconds for seconds, _ in found) * 1000
    memory = max(megabytes for _, megabytes in found)
    return [
        Measured("native messaging host: started to connected", f"{start:.0f} ms", f"≤ {HOST_MS} ms", start <= HOST_MS),
        Measured("its memory", f"{memory:.1f} MB", f"≤ {HOST_MB} MB", memory <= HOST_MB),
    ]


def _started(door: Path, callers: Callable[[], object]) -> tuple[float, float]:
    """Seconds until the host stands at the door, and its resident megabytes once it has passed something on."""
    began = time.perf_counter()
    command = [sys.executable, "-I", "-S", str(Path(host.__file__)), str(door), "manifest", host.ADDON]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        caller = callers()
        taken = time.perf_counter() - began
        assert caller is not None
        assert process.stdin is not None
        process.stdin.write(struct.pack("=I", PASSED) + b"x" * PASSED)
        process.stdin.flush()
        received = 0
        while received < PASSED + 4:
            received += len(caller.recv(65536))  # type: ignore[attr-defined]
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        process.stdin.close()
        caller.close()  # type: ignore[attr-defined]
    return taken, resident / 1024


_TIMED_SEND = """
const window = await until(() => isReady(args[0]), "composer");
await new Promise(wake => setTimeout(wake, 400)); // as a person: not in the moment the window opens
return await new Promise(tell => {
  const began = window.performance.now();
  const begun = () => tell(window.performance.now() - began);
  window.addEventListener("compose-prepare-message-completed", begun, { once: true });
  window.goDoCommand("cmd_sendButton");
});
"""
_KEYS = """
const tip = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
const press = (window, key) => {
  if (!tip.beginInputTransactionForTests(window)) throw new Error("no keyboard");
  const event = new window.KeyboardEvent("", { key });
  tip.keydown(event);
  tip.keyup(event);
};
"""
_TIMED_KEYS = (
    _KEYS
    + """
const window = await until(() => isReady(args[0]), "composer");
const { contentWindow } = window.document.getElementById("messageEditor");
window.document.getElementById("messageEditor").focus();
const began = window.performance.now();
for (let number = 0; number < args[1]; number += 1) {
  press(contentWindow, "e");
  await new Promise(wake => window.requestIdleCallback(wake, { timeout: 50 }));
}
return (window.performance.now() - began) / args[1];
"""
)
_TIMED_LINE = (
    _KEYS
    + """
const [subject, address, button] = args;
const window = await until(() => isReady(subject), "composer");
const field = window.document.getElementById("toAddrInput");
field.focus();
const before = window.document.getElementById(button).label;
for (const key of address) press(window, key);
await new Promise(wake => setTimeout(wake, 20 + Math.random() * 200));
const began = window.performance.now();
press(window, ",");
await until(() => window.document.querySelectorAll("#toAddrContainer mail-address-pill").length, "pill");
for (const end = began + 5000; window.performance.now() < end; ) {
  if (window.document.getElementById(button).label !== before) return window.performance.now() - began;
  await new Promise(wake => setTimeout(wake, 4));
}
throw new Error(`the line is still ${before}: ${field.value}`);
"""
)
