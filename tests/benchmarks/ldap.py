"""What a crawl of a directory costs, from a real OpenLDAP and from its LDIF, against ``ldapsearch`` in the same run."""

import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sendguard.audience.crawl import Crawl, Unwatched
from sendguard.audience.draft import Draft
from sendguard.directories.ldap.crawl import LdapCrawl
from sendguard.directories.ldap.libraries import Connect, through_ldap3, through_python_ldap
from sendguard.directories.ldap.session import PAGE, Login
from sendguard.directories.ldap.wanted import ATTRIBUTES, WANTED
from sendguard.directories.ldif import LdifCrawl
from tests.adapters.ldap_kit import python_ldap_of_debian
from tests.benchmarks.gate import Measured
from tests.servers.organisation import Organisation
from tests.servers.processes import server_folder
from tests.servers.slapd import PASSWORD, READER, SUFFIX, Slapd


def search(server: Slapd) -> None:
    """Let OpenLDAP's own client page through the same, and print it to nobody."""
    command = ["ldapsearch", "-LLL", "-x", "-H", server.url, "-D", READER, "-w", PASSWORD, "-b", SUFFIX]
    subprocess.run(
        [*command, "-o", "ldif-wrap=no", "-E", f"pr={PAGE}/noprompt", WANTED, *ATTRIBUTES],
        stdout=subprocess.DEVNULL,
        check=True,
    )


def crawled(crawl: Crawl, organisation: Organisation) -> None:
    """Crawl, and make sure that nothing is missing."""
    draft = Draft()
    crawl.read(draft, Unwatched())
    found = len(draft.people), len(draft.groups), sum(map(len, draft.listed.values()))
    assert found == (organisation.people, organisation.lists, organisation.memberships())


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(people: int = 100_000, lists: int = 5_000, times: int = 3) -> list[Measured]:
    """Measure; medians of ``times``, taken in turns so that all see the same weather."""
    organisation = Organisation(people, lists)
    with ExitStack() as stack:
        folder = stack.enter_context(server_folder("bench-slapd"))
        stack.enter_context(python_ldap_of_debian())
        ldif = folder / "organisation.ldif"
        organisation.write(ldif)
        server = stack.enter_context(Slapd(folder, ldif))
        works = {
            "ldapsearch": lambda: search(server),
            "LDAP, ldap3": lambda: crawled(_over(server, through_ldap3), organisation),
            "LDAP, python-ldap": lambda: crawled(_over(server, through_python_ldap), organisation),
            "LDIF": lambda: crawled(LdifCrawl(Path(ldif)), organisation),
        }
        taken: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(times):
            for name, work in works.items():
                taken[name].append(seconds(work))
    floor = statistics.median(taken.pop("ldapsearch"))
    limit = 2 * floor + 10
    what = f"{people:,} people, {lists:,} lists, {organisation.memberships():,} memberships"
    return [
        Measured(f"{name}: {what}", f"{median:.1f} s (ldapsearch {floor:.1f} s)", f"≤ {limit:.1f} s", median <= limit)
        for name, each in taken.items()
        for median in [statistics.median(each)]
    ]


def _over(server: Slapd, through: Connect) -> LdapCrawl:
    return LdapCrawl(server.url, (SUFFIX,), Login(READER, PASSWORD), connect=through)


if __name__ == "__main__":
    for row in run():
        print(row.name, "|", row.measured, "|", row.limit, "|", "kept" if row.ok else "MISSED")
