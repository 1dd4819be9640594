"""GetMailTips, ExpandDL, ResolveNames, GetServiceConfiguration: what the server knows of an address."""

from tests.servers.exchange.answers import Fault, Refused, failure, for_each, response, success
from tests.servers.exchange.calls import Call
from tests.servers.exchange.mime import mailbox
from tests.servers.exchange.site import DOMAIN, MailingList, Site
from tests.servers.exchange.xml import E, Node, render

TIPS_AT_ONCE = 50
"""MaxRecipientsPerGetMailTipsRequest; a request for more is refused as a whole."""
NAMES_AT_ONCE = 100
"""The most candidates that ResolveNames shows."""
_TIPS = (
    "TotalMemberCount",
    "ExternalMemberCount",
    "DeliveryRestriction",
    "ModerationStatus",
    "InvalidRecipient",
    "Scope",
)


def mail_tips(call: Call) -> Node:
    """Show what is known of each recipient, in the order asked for."""
    recipients = call.body.need("m:Recipients").children
    if len(recipients) > TIPS_AT_ONCE:
        raise Fault("ErrorInvalidArgument", f"More than {TIPS_AT_ONCE} recipients in a request.")
    if call.body.need("m:SendingAs").text_of("t:EmailAddress").lower() != call.person.address.lower():
        raise Fault("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    asked = call.body.text_of("m:MailTipsRequested").split()
    wanted = set(_TIPS if "All" in asked else asked)
    told = [_tips_of(call.site, node.text_of("t:EmailAddress"), wanted) for node in recipients]
    messages = E("m:ResponseMessages", *told)
    return E("m:GetMailTipsResponse", E("m:ResponseCode", "NoError"), messages, ResponseClass="Success")


def expand(call: Call) -> Node:
    """Show a list's members, one level of them; the answer for a large list is built once."""

    def members(node: Node) -> list[Node]:
        found = call.site.lists.get(node.text_of("t:EmailAddress").lower())
        if found is None or found.hidden:
            raise Refused("ErrorNameResolutionNoResults", "No results were found.")
        count = 0 if found.dynamic else len(found.members)
        expansion = E("m:DLExpansion", TotalItemsInView=str(count), IncludesLastItemInRange="true")
        expansion.prebuilt = b"" if found.dynamic else _expansion(call.site, found)
        return [expansion]

    return for_each("ExpandDL", [call.body.need("m:Mailbox")], members)


def resolve(call: Call) -> Node:
    """Show whom a name or the beginning of an address may mean."""
    wanted = call.body.text_of("m:UnresolvedEntry").lower()
    wanted = wanted.removeprefix("smtp:")
    people = [
        _person(call.site, address) for address, p in call.site.people.items() if _is_meant(wanted, address, p.name)
    ]
    lists = [found for address, found in call.site.lists.items() if _is_meant(wanted, address) and not found.hidden]
    found = [*people, *(_list(each) for each in lists)]
    if not found:
        refused = Refused("ErrorNameResolutionNoResults", "No results were found.")
        return response("ResolveNames", [failure("ResolveNames", refused)])
    shown = [E("t:Resolution", each) for each in found[:NAMES_AT_ONCE]]
    last = str(len(found) <= NAMES_AT_ONCE).lower()
    answer = E("m:ResolutionSet", *shown, TotalItemsInView=str(len(shown)), IncludesLastItemInRange=last)
    if len(found) > 1:
        many = Refused("ErrorNameResolutionMultipleResults", "Multiple results were found.")
        return response("ResolveNames", [failure("ResolveNames", many, answer, response_class="Warning")])
    return response("ResolveNames", [success("ResolveNames", answer)])


def configuration(call: Call) -> Node:
    """Say what the server's MailTips bear."""
    mail_tips = E(
        "m:MailTipsConfiguration",
        E("t:MailTipsEnabled", "true"),
        E("t:MaxRecipientsPerGetMailTipsRequest", str(TIPS_AT_ONCE)),
        E("t:MaxMessageSize", "37748736"),
        E("t:LargeAudienceThreshold", "25"),
        E("t:ShowExternalRecipientCount", "true"),
        E("t:InternalDomains", E("t:Domain", Name=DOMAIN, IncludeSubdomains="false")),
        E("t:PolicyTipsEnabled", "false"),
        E("t:LargeAudienceCap", "1000"),
    )
    no_error = E("m:ResponseCode", "NoError")
    message = E("m:ServiceConfigurationResponseMessageType", no_error, mail_tips, ResponseClass="Success")
    messages = E("m:ResponseMessages", message)
    return E("m:GetServiceConfigurationResponse", no_error, messages, ResponseClass="Success")


def _tips_of(site: Site, address: str, wanted: set[str]) -> Node:
    name = "m:MailTipsResponseMessageType"
    found = site.lists.get(address.lower())
    if address.lower() in site.tip_errors:
        code = E("m:ResponseCode", site.tip_errors[address.lower()])
        text = E("m:MessageText", "The mail tips of a recipient could not be retrieved.")
        return E(name, text, code, E("m:DescriptiveLinkKey", "0"), ResponseClass="Error")
    tips = [E("t:RecipientAddress", *mailbox("", address).children[:3]), _pending(found, wanted)]
    tips += [tip for tip in _known(site, address, found) if _asked_for(tip.local) in wanted]
    return E(name, E("m:ResponseCode", "NoError"), E("m:MailTips", *tips), ResponseClass="Success")


def _asked_for(element: str) -> str:
    renamed = {"DeliveryRestricted": "DeliveryRestriction", "IsModerated": "ModerationStatus"}
    return renamed.get(element, element)


def _pending(found: MailingList | None, wanted: set[str]) -> Node:
    late = {"TotalMemberCount", "ExternalMemberCount"} & wanted if found and found.tips == "pending" else set()
    return E("t:PendingMailTips", " ".join(sorted(late, reverse=True)))


def _known(site: Site, address: str, found: MailingList | None) -> list[Node]:
    inside = address.lower().endswith(f"@{DOMAIN}")
    nobody = found is None and inside and address.lower() not in site.people
    tips = []
    if site.counts_people and address.lower() in site.people:
        tips += [E("t:TotalMemberCount", "1"), E("t:ExternalMemberCount", "0")]
    if found is not None and found.tips == "now" and found.total is not None:
        tips += [E("t:TotalMemberCount", str(found.total)), E("t:ExternalMemberCount", str(found.external))]
    return [
        *tips,
        E("t:DeliveryRestricted", str(bool(found and found.restricted)).lower()),
        E("t:IsModerated", str(bool(found and found.moderated)).lower()),
        E("t:InvalidRecipient", str(nobody).lower()),
        E("t:Scope", "Internal" if inside else "External"),
    ]


def _expansion(site: Site, found: MailingList) -> bytes:
    if found.expansion[0] != found.members:
        elements = b"".join(b"".join(render(_member(site, each), [])) for each in found.members)
        found.expansion = (list(found.members), elements)
    return found.expansion[1]


def _member(site: Site, address: str) -> Node:
    nested = site.lists.get(address.lower())
    return _list(nested) if nested else _person(site, address)


def _person(site: Site, address: str) -> Node:
    known = site.people.get(address.lower())
    node = mailbox(known.name if known else "", known.address if known else address)
    if known is None and not address.lower().endswith(f"@{DOMAIN}"):
        node.need("t:MailboxType").text = "Contact"
    return node


def _list(found: MailingList) -> Node:
    node = mailbox(found.address.partition("@")[0], found.address)
    node.need("t:MailboxType").text = "PublicDL"
    return node


def _is_meant(wanted: str, address: str, name: str = "") -> bool:
    return address.startswith(wanted) or name.lower().startswith(wanted)
