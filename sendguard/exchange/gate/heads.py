"""Heads of requests and answers: what may pass, and what of it."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from sendguard.exchange.gate.line import HEAD_OCTETS, Answer, Headers

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)
"""RFC 9110 §7.6.1, and Expect, which the gate answers itself."""
_ONCE = (b"host", b"content-length", b"content-type", b"authorization", b"transfer-encoding", b"soapaction")
_BESIDE = ("services.wsdl", "messages.xsd", "types.xsd")
"""What Exchange says of its own language, next to its endpoint."""
_MEDIA = (b"text/xml", b"application/soap+xml")
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an account's EWS address lies. ``authority`` is what Host says there."""

    host: str
    port: int
    is_tls: bool
    path: str
    authority: str

    @classmethod
    def of(cls, url: str) -> "Target":
        """Take an address apart that ``guard.account.ExchangeServer`` accepted."""
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        return cls(parts.hostname or "", port, is_tls, parts.path or "/", parts.netloc)

    def path_of(self, request: h11.Request) -> str:
        """What a request asks the server for; empty where the gate does not pass it on."""
        wanted = request.target.decode("ascii").lower()
        if wanted == self.path.lower():
            return self.path
        folder = self.path.rpartition("/")[0]
        name = wanted.removeprefix(folder.lower() + "/")
        return f"{folder}/{name}" if request.method == b"GET" and name in _BESIDE else ""


def refusal(request: h11.Request, target: Target, port: int) -> Answer | None:
    """The answer to a request that is none of the gate's; None for one that may pass."""
    said = Counter(name for name, _ in request.headers)
    found = dict(request.headers)
    hosts = {f"{name}:{port}".encode() for name in _OWN_NAMES}
    if sum(len(name) + len(value) for name, value in request.headers) > HEAD_OCTETS:
        return plain(431, "This head is too large.")
    if any(said[name] > 1 for name in _ONCE) or (said[b"content-length"] and said[b"transfer-encoding"]):
        return plain(400, "This request can be read in two ways.")
    if found.get(b"host", b"").lower() not in hosts:
        return plain(403, "This is not the name of this gate.")
    if _is_of_a_page(request.headers):
        return plain(403, "SendGuard's gate is not for web pages.")
    if request.method not in {b"GET", b"POST"} or b"upgrade" in found:
        return plain(405, "SendGuard's gate takes GET and POST.")
    if not target.path_of(request):
        return plain(404, "SendGuard's gate passes EWS calls on, and nothing else.")
    return _unfit_body(request.method, found)


def _is_of_a_page(headers: h11._headers.Headers) -> bool:
    """Whether a browser made the request for a web page: no page can leave these fields out, or change them.

    Thunderbird says that no page caused its requests (measured, 153 ESR: Sec-Fetch-Site ``none``, -Dest ``empty``).
    """
    found = dict(headers)
    usual = found.get(b"sec-fetch-site", b"none") == b"none" and found.get(b"sec-fetch-dest", b"empty") == b"empty"
    return b"origin" in found or not usual


def _unfit_body(method: bytes, found: dict[bytes, bytes]) -> Answer | None:
    has_body = found.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in found
    if method == b"GET":
        return plain(400, "GET has no body here.") if has_body else None
    if found.get(b"content-encoding", b"identity").lower() != b"identity" or (has_body and not _is_xml(found)):
        return plain(415, "SendGuard's gate reads text/xml in UTF-8, not compressed.")
    return None


def _is_xml(found: dict[bytes, bytes]) -> bool:
    media, *parameters = (part.strip().lower() for part in found.get(b"content-type", b"").split(b";"))
    charsets = [value.strip(b"\" '") for name, _, value in (each.partition(b"=") for each in parameters) if
                name.strip() == b"charset"]  # fmt: skip
    return media in _MEDIA and all(charset in {b"utf-8", b"utf8"} for charset in charsets)


def forwarded(
    request: h11.Request, target: Target, *, octets: int | None = None, without: frozenset[bytes] = frozenset()
) -> h11.Request:
    """A request as the server gets it. ``octets`` is the length of another body than the client's.

    ``without`` names fields (lower case) the server does not get.
    """
    left_out = without | {b"host"} | _named_by_connection(request.headers)
    found = dict(request.headers)
    is_chunked = octets is None and b"transfer-encoding" in found
    if octets is not None:
        left_out |= {b"content-length"}
    headers = [(b"Host", target.authority.encode()), *_kept(request.headers, left_out)]
    headers += [(b"Transfer-Encoding", b"chunked")] if is_chunked else []
    headers += [(b"Content-Length", b"%d" % octets)] if octets is not None else []
    return h11.Request(method=request.method, target=target.path_of(request).encode(), headers=headers)


def returned(response: h11.Response) -> h11.Response:
    """An answer as the client gets it. Where it would be sent to another address, which no gate guards: 502."""
    left_out = _named_by_connection(response.headers)
    headers = _kept(response.headers, left_out | {b"location"})
    headers += [(b"Connection", b"close")] if b"close" in left_out else []
    if response.status_code in _ELSEWHERE:
        return h11.Response(status_code=502, headers=headers, reason=b"Bad Gateway")
    return h11.Response(status_code=response.status_code, headers=headers, reason=response.reason)


def plain(status: int, words: str) -> Answer:
    """A short answer for a program, or for who looks into its log; the connection is closed after it."""
    octets = words.encode() + b"\n"
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(octets))]
    return Answer(status, [*headers, (b"Connection", b"close")], (octets,))


def _kept(headers: h11._headers.Headers, left_out: frozenset[bytes]) -> Headers:
    return [(name, value) for name, value in headers.raw_items() if name.lower() not in left_out]


def _named_by_connection(headers: h11._headers.Headers) -> frozenset[bytes]:
    named = [value for name, value in headers if name == b"connection"]
    return _HOP_BY_HOP | {each.strip().lower() for value in named for each in value.split(b",")}
