"""IT's commands about the signed policy, as IT types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sendguard.cli.signed_policy import COMMANDS
from sendguard.policy.lifting import digest_of
from sendguard.published.signing import SigningKey
from sendguard.remote.document import Document, open_document

NAMED = {command.name: command for command in COMMANDS}
Type = Callable[..., Result]


@pytest.fixture
def type_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    monkeypatch.chdir(tmp_path)

    def run(line: str, *more: str, code: int = 0) -> Result:
        words = [*line.split(), *more]
        result = CliRunner().invoke(NAMED[words[0]], words[1:])
        assert result.exit_code == code, result.output
        return result

    run("keygen policy.key")
    Path("policy.json").write_text('{"$schema": "x", "AskAnyFrom": 50, "BlockedLists": ["old | Closed."]}')
    return run


SIGN = "--key policy.key -o policy.signed"


def published() -> Document:
    return open_document(Path("policy.signed").read_bytes(), [SigningKey.load(Path("policy.key")).public], "nhs.test")


def test_what_was_signed_is_opened_with_the_line_keygen_printed(type_in: Type) -> None:
    key = type_in("keygen other.key").output.strip()
    type_in("sign policy.json --key other.key -o policy.signed --organisation nhs.test --days 7")
    said = json.loads(type_in("verify policy.signed --organisation nhs.test --key", key).output)
    assert said["settings"] == {"AskAnyFrom": 50, "BlockedLists": ["old | Closed."]}
    type_in("verify policy.signed --organisation other.test --key", key, code=2)
    type_in("verify policy.signed --key", "A" * 43 + "=", code=2)


def test_every_signature_bears_a_higher_serial(type_in: Type) -> None:
    serials = []
    for _ in range(3):
        type_in(f"sign policy.json {SIGN} --organisation nhs.test")
        serials.append(published().serial)
    assert serials == sorted(set(serials))
    low = type_in(f"sign policy.json {SIGN} --serial 7", code=2)
    assert "desktops only take a higher one" in low.output
    assert published().serial == serials[-1]


def test_a_list_is_blocked_and_unblocked_in_one_command_each(type_in: Type) -> None:
    type_in(f"sign policy.json {SIGN} --organisation nhs.test")
    type_in(f"block Croydon@nhs.test {SIGN} --hours 4 --message", "It reaches everybody. Do not reply.")
    old, croydon = published().settings["BlockedLists"]
    assert old == "old | Closed."
    assert croydon.startswith("Croydon@nhs.test | It reaches everybody. Do not reply. | until=20")
    type_in(f"block croydon@nhs.test {SIGN} --message", "Again.")
    assert published().settings["BlockedLists"] == ["old | Closed.", "croydon@nhs.test | Again."]
    type_in(f"block <first@nhs.test> {SIGN} --conversation")
    assert published().settings["BlockedThreads"] == ["<first@nhs.test>"]
    type_in(f"unblock CROYDON@nhs.test {SIGN}")
    type_in(f"unblock first@nhs.test {SIGN}")
    assert dict(published().settings) == {"AskAnyFrom": 50, "BlockedLists": ["old | Closed."], "BlockedThreads": []}
    assert "blocks nothing of this name" in type_in(f"unblock croydon@nhs.test {SIGN}", code=2).output


def test_the_first_block_needs_no_policy_before_it(type_in: Type) -> None:
    assert "--organisation" in type_in(f"block all {SIGN}", code=2).output
    assert not Path("policy.signed").exists()
    type_in(f"block all {SIGN} --organisation nhs.test")
    assert published().settings["BlockedLists"] == ["all"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"OrganisationDomains": ["x.test"]}', "OrganisationDomains: a signed policy can only make stricter"),
        ('{"AskAnyFrom": -1}', "AskAnyFrom: its value is too small or too large"),
        ('{"BlockedLists": ["all | until=soon"]}', "BlockedLists: a rule in it cannot be read"),
        ('{"PolicyKeys": []}', "PolicyKeys: a signed policy can only make stricter"),
    ],
)
def test_what_no_desktop_would_take_is_not_signed(type_in: Type, content: str, said: str) -> None:
    Path("policy.json").write_text(content)
    assert said in type_in(f"sign policy.json {SIGN} --organisation nhs.test", code=2).output
    assert not Path("policy.signed").exists()


def test_a_policy_somebody_else_signed_is_not_gone_on_from(type_in: Type) -> None:
    type_in("keygen other.key")
    type_in("block all --key other.key -o policy.signed --organisation nhs.test")
    before = Path("policy.signed").read_bytes()
    assert "was not told to trust" in type_in(f"block staff {SIGN}", code=2).output
    assert Path("policy.signed").read_bytes() == before


def test_a_policy_too_large_for_desktops_is_not_signed(type_in: Type) -> None:
    Path("policy.json").write_text(json.dumps({"BlockedLists": [f"list-{n} | {'x' * 100}" for n in range(3000)]}))
    assert "octets" in type_in(f"sign policy.json {SIGN} --organisation nhs.test", code=2).output


def test_a_key_that_is_none_and_a_folder_that_is_missing_are_said(type_in: Type) -> None:
    type_in("sign policy.json --key policy.json -o policy.signed --organisation nhs.test", code=2)
    said = type_in("sign policy.json --key policy.key -o missing/policy.signed --organisation nhs.test", code=2)
    assert "cannot be read or written" in said.output


def test_a_code_and_its_digest_belong_together(type_in: Type) -> None:
    made = json.loads(type_in("code --json").output)
    assert digest_of(made["code"]) == made["digest"]
    assert "put into the rule:  | code=" in type_in("code").output
