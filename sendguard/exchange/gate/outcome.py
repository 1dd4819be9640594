"""What came of a call that was let go, as its server says."""

from dataclasses import dataclass
from enum import Enum
from xml.etree.ElementTree import Element

from sendguard.exchange.gate.line import Answer
from sendguard.exchange.gate.tree import tree


class Fact(Enum):
    """What is known of one item's message."""

    SENT = "sent"
    REFUSED = "refused"
    """Nothing was delivered."""
    DEFERRED = "deferred"
    """Nothing was delivered, and another try may help."""
    UNKNOWN = "unknown"
    """It may have been delivered."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one item; ``code`` is the server's, never its words."""

    fact: Fact
    code: str = ""


_DOUBTFUL = frozenset(
    {
        "",
        "ErrorConnectionFailed",
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorTimeoutExpired",
    }
)
"""Said by a server that failed on the way, which may have been after the message had left."""
_LATER = frozenset({"ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorMailboxMoveInProgress"})
_NEVER_TRIED = frozenset({"ErrorBatchProcessingStopped"})
_STATUS_LATER = frozenset({401, 407, 429, 503})


def outcomes(answer: Answer, items: int) -> list[Said]:
    """What became of each of a call's ``items`` items."""
    if answer.status in _STATUS_LATER:
        return [Said(Fact.DEFERRED, f"upstream_{answer.status}")] * items
    root = tree(answer.body)
    if root is None or answer.status not in {200, 500}:
        fact = Fact.REFUSED if 400 <= answer.status < 500 else Fact.UNKNOWN
        return [Said(fact, f"upstream_{answer.status}")] * items
    faults = root.findall("Body/Fault")
    if faults:
        return [_of_code(_code_in_fault(faults[0]))] * items
    messages = root.findall("Body/*/*/*[@ResponseClass]")  # gromox names their parent otherwise than Exchange
    if answer.status != 200 or len(messages) != items:
        return [Said(Fact.UNKNOWN, "upstream_unreadable")] * items
    return [_of_message(message) for message in messages]


def _of_message(message: Element) -> Said:
    code = message.findtext("ResponseCode") or ""
    match message.get("ResponseClass"):
        case "Success":
            return Said(Fact.SENT)
        case "Error":
            return _of_code(code)
        case _:
            return Said(Fact.REFUSED if code in _NEVER_TRIED else Fact.UNKNOWN, _detail(code))


def _of_code(code: str) -> Said:
    if code in _DOUBTFUL:
        return Said(Fact.UNKNOWN, _detail(code))
    return Said(Fact.DEFERRED if code in _LATER else Fact.REFUSED, _detail(code))


def _code_in_fault(fault: Element) -> str:
    return fault.findtext("detail/ResponseCode") or ""


def _detail(code: str) -> str:
    return f"upstream_{code.removeprefix('Error').lower()[:60] or 'error'}"
