"""The directory of a running SendGuard: read before it is needed, followed where it is published, told of."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sendguard.audience.count import Count
from sendguard.audience.index.reader import Index
from sendguard.audience.resolver import Resolver
from sendguard.audience.source import Query
from sendguard.bootstrap.directory import Directory
from sendguard.directories.feed import Feed
from sendguard.directories.feed_process import FAILED, FeedProcess
from sendguard.directories.feed_state import Outcome
from sendguard.settings.values import Values
from tests.adapters.feed_rig import FEED, Works
from tests.servers.processes import wait_until
from tests.servers.static_site import Misbehaviour, StaticSite

EVERYBODY = "everybody@x.test"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works.at(tmp_path / "it", people=3030, today=-30)  # a month ago, whenever this is run


@pytest.fixture
def site(works: Works) -> Iterator[StaticSite]:
    works.folder.mkdir()
    with StaticSite(works.folder) as server:
        yield server


@pytest.fixture
def follow(tmp_path: Path, works: Works, site: StaticSite) -> Iterator[Callable[..., Directory]]:
    made: list[Directory] = []

    def make(told: list[str], **settings: object) -> Directory:
        chosen = {
            "DirectoryAddress": site.url,
            "DirectoryName": FEED,
            "DirectoryKeys": (str(works.key.public),),
        } | settings
        made.append(Directory(Values(chosen), None, tmp_path / "here", told.append, chance=lambda: 0.0))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def people(directory: Directory) -> Count:
    resolver = Resolver(directory.sources)
    try:
        return resolver.resolve(Query((EVERYBODY,))).count
    finally:
        resolver.close()


def test_what_is_published_is_fetched_and_counted_with_and_the_next_one_takes_its_place(
    tmp_path: Path, works: Works, site: StaticSite, follow: Callable[..., Directory]
) -> None:
    works.publish(valid=timedelta(days=36_500))
    told: list[str] = []
    directory = follow(told)
    wait_until(lambda: directory.standing and directory.standing.header, "a directory")
    assert people(directory).high == 3001
    assert directory.standing is not None
    assert directory.standing.expires is not None
    assert told == []
    works.publish(valid=timedelta(days=36_500))
    another = Feed(site.url, [works.key.public], tmp_path / "here", name=FEED)
    assert another.refresh().changed
    assert people(directory).high == 3002


def test_an_expired_directory_is_still_counted_with_and_told_of(
    tmp_path: Path, works: Works, site: StaticSite, follow: Callable[..., Directory]
) -> None:
    works.publish()
    a_month_ago = Feed(site.url, [works.key.public], tmp_path / "here", name=FEED, now=lambda: works.made_at)
    assert a_month_ago.refresh().changed
    told: list[str] = []
    directory = follow(told)
    wait_until(lambda: len(site.asked("/manifest")) > 1, "a try to fetch")
    assert told == ["directory_expired"]
    assert people(directory).high == 3001
    directory.stop()


@pytest.mark.logs("no newer directory was fetched: ")
@pytest.mark.logs("the directory cannot be read: ")
def test_a_server_that_has_nothing_leaves_its_lists_unknown_and_says_so(follow: Callable[..., Directory]) -> None:
    told: list[str] = []
    directory = follow(told)
    wait_until(lambda: told, "a trouble")
    assert told == ["directory_missing"]
    assert people(directory).is_open


@pytest.mark.parametrize("keys", [(), ("no key at all",)])
def test_without_a_key_nothing_is_fetched_and_it_is_said(
    keys: tuple[str, ...], tmp_path: Path, works: Works, site: StaticSite
) -> None:
    works.publish()
    told: list[str] = []
    directory = Directory(Values({"DirectoryAddress": site.url, "DirectoryKeys": keys}), None, tmp_path, told.append)
    assert told == ["directory_keys"]
    directory.stop()
    assert site.requests == []


@pytest.mark.logs("the directory cannot be read: neither members.csv nor sizes.csv is there")
def test_a_directory_on_this_computer_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "empty").mkdir()
    directory = Directory(Values({"Directory": str(tmp_path / "empty")}), None, tmp_path, told.append)
    directory.start()
    wait_until(lambda: told, "a trouble")
    assert told == ["directory"]


def test_a_fetch_that_is_ended_in_the_middle_is_over_at_once_and_the_next_one_gets_it(
    tmp_path: Path, works: Works, site: StaticSite
) -> None:
    works.publish()
    site.misbehave["/snapshot-1.zst"] = Misbehaviour(stall_after=10)
    feed = FeedProcess(site.url, [works.key.public], tmp_path / "here", name=FEED)
    outcomes: list[Outcome] = []
    fetching = threading.Thread(target=lambda: outcomes.append(feed.refresh()))
    fetching.start()
    wait_until(lambda: site.asked("/manifest"), "a fetch that has begun")
    feed.close()
    fetching.join(10)
    assert [outcome.why for outcome in outcomes] == [FAILED]
    assert feed.refresh().why == FAILED
    site.heal()
    assert Feed(site.url, [works.key.public], tmp_path / "here", name=FEED, now=lambda: works.made_at).refresh().changed


@pytest.mark.logs("the directory cannot be read: the index is damaged")
def test_a_damaged_index_leaves_its_lists_unknown_and_is_told_of(tmp_path: Path, works: Works) -> None:
    path = works.build()
    octets = bytearray(path.read_bytes())
    octets[Index.of(bytes(octets)).header.sections[0][1]] ^= 1
    path.write_bytes(octets)
    told: list[str] = []
    directory = Directory(Values({"Directory": str(path)}), None, tmp_path, told.append)
    directory.start()
    assert people(directory).is_open
    wait_until(lambda: told, "a trouble")
    assert told == ["directory"]


def test_where_no_directory_is_set_up_there_is_none(tmp_path: Path) -> None:
    directory = Directory(Values(), None, tmp_path, lambda code: None)
    directory.start()
    directory.stop()
    assert directory.standing is None
    assert [source.name for source in directory.sources] == ["taught"]
