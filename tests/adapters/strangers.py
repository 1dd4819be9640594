"""Another user of this computer, who tries a gate."""

import os
import subprocess
import sys

import pytest

_SCRIPT = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
client.sendall(bytes.fromhex(sys.argv[2]))
said = b""
try:
    while piece := client.recv(4096):
        said += piece
except ConnectionResetError:
    pass
sys.stdout.buffer.write(said)
"""

needs_another_user = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="needs root to be somebody else"
)


def told_to_another_user(port: int, says: bytes) -> bytes:
    """What a gate answers to somebody else's program."""
    command = ["/usr/bin/python3", "-c", _SCRIPT, str(port), says.hex()]
    return subprocess.run(command, user="nobody", capture_output=True, check=True, timeout=20).stdout
