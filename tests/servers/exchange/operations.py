"""Every operation the test Exchange knows, by the name of its request."""

from tests.servers.exchange import attachments, directory, finding, folders, items, sending, sync
from tests.servers.exchange.answers import Refused, failure, response
from tests.servers.exchange.calls import Call, Operation
from tests.servers.exchange.xml import E, Node


def _convert(call: Call) -> Node:
    malformed = Refused("ErrorInvalidIdMalformed", "Id is malformed.")
    return response("ConvertId", [failure("ConvertId", malformed) for _ in call.body.need("m:SourceIds").children])


OPERATIONS: dict[str, Operation] = {
    "GetFolder": folders.get,
    "FindFolder": folders.find,
    "CreateFolder": folders.create,
    "UpdateFolder": folders.update,
    "DeleteFolder": folders.delete,
    "EmptyFolder": folders.empty,
    "MoveFolder": folders.move,
    "FindItem": finding.find,
    "GetItem": items.get,
    "CreateItem": sending.create,
    "UpdateItem": items.update,
    "DeleteItem": items.delete,
    "MoveItem": items.move,
    "CopyItem": items.copy,
    "SendItem": sending.send,
    "MarkAsJunk": items.mark_as_junk,
    "MarkAllItemsAsRead": items.mark_all_as_read,
    "CreateAttachment": attachments.create,
    "GetAttachment": attachments.get,
    "DeleteAttachment": attachments.delete,
    "SyncFolderItems": sync.items,
    "SyncFolderHierarchy": sync.hierarchy,
    "GetMailTips": directory.mail_tips,
    "ExpandDL": directory.expand,
    "ResolveNames": directory.resolve,
    "GetServiceConfiguration": directory.configuration,
    "ConvertId": _convert,
}
"""Streaming and its subscriptions are the server's own: they need the connection."""


def refusal(operation: str, refused: Refused) -> Node:
    """The answer of an operation that as a whole is refused in the manner of one item."""
    if operation != "GetMailTips":
        return response(operation, [failure(operation, refused)])
    said = failure(operation, refused).children
    return E("m:GetMailTipsResponse", *said, ResponseClass="Error")
