"""A rule about a list or a conversation, as people and policies write it on one line.

    pattern | message to show | until=2026-12-01 | code=<64 hexadecimal digits> | approver=name@example.org

Only the pattern has to be there. ``until``, ``code`` and ``approver`` stand last and may come in any order; the last
two may come more than once. A ``|`` within the message is part of it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_OPTION = re.compile(r"(until|code|approver)=(.*)", re.DOTALL)
_CODE = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"[^\s@|]+@[^\s@|]+")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule. ``until`` is the moment from which on it no longer holds, None for ever.

    ``codes`` are the SHA-256 digests of override codes, in hexadecimal; ``approvers`` addresses as they were written.
    """

    pattern: str
    message: str = ""
    until: datetime | None = None
    codes: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


def read_rule(line: str) -> RuleLine:
    """Read one line. Raises ValueError for one without a pattern, or with an option that cannot be read."""
    first, *rest = (part.strip() for part in line.split("|"))
    if not first or any(ord(octet) < 32 for octet in line):
        raise ValueError("no pattern")
    options: list[tuple[str, str]] = []
    while rest and (found := _OPTION.fullmatch(rest[-1])):
        options.insert(0, (found[1], found[2].strip()))
        rest.pop()
    ends = [_until(text) for name, text in options if name == "until"]
    codes = tuple(text.lower() for name, text in options if name == "code")
    approvers = tuple(text for name, text in options if name == "approver")
    if len(ends) > 1 or not all(map(_CODE.fullmatch, codes)) or not all(map(_ADDRESS.fullmatch, approvers)):
        raise ValueError("an option that cannot be read")
    return RuleLine(first, " | ".join(rest), ends[0] if ends else None, codes, approvers)


def _until(text: str) -> datetime:
    """A date holds to its end, in UTC; a moment needs its zone (ISO 8601)."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + timedelta(days=1)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment
