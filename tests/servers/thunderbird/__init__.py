"""A real Thunderbird, driven as a person would: any accounts, any windows, with policies of its own where wanted."""

from tests.servers.thunderbird.installation import installation_with
from tests.servers.thunderbird.program import Identity, MailAccount, Thunderbird

__all__ = ["Identity", "MailAccount", "Thunderbird", "installation_with"]
