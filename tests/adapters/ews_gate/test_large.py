"""What is large passes through with little memory: streamed where it does not send, kept once where it does."""

import contextlib
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.adapters.ews_gate_kit import Client, Upstream, answered, envelope, mime, send_only

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of memory")

MEGA = 1_000_000
GATE = """
import sys
from tests.adapters.ews_gate_kit import rig
with rig(sys.argv[1]) as r:
    print(r.gate.port, flush=True)
    sys.stdin.read()
"""


@dataclass
class Child:
    """A gate in a process of its own, so that its memory is nobody else's."""

    pid: int
    port: int

    def grown(self, body: bytes) -> tuple[float, bytes]:
        """Megabytes by which the process grew at the most while a call passed, and the answer."""
        folder = Path(f"/proc/{self.pid}")
        (folder / "clear_refs").write_text("5")  # the peak is what is there now, proc(5)
        before = self._megabytes("VmRSS")
        with Client(self.port) as client:
            status, said = client.post(body)
        assert status == 200
        return self._megabytes("VmHWM") - before, said

    def _megabytes(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / MEGA


@pytest.fixture
def child(upstream: Upstream) -> Iterator[Child]:
    command = [sys.executable, "-c", GATE, upstream.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        made = Child(process.pid, port)
        made.grown(send_only(mime(to="ben@practice.test")))
        yield made
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=20)
    assert process.returncode == 0


def attachment(octets: int) -> bytes:
    content = f"<t:Name>a</t:Name><t:Content>{b64encode(bytes(octets)).decode()}</t:Content>"
    files = f"<m:Attachments><t:FileAttachment>{content}</t:FileAttachment></m:Attachments>"
    return envelope(f'<m:CreateAttachment><m:ParentItemId Id="a"/>{files}</m:CreateAttachment>')


def test_an_attachment_of_fifty_megabytes_streams_through_flat_memory(child: Child, upstream: Upstream) -> None:
    body = attachment(50 * MEGA)
    grown, _ = child.grown(body)
    assert upstream.asked[-1].body == body
    assert grown < 8


def test_a_saved_message_streams_through_flat_memory(child: Child, upstream: Upstream) -> None:
    body = send_only(mime("x" * (25 * MEGA)), disposition="SaveOnly")
    grown, _ = child.grown(body)
    assert upstream.asked[-1].body == body
    assert grown < 8


def test_an_answer_of_fifty_megabytes_streams_through_flat_memory(child: Child, upstream: Upstream) -> None:
    large = envelope("<m:GetItemResponse>" + "x" * (50 * MEGA) + "</m:GetItemResponse>")
    upstream.answers.append(answered(large))
    grown, said = child.grown(envelope("<m:GetItem/>"))
    assert said == large
    assert grown < 8


def test_a_message_of_25_megabytes_is_kept_once(child: Child, upstream: Upstream) -> None:
    raw = mime(*["x" * 76] * (25 * MEGA // 78), to="ben@practice.test")
    body = send_only(raw)
    grown, _ = child.grown(body)
    assert upstream.asked[-1].body == body
    assert grown < len(raw) / MEGA + 20


def test_a_large_message_sent_again_is_known_by_its_end_as_well() -> None:
    """Date, Message-ID and boundaries change at every try; another end is another message."""
    from sendguard.exchange.gate.mime import Mime
    from sendguard.mail.digest import retry_key
    from sendguard.mail.submission import Envelope

    def key(boundary: str, end: str, date: str) -> bytes:
        lines = ["x" * 70] * 40_000
        head = f"Date: {date}\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\n"
        raw = (head + "\r\n".join(lines) + f"\r\n--{boundary}\r\n\r\n{end}\r\n--{boundary}--\r\n").encode()
        message, text = Mime(), b64encode(raw).decode()
        for start in range(0, len(text), 65_537):
            message.add(text[start : start + 65_537])
        message.close()
        assert len(message.raw) < 1_100_000
        return retry_key(message.raw, Envelope("a@x.test", ("b@x.test",)), "")

    first = key("boundary-1234", "end", "Tue")
    assert key("another-56789", "end", "Wed") == first
    assert key("boundary-1234", "END", "Tue") != first
