"""Autodiscover: where an address's mailbox is, as old XML (POX) and as SOAP."""

from tests.servers.exchange.answers import VERSION, Fault
from tests.servers.exchange.site import Person
from tests.servers.exchange.xml import NAMESPACES, E, Node, parse, render

POX_PATH = "/autodiscover/autodiscover.xml"
SOAP_PATH = "/autodiscover/autodiscover.svc"
PATHS = (POX_PATH, SOAP_PATH)
_RESPONSES = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'


def answer(path: str, raw: bytes, people: dict[str, Person], url: str) -> list[bytes]:
    """Return the answer to a request at one of ``PATHS``; raises Fault and BadXml for one that is none."""
    document = parse(raw)
    if path == POX_PATH:
        asked = next((node.text for node in document.walk() if node.name == "pox:EMailAddress"), "")
        return _pox(asked, url) if asked.lower() in people else _pox_unknown()
    asked = next((node.text for node in document.walk() if node.name == "a:Mailbox" and not node.children), "")
    if not asked:
        raise Fault("ErrorInvalidRequest", "GetUserSettings needs a mailbox.")
    return _soap(asked, url, known=asked.lower() in people)


def _pox(address: str, url: str) -> list[bytes]:
    protocol = E("Protocol", E("Type", "EXPR"), E("EwsUrl", url), E("ASUrl", url))
    account = E("Account", E("AccountType", "email"), E("Action", "settings"), protocol)
    user = E("User", E("DisplayName", address), E("AutoDiscoverSMTPAddress", address))
    response = E("Response", user, account, xmlns=_OUTLOOK)
    return render(E("Autodiscover", response, xmlns=_RESPONSES), [_DECLARATION])


def _pox_unknown() -> list[bytes]:
    error = E("Error", E("ErrorCode", "500"), E("Message", "The e-mail address cannot be found."))
    return render(E("Autodiscover", E("Response", error), xmlns=_RESPONSES), [_DECLARATION])


def _soap(address: str, url: str, *, known: bool) -> list[bytes]:
    values = {"AutoDiscoverSMTPAddress": address, "InternalEwsUrl": url, "ExternalEwsUrl": url, "EwsSupportedSchemas":
              "Exchange2013, Exchange2013_SP1, Exchange2015, Exchange2016"}  # fmt: skip
    settings = [_setting(name, value) for name, value in values.items()] if known else []
    code, message = ("NoError", "No error.") if known else ("InvalidUser", "Invalid user.")
    user = E(
        "a:UserResponse",
        E("a:ErrorCode", code),
        E("a:ErrorMessage", message),
        E("a:RedirectTarget"),
        E("a:UserSettingErrors"),
        E("a:UserSettings", *settings),
    )
    response = E("a:Response", E("a:ErrorCode", "NoError"), E("a:ErrorMessage"), E("a:UserResponses", user))
    body = E("s:Body", E("a:GetUserSettingsResponseMessage", response))
    version = E("a:ServerVersionInfo", *(E(f"a:{name}", value) for name, value in VERSION.items()))
    return render(E("s:Envelope", E("s:Header", version), body), [_DECLARATION], ("s", "a"))


def _setting(name: str, value: str) -> Node:
    kind = {"xmlns:i": "http://www.w3.org/2001/XMLSchema-instance", "i:type": "StringSetting", "xmlns": NAMESPACES["a"]}
    return E("a:UserSetting", E("a:Name", name), E("a:Value", value), **kind)
