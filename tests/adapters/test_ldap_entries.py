"""What entries say into a draft. No Active Directory was run here: its entries are written from its documentation."""

from sendguard.audience.draft import Draft, ListKind
from sendguard.directories.ldap.entries import Entries
from tests.adapters.ldap_kit import entry, group, reach, said, undeclared

ADA = entry(
    "uid=ada,ou=staff,dc=test", objectClass=["inetOrgPerson", "posixAccount"], uid="ada", mail="Ada@Example.test"
)
BEN = entry("uid=ben,ou=staff,dc=test", objectClass="person", uid="ben", mail="ben@example.test")


def test_an_entry_with_an_address_is_a_person_by_name_and_by_each_address() -> None:
    cy = entry(
        "cn=cy,dc=test",
        objectClass="user",
        mail=["cy@example.test", "c.y@example.test"],
        mailLocalAddress="cy@old.test",
        mailAlternateAddress="cy@older.test",
        otherMailbox=["internet$cy@home.test", "a$b@home.test", "x400$/c=gb"],
    )
    draft = said(cy)
    names = ("cn=cy,dc=test", "cy@example.test", "c.y@example.test", "cy@old.test", "cy@older.test", "cy@home.test")
    assert {draft.numbers[name] for name in names} == {0}
    assert draft.numbers["a$b@home.test"] == 0
    assert draft.addresses[0] == "cy@example.test"
    assert list(draft.people) == [0]


def test_in_active_directory_the_main_address_is_the_one_in_capitals() -> None:
    draft = said(
        entry(
            "cn=cy,dc=test",
            objectClass="user",
            mail="cy@example.test",
            proxyAddresses=["smtp:cy@old.test", "X500:/o=x/cn=cy", "SMTP:C.Y@example.test", "sip:cy@example.test"],
        )
    )
    assert draft.addresses == ["c.y@example.test"]
    assert set(draft.numbers) == {"cn=cy,dc=test", "c.y@example.test", "cy@example.test", "cy@old.test"}


def test_disabled_and_unlisted_accounts_get_mail_as_well() -> None:
    draft = said(
        entry("cn=a,dc=test", objectClass="user", mail="a@example.test", userAccountControl="514"),
        entry("cn=b,dc=test", objectClass="user", mail="b@example.test", msExchHideFromAddressLists="TRUE"),
    )
    assert len(draft.people) == 2


def test_what_is_no_address_is_none() -> None:
    draft = said(entry("cn=a,dc=test", objectClass="person", mail=["none", "n/a", b"\xff@example.test", ""]))
    assert draft.addresses == [""]
    assert len(draft.people) == 1


def test_things_without_address_that_are_nobody_are_not_declared() -> None:
    draft = said(
        entry("ou=staff,dc=test", objectClass="organizationalUnit"), entry("cn=p,dc=test", objectClass="device")
    )
    assert not draft.people
    assert not draft.groups


def test_lists_of_every_class_nest_by_any_spelling_of_their_names() -> None:
    draft = said(
        ADA,
        BEN,
        entry("cn=a,dc=test", objectClass="groupOfNames", mail="a@example.test", member="UID=ada, OU=staff, DC=test"),
        entry(
            "cn=b,dc=test", objectClass="groupOfUniqueNames", uniqueMember=["CN=A,dc=test", "uid=ben,ou=staff,dc=test"]
        ),
        entry("cn=c,dc=test", objectClass="group", proxyAddresses="SMTP:c@example.test", member="cn=b,dc=test"),
    )
    assert reach(draft, "c@example.test") == {"ada@example.test", "ben@example.test"}
    assert reach(draft, "a@example.test") == {"ada@example.test"}
    assert group(draft, "cn=b,dc=test").kind is ListKind.STATIC
    assert draft.addresses[draft.numbers["cn=b,dc=test"]] == ""
    assert not any(each.incomplete for each in draft.groups.values())
    assert undeclared(draft) == set()


def test_an_entry_of_unknown_class_with_members_is_a_list() -> None:
    draft = said(
        ADA, entry("cn=a,dc=test", objectClass="team", mail="a@example.test", member="uid=ada,ou=staff,dc=test")
    )
    assert reach(draft, "a@example.test") == {"ada@example.test"}


def test_a_class_that_is_called_a_list_is_one_of_unknown_size() -> None:
    draft = said(entry("cn=a,dc=test", objectClass="zimbraDistributionList", mail="a@example.test"))
    assert group(draft, "a@example.test").incomplete
    assert not draft.people


def test_a_list_in_which_nobody_is_named_is_of_unknown_size() -> None:
    """Its members may be kept from us, or be in it by primaryGroupID, which is in no attribute of the list."""
    draft = said(entry("cn=Domain Users,cn=Users,dc=test", objectClass=["top", "group"], mail="all@example.test"))
    assert group(draft, "all@example.test").incomplete


def test_a_hidden_membership_is_said_to_be_hidden() -> None:
    draft = said(
        ADA,
        entry("cn=a,dc=test", objectClass="group", hideDLMembership="TRUE", member="uid=ada,ou=staff,dc=test"),
        entry("cn=b,dc=test", objectClass="group", hideDLMembership="FALSE", member="uid=ada,ou=staff,dc=test"),
    )
    assert group(draft, "cn=a,dc=test").hidden
    assert not group(draft, "cn=b,dc=test").hidden


