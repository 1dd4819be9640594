"""The servers as fixtures. What starts slowly or is only read is shared by the whole test run; every test gets people
of its own on it. What a test wants to stop or to set up otherwise it makes with ``new_dovecot`` or ``new_postfix``."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.servers.accessibility import AccessibleDesktop
from tests.servers.certificates import CertificateAuthority
from tests.servers.display import Display
from tests.servers.dovecot import Dovecot, Person
from tests.servers.exchange import Exchange
from tests.servers.fault_proxy import FaultProxy
from tests.servers.mailman import Mailman
from tests.servers.organisation import Organisation
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.slapd import Slapd


class NewProxy(Protocol):
    """Makes a running proxy in front of a port."""

    def __call__(self, upstream_port: int, *, record: bool = False) -> FaultProxy:
        """Return the proxy; the test's end closes it."""


@pytest.fixture(scope="session")
def certificate_authority() -> Iterator[CertificateAuthority]:
    """The authority that signed the shared servers' certificates."""
    with server_folder("ca") as folder:
        yield CertificateAuthority(folder)


@pytest.fixture(scope="session")
def dovecot(certificate_authority: CertificateAuthority) -> Iterator[Dovecot]:
    """The shared Dovecot, with STARTTLS and a TLS port. Not to be stopped."""
    with server_folder("dovecot") as folder, Dovecot(folder, certificate=certificate_authority.issue()) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot, certificate_authority: CertificateAuthority) -> Iterator[Postfix]:
    """The shared Postfix, delivering into the shared Dovecot. Not to be stopped."""
    certificate = certificate_authority.issue()
    with server_folder("postfix") as folder, Postfix(folder, dovecot, certificate=certificate) as server:
        yield server


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    """The people and lists that are in ``slapd``."""
    return Organisation(people=20_000, lists=1_000)


@pytest.fixture(scope="session")
def organisation_ldif(organisation: Organisation) -> Iterator[Path]:
    """The same as a file."""
    with server_folder("ldif") as folder:
        organisation.write(folder / "organisation.ldif")
        yield folder / "organisation.ldif"


@pytest.fixture(scope="session")
def slapd(organisation_ldif: Path, certificate_authority: CertificateAuthority) -> Iterator[Slapd]:
    """The shared OpenLDAP, with StartTLS and a TLS port. Not to be stopped."""
    certificate = certificate_authority.issue()
    with server_folder("slapd") as folder, Slapd(folder, organisation_ldif, certificate=certificate) as server:
        yield server


@pytest.fixture(scope="session")
def mailman() -> Iterator[Mailman]:
    """The shared Mailman. Not to be stopped; one module fills it with its lists."""
    with server_folder("mailman") as folder, Mailman(folder) as server:
        yield server


@pytest.fixture
def me(dovecot: Dovecot) -> Person:
    """Somebody on the shared servers whom no other test knows."""
    return dovecot.new_person("me")


@pytest.fixture
def colleague(dovecot: Dovecot) -> Person:
    """Somebody else on the shared servers whom no other test knows."""
    return dovecot.new_person("colleague")


@pytest.fixture
def _closing() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def new_dovecot(_closing: contextlib.ExitStack) -> Callable[..., Dovecot]:
    """Start a Dovecot for this test alone; takes the keywords of ``Dovecot``."""

    def make(**keywords: Any) -> Dovecot:
        folder: Path = _closing.enter_context(server_folder("dovecot"))
        return _closing.enter_context(Dovecot(folder, **keywords))

    return make


@pytest.fixture
def new_postfix(_closing: contextlib.ExitStack) -> Callable[..., Postfix]:
    """Start a Postfix for this test alone; takes a Dovecot and the keywords of ``Postfix``."""

    def make(dovecot: Dovecot, **keywords: Any) -> Postfix:
        folder: Path = _closing.enter_context(server_folder("postfix"))
        return _closing.enter_context(Postfix(folder, dovecot, **keywords))

    return make


@pytest.fixture
def new_slapd(_closing: contextlib.ExitStack) -> Callable[..., Slapd]:
    """Start an OpenLDAP for this test alone; takes what it shall hold and the keywords of ``Slapd``."""

    def make(ldif: Path | str, **keywords: Any) -> Slapd:
        folder: Path = _closing.enter_context(server_folder("slapd"))
        return _closing.enter_context(Slapd(folder, ldif, **keywords))

    return make


@pytest.fixture
def new_fault_proxy(_closing: contextlib.ExitStack) -> NewProxy:
    """Open a fault proxy in front of a port, for this test alone."""

    def make(upstream_port: int, *, record: bool = False) -> FaultProxy:
        return _closing.enter_context(FaultProxy(upstream_port, record=record))

    return make


@pytest.fixture
def display() -> Iterator[Display]:
    """A screen of the test's own, with window manager, tray, session bus and a home without anything in it."""
    with server_folder("display") as folder, Display(folder) as screen:
        yield screen


@pytest.fixture
def accessible_desktop(display: Display) -> Iterator[AccessibleDesktop]:
    """What a screen reader sees on ``display``."""
    with AccessibleDesktop(display.bus.address) as desktop:
        yield desktop


@pytest.fixture(scope="session")
def exchange() -> Iterator[Exchange]:
    """The shared Exchange. Not to be stopped, and nothing is to go wrong on it."""
    with Exchange() as server:
        yield server


@pytest.fixture
def new_exchange(_closing: contextlib.ExitStack) -> Callable[..., Exchange]:
    """Start an Exchange for this test alone; takes the keywords of ``Exchange``."""

    def make(**keywords: Any) -> Exchange:
        return _closing.enter_context(Exchange(**keywords))

    return make
