"""``sendguard directory``: from a real LDAP server to a desktop, as IT is told to type it."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.servers.certificates import CertificateAuthority
from tests.servers.mailman import PASSWORD as MAILMAN_PASSWORD
from tests.servers.mailman import USER, Mailman
from tests.servers.organisation import Organisation
from tests.servers.processes import server_folder, wait_until
from tests.servers.slapd import PASSWORD, READER, Slapd
from tests.servers.static_site import StaticSite

ROOT = Path(__file__).parents[2]
SENDGUARD = Path(sys.executable).with_name("sendguard")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return kept | {"HOME": str(home), "PATH": f"{SENDGUARD.parent}:{os.environ['PATH']}", "COLUMNS": "120"} | more


def run(home: Path, *arguments: str | Path, code: int = 0, more: Mapping[str, str] = {}) -> str:
    done = subprocess.run(
        [SENDGUARD, *arguments], cwd=home, env=environment(home, **more), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def folder(place: Path, **lists: str) -> Path:
    place.mkdir()
    rows = [f"{name}@x.test,{member}@x.test" for name, members in lists.items() for member in members.split()]
    (place / "members.csv").write_text("\n".join(rows))
    (place / "domains.csv").write_text("x.test\n")
    return place


def documented() -> str:
    """The five commands of docs/directory.md, without the lines that say where things are."""
    block = re.search(r"```sh\n(.*?)```", (ROOT / "docs" / "directory.md").read_text("utf-8"), re.DOTALL)
    assert block
    return re.sub(r"^(LDAP|READER|WEB)=.*\n", "", block[1], flags=re.MULTILINE)


@pytest.mark.timeout(180)
def test_the_five_commands_of_the_documentation_bring_ldap_to_a_desktop(
    tmp_path: Path, slapd: Slapd, organisation: Organisation, certificate_authority: CertificateAuthority
) -> None:
    (tmp_path / "reader.password").write_text(PASSWORD)
    (tmp_path / "www").mkdir()
    with StaticSite(tmp_path / "www") as site:
        named = {"LDAP": slapd.url, "READER": READER, "WEB": site.url}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", documented()],
            cwd=tmp_path, env=environment(tmp_path, **named), capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    fetched = next((tmp_path / ".local/share/sendguard/directory").rglob("directory-1.index"))
    for number in (0, 1, 17, 400):
        said = json.loads(run(tmp_path, "count", organisation.list_address(number), "--directory", fetched, "--json"))
        assert said["high"] == len(organisation.reach(number))


def test_a_folder_an_index_of_it_and_its_counts_say_the_same_of_one_list(tmp_path: Path) -> None:
    source = folder(tmp_path / "source", all="team a b", team="b c d", other="d e")
    run(tmp_path, "directory", "build", source, "-o", "exact.index")
    run(tmp_path, "directory", "build", source, "-o", "counts.index", "--counts")
    said = [
        run(tmp_path, "count", "all@x.test", "--directory", place) for place in (source, "exact.index", "counts.index")
    ]
    assert said[0] == said[1] == said[2]
    assert "4 people" in said[0]
    both = [json.loads(run(tmp_path, "count", "all@x.test", "other@x.test", "--directory", place, "--json"))
            for place in (source, "exact.index", "counts.index")]  # fmt: skip
    assert [each["high"] for each in both] == [5, 5, 6]


def test_a_message_is_judged_the_same_by_folder_export_and_index(tmp_path: Path) -> None:
    source = folder(tmp_path / "source", team="a b c")
    people = "".join(f"dn: uid={n},o=x\nobjectClass: inetOrgPerson\nmail: {n}@x.test\n\n" for n in "abc")
    group = "dn: cn=team,o=x\nobjectClass: groupOfNames\nmail: team@x.test\n"
    members = "".join(f"member: uid={n},o=x\n" for n in "abc")
    (tmp_path / "staff.ldif").write_text(f"dn: o=x\nobjectClass: organization\n\n{people}{group}{members}")
    run(tmp_path, "directory", "build", source, "-o", "staff.index")
    (tmp_path / "mail.eml").write_text("From: a@x.test\nTo: team@x.test\nSubject: x\n\nx\n")
    said = [json.loads(run(tmp_path, "check", "mail.eml", "--directory", place, "--json"))
            for place in (source, "staff.ldif", "staff.index")]  # fmt: skip
    for each in said:
        each.pop("at", None)
    sizes = [(each["verdict"], each["audience"]["high"] if "audience" in each else each) for each in said]
    assert sizes[0] == sizes[1] == sizes[2]


def test_mailman_sizes_and_a_folder_are_put_together(tmp_path: Path) -> None:
    with server_folder("mailman") as place, Mailman(place) as mailman:
        doctors = mailman.new_list("doctors")
        for name in ("a", "b"):
            mailman.subscribe(doctors, f"{name}@x.test")
        (tmp_path / "sizes.csv").write_text("list,people\nlarge@x.test,5000\n")
        (tmp_path / "password").write_text(f"{MAILMAN_PASSWORD}\n")
        source = folder(tmp_path / "source", team="a c")
        place_named = f"mailman+http://127.0.0.1:{mailman.port}"
        asked = ("--user", USER, "--password-file", "password", "--rosters", "-o", "staff.index")
        run(tmp_path, "directory", "build", place_named, "sizes.csv", source, *asked)
        (tmp_path / "password").write_text("not this one")
        said = run(tmp_path, "directory", "build", place_named, *asked, code=2)
    assert "could not be read" in said
    assert "not this one" not in said
    counted = {name: json.loads(run(tmp_path, "count", name, "--directory", "staff.index", "--json"))["high"]
               for name in ("doctors@lists.test", "large@x.test", "team@x.test")}  # fmt: skip
    assert counted == {"doctors@lists.test": 2, "large@x.test": 5000, "team@x.test": 2}
    both = run(tmp_path, "count", "doctors@lists.test", "team@x.test", "--directory", "staff.index")
    assert "3 people" in both
    assert "1 person is reached more than once" in both


def test_a_thunderbird_profile_gives_its_lists(tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    with closing(sqlite3.connect(tmp_path / "profile" / "abook.sqlite")) as book:
        book.executescript(
            "CREATE TABLE cards (uid TEXT PRIMARY KEY, localId INTEGER);"
            "CREATE TABLE properties (card TEXT, name TEXT, value TEXT);"
            "CREATE TABLE lists (uid TEXT PRIMARY KEY, name TEXT, nickName TEXT, description TEXT);"
            "CREATE TABLE list_cards (list TEXT, card TEXT, PRIMARY KEY(list, card));"
            "INSERT INTO lists VALUES ('l', 'Ward', '', '');"
            "INSERT INTO properties VALUES ('1', 'PrimaryEmail', 'a@x.test'), ('2', 'PrimaryEmail', 'b@x.test');"
            "INSERT INTO list_cards VALUES ('l', '1'), ('l', '2');"
        )
    assert "2 people, 1 lists" in run(tmp_path, "directory", "build", "profile", "-o", "books.index")
    assert "ward" in run(tmp_path, "directory", "info", "books.index")


def test_what_grew_is_warned_of_and_strict_refuses_to_publish_it(tmp_path: Path) -> None:
    run(tmp_path, "directory", "keygen", "key.pem")
    run(tmp_path, "directory", "build", folder(tmp_path / "one", team="a b", all="team"), "-o", "staff.index")
    assert "published" in run(tmp_path, "directory", "publish", "www", "--index", "staff.index", "--key", "key.pem")
    (tmp_path / "old.index").write_bytes((tmp_path / "staff.index").read_bytes())
    many = " ".join(f"p{n}" for n in range(300))
    run(tmp_path, "directory", "build", folder(tmp_path / "two", team=many, all="team"), "-o", "staff.index")
    said = run(tmp_path, "directory", "diff", "old.index", "staff.index", "--strict", code=1)
    assert "300 people joined, 2 left" in said
    assert "team@x.test had 2 people, it has 300 now" in said
    publish = ("directory", "publish", "www", "--index", "staff.index", "--key", "key.pem", "--strict")
    assert "Nothing was published" in run(tmp_path, *publish, code=2)
    assert "sequence 2 published" in run(tmp_path, *publish, "--known", "team", "--known", "all")
    assert "was published already" in run(tmp_path, *publish)


def test_info_says_what_an_index_is_and_refuses_what_is_none(tmp_path: Path) -> None:
    run(tmp_path, "directory", "build", folder(tmp_path / "one", team="a b"), "-o", "staff.index", "--name", "Staff")
    assert json.loads(run(tmp_path, "directory", "info", "staff.index", "--json"))["source"] == "Staff"
    assert "team@x.test" in run(tmp_path, "directory", "info", "staff.index")
    whole = (tmp_path / "staff.index").read_bytes()
    (tmp_path / "cut.index").write_bytes(whole[:-1])
    assert "cut off" in run(tmp_path, "directory", "info", "cut.index", code=2)
    (tmp_path / "key.pem").write_text("none")
    assert "not an index" in run(tmp_path, "count", "team@x.test", "--directory", "key.pem", code=2)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "No such file"),
        ("ftp://x.test", "no source of a directory"),
        ("ldap://", "no address of a directory"),
        ("photo.jpg", "no source of a directory"),
    ],
)
def test_a_source_that_is_none_is_told_in_a_sentence(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "photo.jpg").touch()
    assert said in run(tmp_path, "directory", "build", source, "-o", "x.index", code=2)
    assert not (tmp_path / "x.index").exists()


def interrupted(works: "subprocess.Popen[str]") -> str:
    """Press Ctrl-C until it has ended: one that comes just before Python waits in a read is seen only after it."""
    while True:
        works.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return works.communicate(timeout=5)[1]


def test_a_build_that_is_interrupted_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    source = folder(tmp_path / "source", team="a b")
    run(tmp_path, "directory", "build", source, "-o", "staff.index")
    before = (tmp_path / "staff.index").read_bytes()
    (source / "members.csv").unlink()
    os.mkfifo(source / "members.csv")  # a source that does not come to an end
    works = subprocess.Popen(
        [SENDGUARD, "directory", "build", source, "-o", "staff.index"],
        cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with (source / "members.csv").open("w"):  # opens once it is being read
        said = interrupted(works)
    assert works.returncode == 130
    assert "Nothing was written: staff.index is as it was." in said
    assert (tmp_path / "staff.index").read_bytes() == before
    wait_until(lambda: not list(tmp_path.glob(".staff*")), "end of unfinished files")


def test_a_fetch_that_fails_says_why_and_ends_with_one(tmp_path: Path) -> None:
    key = run(tmp_path, "directory", "keygen", "key.pem").strip()
    (tmp_path / "www").mkdir()
    with StaticSite(tmp_path / "www") as site:
        said = run(tmp_path, "directory", "fetch", site.url, "--key", key, "--folder", "here", code=1)
    assert "Not fetched: " in said
    assert "not a public key" in run(tmp_path, "directory", "fetch", "https://x.test", "--key", "x", code=2)
