"""A gate before an upstream of our own making, or before the test Exchange where a module has an ``exchange``."""

from collections.abc import Iterator

import pytest
from exchangelib import Account

from tests.adapters.ews_gate_kit import Rig, Upstream, program, rig


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@pytest.fixture
def r(upstream: Upstream) -> Iterator[Rig]:
    with rig(upstream.url) as made:
        yield made


@pytest.fixture
def box(r: Rig) -> Iterator[Account]:
    """The person's mail program, which knows of no gate."""
    with program(r.url) as made:
        yield made
