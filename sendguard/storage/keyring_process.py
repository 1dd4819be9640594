"""``python -m sendguard.storage.keyring_process``: one question to the system's keyring, in a process of its own.

keyring and what it needs take 12 MB and may wait for ever for a person who does not unlock it; a process can be ended.
The question comes as JSON on standard input: ``verb`` (``get``, ``set``, ``delete``), ``service``, ``user`` and
``secret``; the answer goes as JSON to standard output: ``{"secret": text or null}``, or ``{"error": class}``. Secrets
never stand on a command line.
"""

import json
import sys
from typing import Any


def answer(question: dict[str, Any], keyring: Any) -> dict[str, Any]:
    """Ask ``keyring``; each of its backends has errors of its own, and all of them mean "no answer"."""
    service, user = question["service"], question["user"]
    try:
        if question["verb"] == "set":
            keyring.set_password(service, user, question["secret"])
        elif question["verb"] == "delete":
            keyring.delete_password(service, user)
            return {"secret": None}
        return {"secret": keyring.get_password(service, user)}
    except Exception as error:
        return {"error": type(error).__name__}


def main() -> None:
    """Read one question, write one answer."""
    import keyring

    json.dump(answer(json.load(sys.stdin), keyring), sys.stdout)


if __name__ == "__main__":
    main()
