"""What must happen before a submission may leave."""

from enum import IntEnum


class Action(IntEnum):
    """What must happen, the stricter the larger."""

    SEND = 0
    NOTICE = 1
    CONFIRM = 2
    CONFIRM_TYPED = 3
    BLOCK = 4

    @property
    def asks(self) -> bool:
        """Whether a person has to answer."""
        return self in {Action.CONFIRM, Action.CONFIRM_TYPED}
