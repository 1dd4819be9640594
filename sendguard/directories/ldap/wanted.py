"""What is asked of a server: which entries, and what of them."""

from sendguard.directories.ldap.entries import MEMBERS
from sendguard.directories.ldap.entry import ADDRESSES

ATTRIBUTES = (
    "objectClass", "uid", "mail", "proxyAddresses", "mailLocalAddress", "mailAlternateAddress", "otherMailbox",
    "member", "uniqueMember", "memberUid", "rfc822MailMember", "mgrpRFC822MailMember", "memberURL", "mgrpDeliverTo",
    "msExchDynamicDLFilter", "msExchDynamicDLBaseDN", "hideDLMembership",
)  # fmt: skip
"""What is asked for of each entry."""
WANTED = "(|{})".format(
    "".join(
        f"({each})"
        for each in (
            *(f"{name}=*" for name in sorted({*ADDRESSES, *MEMBERS})),
            *(f"objectClass={name}" for name in ("person", "account", "posixAccount", "group", "posixGroup")),
            *(f"objectClass={name}" for name in ("groupOfNames", "groupOfUniqueNames", "groupOfMembers")),
        )
    )
)
"""The filter: whoever has an address, whoever could be a member without one, and every list, of whatever class."""
