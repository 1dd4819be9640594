"""What a server's refusals mean to the person who reads a directory, and what to do about them."""

from sendguard.directories.ldap.session import LdapFailed

TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, UNWILLING = 3, 4, 11, 16, 32, 53
"""Result codes of RFC 4511 appendix A."""
FILTER_ERROR = 87
"""What the C interface of LDAP calls a filter that a library refuses before any server sees it."""

_WORDS = {
    1: "the server wants a login before it answers: name an account that may read the directory",
    2: "the server does not understand us (protocol error)",
    TIME_LIMIT: "the server stopped at its time limit: ask for a higher one for this account",
    SIZE_LIMIT: "the server gives no more entries than its size limit: ask for a higher one for this account",
    7: "the server does not know this way to log in",
    8: "the server wants an encrypted connection, or a stronger login: use ldaps://",
    10: "another server holds this base: ask that one",
    ADMIN_LIMIT: "the server stopped at an administrative limit: ask for a higher one for this account",
    13: "the server wants an encrypted connection: use ldaps://",
    NO_SUCH_OBJECT: "the server has no such base, or this account may not see it",
    34: "the base is no distinguished name",
    48: "the server does not let this account log in this way",
    49: "the server refused the name or the password",
    50: "this account may not read the directory",
    51: "the server is busy: try again later",
    52: "the server is not available: try again later",
    FILTER_ERROR: "the filter is none: write it like (department=*)",
    UNWILLING: "the server is unwilling to answer this: it may want an encrypted connection or a login",
}

UNREACHABLE = "no connection to the server: check its name and port, and that it runs"
ENDED = "the server ended the connection before it had said everything: try again"
SILENT = "the server does not answer any more: try again, or allow it more time"
CERTIFICATE = "the server's certificate is not one this computer trusts for that name: name its authority's file"
NO_TLS = "the server offers no encryption that works: use ldaps://, or ask its administrator"
NOTHING = "nothing was found: the base is another, or this account may not read what is below it"
GARBLED = "what answers there speaks no LDAP: check the port"


def refused(code: int) -> LdapFailed:
    """The error for a result code; a server's own words are left out, for they may name somebody."""
    return LdapFailed(f"{_WORDS.get(code, 'the server refused to answer')} (result {code})")
