"""What every answer looks like: response messages, errors of one item, and SOAP faults of a whole call."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tests.servers.exchange.xml import NAMESPACES, E, Node, envelope, render

Each = TypeVar("Each")
VERSION = {"MajorVersion": "15", "MinorVersion": "2", "MajorBuildNumber": "1544", "MinorBuildNumber": "4"}
"""Exchange Server 2019 CU14, by Microsoft's page of build numbers."""


class Refused(Exception):
    """An answer of ResponseClass Error, for one item of a call."""

    def __init__(self, code: str, message: str = "The test Exchange refuses this.", **values: str) -> None:
        """``code`` is a ResponseCode; ``values`` become MessageXml."""
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.values = code, message, values


class Fault(Exception):
    """A whole call refused: HTTP 500 with a SOAP fault."""

    def __init__(self, code: str, message: str, status: int = 500, **values: str) -> None:
        """``code`` is a ResponseCode; ``values`` become MessageXml, as BackOffMilliseconds does."""
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.values = code, message, status, values


def message_xml(values: dict[str, str]) -> Node | None:
    """MessageXml with named values, or nothing."""
    if not values:
        return None
    return E("t:MessageXml", *(E("t:Value", text, Name=name) for name, text in values.items()))


def success(operation: str, *payload: Node | None) -> Node:
    """One response message that went well."""
    return E(f"m:{operation}ResponseMessage", E("m:ResponseCode", "NoError"), *payload, ResponseClass="Success")


_ON_FAILURE = {
    **{f"{verb}Item": [E("m:Items")] for verb in ("Get", "Create", "Update", "Move", "Copy")},
    **{f"{verb}Folder": [E("m:Folders")] for verb in ("Get", "Create", "Update", "Move")},
    "CreateAttachment": [E("m:Attachments")],
    "GetAttachment": [E("m:Attachments")],
    "SyncFolderItems": [E("m:SyncState"), E("m:IncludesLastItemInRange", "true")],
    "SyncFolderHierarchy": [E("m:SyncState"), E("m:IncludesLastFolderInRange", "true")],
}
"""What an answer has also where it went wrong."""


def failure(operation: str, refused: Refused, *payload: Node | None, response_class: str = "Error") -> Node:
    """One response message that did not."""
    more = message_xml(refused.values)
    return E(
        f"m:{operation}ResponseMessage",
        E("m:MessageText", refused.message),
        E("m:ResponseCode", refused.code),
        E("m:DescriptiveLinkKey", "0"),
        E("m:MessageXml", *more.children) if more else None,
        *(payload or _ON_FAILURE.get(operation, [])),
        ResponseClass=response_class,
    )


def response(operation: str, messages: Iterable[Node]) -> Node:
    """The body of an answer."""
    return E(f"m:{operation}Response", E("m:ResponseMessages", *messages))


def for_each(operation: str, these: Sequence[Each], do: Callable[[Each], Sequence[Node | None]]) -> Node:
    """Answer for each of ``these`` on its own: one that is refused does not hinder the next."""

    def answer(each: Each) -> Node:
        try:
            return success(operation, *do(each))
        except Refused as refused:
            return failure(operation, refused)

    return response(operation, [answer(each) for each in these])


def whole(body: Node) -> list[bytes]:
    """An answer's envelope, with the server's version, in pieces."""
    return envelope(body, E("t:ServerVersionInfo", **VERSION, Version="V2017_07_11"))


def fault(error: Fault) -> list[bytes]:
    """A SOAP 1.1 fault's envelope; its code is a name in the types namespace, as Exchange has it."""
    detail = E("detail", E("e:ResponseCode", error.code), E("e:Message", error.message), message_xml(error.values))
    inner = E(
        "s:Fault", E("faultcode", f"t:{error.code}"), E("faultstring", error.message, **{"xml:lang": "en-US"}), detail
    )
    for node in detail.children[:2]:
        node.attributes["xmlns:e"] = NAMESPACES["e"]
    return render(E("s:Envelope", E("s:Body", inner)), [b'<?xml version="1.0" encoding="utf-8"?>'], ("s", "t"))
