"""EWS in words: requests as a client writes them by hand, and what a test Exchange answers, octet by octet."""

import base64
import http.client
from types import TracebackType

from tests.servers.exchange import Exchange, Person
from tests.servers.exchange.xml import NAMESPACES, Node, parse

ENVELOPE = (
    f'<soap:Envelope xmlns:soap="{NAMESPACES["s"]}" xmlns:m="{NAMESPACES["m"]}" xmlns:t="{NAMESPACES["t"]}">'
    "<soap:Body>%s</soap:Body></soap:Envelope>"
)
ID_ONLY = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
GET_INBOX = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>'
)


def basic(person: Person) -> str:
    """The value of Authorization."""
    return "Basic " + base64.b64encode(f"{person.address}:{person.password}".encode()).decode()


def create(item: str, disposition: str = "SaveOnly") -> str:
    """CreateItem of one item."""
    return f'<m:CreateItem MessageDisposition="{disposition}"><m:Items>{item}</m:Items></m:CreateItem>'


def mailboxes(element: str, *addresses: str) -> str:
    """An element with mailboxes in it."""
    inside = "".join(f"<t:Mailbox><t:EmailAddress>{each}</t:EmailAddress></t:Mailbox>" for each in addresses)
    return f"<t:{element}>{inside}</t:{element}>"


def find(folder: str, restriction: str = "", paging: str = "") -> str:
    """FindItem in a well-known folder."""
    where = f'<m:ParentFolderIds><t:DistinguishedFolderId Id="{folder}"/></m:ParentFolderIds>'
    return f'<m:FindItem Traversal="Shallow">{ID_ONLY}{paging}{restriction}{where}</m:FindItem>'


def mail_tips(sender: str, *addresses: str, asked: str = "TotalMemberCount ExternalMemberCount") -> str:
    """GetMailTips about addresses."""
    sending = f"<m:SendingAs><t:EmailAddress>{sender}</t:EmailAddress></m:SendingAs>"
    recipients = mailboxes("Recipients", *addresses).replace("t:Recipients", "m:Recipients")
    return f"<m:GetMailTips>{sending}{recipients}<m:MailTipsRequested>{asked}</m:MailTipsRequested></m:GetMailTips>"


class Caller:
    """One connection of a person's; ``authorization`` is sent with every request unless it is empty."""

    def __init__(self, exchange: Exchange, person: Person, *, authorization: str | None = None) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", exchange.port, timeout=20)
        self.authorization = basic(person) if authorization is None else authorization

    def post(self, raw: bytes | str, path: str = "/EWS/Exchange.asmx") -> tuple[http.client.HTTPResponse, bytes]:
        """Send octets as they are; returns the answer and its body."""
        said = {"Content-Type": "text/xml; charset=utf-8"}
        if self.authorization:
            said["Authorization"] = self.authorization
        self.http.request("POST", path, raw if isinstance(raw, bytes) else raw.encode(), said)
        answer = self.http.getresponse()
        return answer, answer.read()

    def call(self, request: str) -> Node:
        """Send a request in an envelope; returns the answer's body, which has to be there with status 200."""
        answer, body = self.post(ENVELOPE % request)
        assert answer.status == 200, body.decode()
        return parse(body).need("s:Body").children[0]

    def message(self, request: str) -> Node:
        """Send a request; returns the one response message of its answer."""
        messages = self.call(request).need("m:ResponseMessages").children
        assert len(messages) == 1
        return messages[0]

    def code(self, request: str) -> str:
        """Send a request; returns the ResponseCode of its answer, whether that is a message or a SOAP fault."""
        _, body = self.post(ENVELOPE % request)
        codes = [node.text for node in parse(body).walk() if node.local == "ResponseCode"]
        return codes[-1]

    def item_id(self, request: str) -> str:
        """Send a request; returns the ItemId element in its answer, as it is put into the next one."""
        found = next(node for node in self.message(request).walk() if node.name == "t:ItemId")
        return f'<t:ItemId Id="{found.attributes["Id"]}" ChangeKey="{found.attributes["ChangeKey"]}"/>'

    def __enter__(self) -> "Caller":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
