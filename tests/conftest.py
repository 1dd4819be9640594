"""What holds for every test: no screen unless asked for, and no log record a test did not expect."""

import logging
import os
import re
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

pytest_plugins = ["pytester", "tests.servers.fixtures", "tests.features.long_hold"]


@pytest.fixture(autouse=True)
def no_unexpected_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs a warning or worse, unless ``@pytest.mark.logs(pattern)`` expects it.

    A marked test must log a record for every pattern, and none that matches no pattern.
    """
    yield
    patterns = [mark.args[0] for mark in request.node.iter_markers("logs")]
    records = [r for when in ("setup", "call", "teardown") for r in caplog.get_records(when)]
    said = [f"{r.name}: {r.getMessage()}" for r in records if r.levelno >= logging.WARNING]
    unexpected = [line for line in said if not any(re.search(p, line) for p in patterns)]
    missing = [p for p in patterns if not any(re.search(p, line) for line in said)]
    assert not unexpected, f"unexpected log records: {unexpected}"
    assert not missing, f"expected log records never came: {missing}"