def test_a_member_that_was_not_found_where_everything_was_read_is_one_person_at_most() -> None:
    listing = entry("cn=a,dc=test", objectClass="group", member="cn=gone,dc=test")
    draft = said(listing)
    assert draft.possible == {draft.numbers["cn=gone,dc=test"]}
    assert undeclared(draft) == set()
    assert undeclared(said(listing, absent=False)) == {"cn=gone,dc=test"}


def test_a_member_of_another_forest_is_somebody_nobody_knows() -> None:
    foreign = "cn=s-1-5-21-7,cn=foreignsecurityprincipals,dc=test"
    draft = said(entry("cn=a,dc=test", objectClass="group", member=foreign))
    assert undeclared(draft) == {foreign}
    assert not draft.possible


def test_members_by_address_are_people_but_for_home_domains_and_names_of_lists() -> None:
    listing = entry(
        "cn=a,dc=test",
        objectClass="inetMailGroup",
        mail="a@example.test",
        mgrpRFC822MailMember=["ada@example.test", "x@outside.test", "new@example.test", "everyone@outside.test"],
    )
    draft = said(ADA, listing)
    assert reach(draft, "a@example.test") == {"ada@example.test", "x@outside.test"}
    assert undeclared(draft) == {"new@example.test", "everyone@outside.test"}
    assert undeclared(said(ADA, listing, domains=["outside.test"])) == {"x@outside.test", "everyone@outside.test"}


def test_a_member_that_is_a_program_makes_a_list_of_unknown_size() -> None:
    draft = said(
        ADA, entry("cn=a,dc=test", objectClass="nisMailAlias", rfc822MailMember=["ada@example.test", "|archive"])
    )
    assert group(draft, "cn=a,dc=test").incomplete
    assert reach(draft, "cn=a,dc=test") == {"ada@example.test"}


def test_members_by_login_are_found_in_any_order() -> None:
    draft = said(entry("cn=a,dc=test", objectClass="posixGroup", memberUid=["ADA", "ben", "gone"]), ADA, BEN)
    assert reach(draft, "cn=a,dc=test") == {"ada@example.test", "ben@example.test"}
    assert draft.possible == {draft.numbers["memberuid=gone"]}


def test_a_list_the_server_gave_in_part_is_of_unknown_size_until_the_rest_came() -> None:
    draft = said(
        ADA, entry("cn=a,dc=test", objectClass="group", member=[], member_range_0_0="uid=ada,ou=staff,dc=test")
    )
    assert group(draft, "cn=a,dc=test").incomplete
    assert reach(draft, "cn=a,dc=test") == {"ada@example.test"}
    whole = said(ADA, entry("cn=a,dc=test", objectClass="group", member_range_0_all="uid=ada,ou=staff,dc=test"))
    assert not group(whole, "cn=a,dc=test").incomplete


def test_a_rule_nobody_evaluated_is_of_unknown_size() -> None:
    url = "ldap:///dc=test??sub?(uid=*)"
    draft = said(
        ADA,
        entry("cn=a,dc=test", objectClass="groupOfURLs", memberURL=url),
        entry("cn=b,dc=test", objectClass="groupOfURLs", memberURL=url, member="uid=ada,ou=staff,dc=test"),
        entry("cn=c,dc=test", objectClass="msExchDynamicDistributionList", mail="c@example.test"),
    )
    assert {group(draft, f"cn={name},dc=test").kind for name in "abc"} == {ListKind.DYNAMIC}
    assert group(draft, "cn=a,dc=test").incomplete
    assert not group(draft, "cn=b,dc=test").incomplete
    assert group(draft, "c@example.test").incomplete


def test_addresses_a_server_copied_into_a_dynamic_list_stay_their_owners() -> None:
    draft = said(
        entry(
            "cn=a,dc=test",
            objectClass="groupOfURLs",
            memberURL="ldap:///dc=test?mail?sub?(uid=*)",
            mail=["a@example.test", "ada@example.test", "ben@example.test"],
        ),
        ADA,
        BEN,
    )
    assert draft.numbers["a@example.test"] == draft.numbers["cn=a,dc=test"]
    assert draft.numbers["ada@example.test"] in draft.people
    assert not draft.shared


def test_people_of_one_unit_stand_together_whatever_the_order_they_came_in() -> None:
    units = ["ou=b,dc=test", "ou=a,dc=test", "ou=x,ou=a,dc=test"]
    draft = said(
        *(entry(f"cn=p{n},{units[n % 3]}", objectClass="person", mail=f"p{n}@example.test") for n in range(9)),
    )
    ordered = [draft.addresses[number][:2] for number in draft.people]
    assert ordered == ["p1", "p4", "p7", "p2", "p5", "p8", "p0", "p3", "p6"]
    assert sorted(draft.people) == list(range(0, 9))


def test_people_known_before_stay_before_those_of_the_directory() -> None:
    draft = Draft()
    draft.person("z@example.test", ["z@example.test"])
    draft.person("cn=p1,ou=a,dc=test", ["p1@example.test"])
    entries = Entries(draft)
    for number, unit in enumerate(("b", "a", "c", "b")):
        address = f"p{number}@example.test"
        entries.say(entry(f"cn=p{number},ou={unit},dc=test", objectClass="person", mail=address))
    entries.finish(lambda key: False)
    ordered = [draft.addresses[number] for number in draft.people]
    assert ordered == ["z@example.test", "p1@example.test", "p0@example.test", "p3@example.test", "p2@example.test"]
