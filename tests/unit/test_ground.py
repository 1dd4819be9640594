"""The ground the other tests stand on."""

import importlib.metadata
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import sendguard

ROOT = Path(__file__).parent.parent.parent


def test_sendguard_is_installed_from_this_checkout() -> None:
    assert Path(sendguard.__file__).parent == ROOT / "sendguard"
    assert importlib.metadata.version("sendguard")


def test_importing_sendguard_loads_neither_qt_nor_a_network_library() -> None:
    heavy = {"PySide6", "exchangelib", "imapclient", "smtplib"}
    script = f"import sys, sendguard; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"


@pytest.mark.logs("the expected words")
def test_a_log_record_that_is_expected_is_no_failure() -> None:
    logging.getLogger("sendguard.ground").warning("the expected words")


def test_a_log_record_nobody_expects_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile("import logging\ndef test_it():\n    logging.warning('surprise')\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*unexpected log records*surprise*"])


def test_own_checks_find_nothing_wrong() -> None:
    subprocess.run([sys.executable, ROOT / "packaging" / "checks.py"], check=True)
