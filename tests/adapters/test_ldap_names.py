"""Distinguished names as keys."""

import random

import pytest

from sendguard.directories.ldap.names import is_foreign, is_under, key, keys, parent

SAME = [
    ("CN=Ada Smith,OU=Staff,DC=example,DC=test", "cn=ada smith, ou=staff , dc=example ,dc=TEST"),
    (r"cn=Smith\, Ada,dc=test", r"cn=Smith\2C Ada,dc=test"),
    (r"cn=Smith\, Ada,dc=test", r'cn="Smith, Ada",dc=test'),
    (r"cn=M\C3\BCller,dc=test", "CN=MÜLLER,dc=test"),
    ("cn=Mu\u0308ller,dc=test", "cn=müller,dc=test"),
    ("cn=Ada  Smith,dc=test", "cn = Ada Smith,dc=test"),
    (r"cn=\ Ada\20,dc=test", "cn=Ada,dc=test"),
    ("cn=Ada;dc=test", "cn=Ada,dc=test"),
    ("uid=ada+cn=Ada,dc=test", "CN=Ada + UID=ada,dc=test"),
    ("cn=Ada,dc=test#'0101'B", "cn=Ada,dc=test"),
    (r"cn=a\=b,dc=test", r"cn=a\3db,dc=test"),
]
DIFFERENT = [
    (r"cn=Smith\, Ada,dc=test", "cn=Smith,cn=Ada,dc=test"),
    (r"cn=a\+b=c,dc=test", "cn=a+b=c,dc=test"),
    (r"cn=Ada\0ADEL:1,dc=test", "cn=AdaDEL:1,dc=test"),
    ("cn=a = b,dc=test", "cn=a=b,dc=test"),
    (r"cn=a\\,dc=test", "cn=a,dc=test"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_name_are_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_names_are_two_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_names_worked_on_together_get_the_keys_they_get_alone() -> None:
    names = [each.encode() for pair in (*SAME, *DIFFERENT) for each in pair]
    names += [b"cn=\xff,dc=test", b"", b"cn=two\nlines,dc=test", b"no name at all", b'cn="open,dc=test', b"cn=a\\"]
    for seed in range(50):
        chosen = random.Random(seed).sample(names, 6)
        assert keys(chosen) == [keys([name])[0] for name in chosen]
    assert keys([]) == []


def test_a_key_names_the_one_above_and_what_it_lies_under() -> None:
    ada = key(r"cn=Smith\, Ada,ou=staff,dc=test")
    assert parent(ada) == "ou=staff,dc=test"
    assert parent("dc=test") == ""
    assert is_under(ada, ["dc=other", "dc=test"])
    assert is_under("dc=test", ["dc=test"])
    assert not is_under("cn=x,adc=test", ["dc=test"])
    assert is_under(ada, [""])
    assert not is_under(ada, [])


def test_somebody_of_another_forest_is_known_by_the_place_of_the_name() -> None:
    assert is_foreign(key("CN=S-1-5-21-1,CN=ForeignSecurityPrincipals,DC=test"))
    assert not is_foreign(key("CN=ForeignSecurityPrincipals,DC=test"))
