"""An EWS server for the tests, written from Microsoft's public reference: strict in what it takes, and honest about
what Exchange does wrong or slowly."""

from tests.servers.exchange.server import Exchange
from tests.servers.exchange.site import MailingList, Person, Submitted
from tests.servers.exchange.store import Item

__all__ = ["Exchange", "Item", "MailingList", "Person", "Submitted"]
