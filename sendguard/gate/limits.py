"""How long and how much: the gate's limits, asked for anew at every message."""

from dataclasses import dataclass

from sendguard.settings.values import Values

THUNDERBIRD = "mozilla thunderbird"
"""How Thunderbird's User-Agent begins, in lower case."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The limits in force: seconds a client is kept waiting, octets of a message, recipients in one transaction.

    ``hold_exchange`` is for clients that speak EWS: Thunderbird gives up after 300 s there (its setting
    ``network.http.response.timeout``).
    """

    hold_thunderbird: float = 80
    hold_other: float = 45
    hold_exchange: float = 240
    message_octets: int = 50_000_000
    recipients: int = 2000

    @classmethod
    def of(cls, values: Values) -> "GateLimits":
        """The limits that follow from the settings."""
        return cls(
            hold_thunderbird=values.number("HoldSecondsThunderbird"),
            hold_other=values.number("HoldSecondsOther"),
            hold_exchange=values.number("HoldSecondsExchange"),
            message_octets=values.number("MaxMessageMegabytes") * 1_000_000,
            recipients=values.number("MaxRecipients"),
        )

    def hold(self, user_agent: str) -> float:
        """How many seconds the client that wrote a message may be kept waiting for the answer to its final dot.

        Thunderbird gives up after 100 s of silence (measured, 153 ESR); others may do so after a minute.
        """
        return self.hold_thunderbird if user_agent.lower().startswith(THUNDERBIRD) else self.hold_other
