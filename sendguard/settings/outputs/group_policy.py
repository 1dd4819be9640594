"""Windows: the administrative template (ADMX) that Group Policy and Intune read.

Every id has letters, digits and ``_`` only, as Microsoft's schema wants it. Nothing of another template is used, so
that it can be imported alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from sendguard.settings.declared import PAGES, SETTINGS
from sendguard.settings.outputs.examples import recommendable
from sendguard.settings.setting import Setting, Type

NAMESPACE = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
KEY = r"Software\Policies\SendGuard"
RECOMMENDED_KEY = KEY + r"\Recommended"
ROOT, RECOMMENDED_ROOT = "SendGuard", "SendGuard_recommended"
SUPPORTED = "SUPPORTED_SendGuard_0_1"
REVISION = "1.0"
LONGEST_TEXT = 4096
"""Characters of a text; without it 1,023 are the most."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A setting in one of the two trees."""

    setting: Setting
    recommended: bool

    @property
    def name(self) -> str:
        """Its id in the template."""
        return f"{self.setting.name}_recommended" if self.recommended else self.setting.name

    @property
    def category(self) -> str:
        """The id of the category it stands in."""
        return f"{self.setting.page}_recommended" if self.recommended else self.setting.page

    @property
    def key(self) -> str:
        """The registry key of its value."""
        return RECOMMENDED_KEY if self.recommended else KEY

    @property
    def scope(self) -> str:
        """For which half of a Group Policy it is: ``Machine`` or ``Both``."""
        return "Machine" if self.setting.machine_only else "Both"


def policies() -> tuple[Policy, ...]:
    """The policies of both trees, the mandatory ones first."""
    mandatory = tuple(Policy(setting, recommended=False) for setting in SETTINGS)
    return mandatory + tuple(Policy(setting, recommended=True) for setting in recommendable())


def categories() -> Iterator[tuple[str, str, str]]:
    """Each category's id, its parent's (empty for a root) and its title's msgid (empty for a root)."""
    used = {policy.category for policy in policies()}
    for root, suffix in ((ROOT, ""), (RECOMMENDED_ROOT, "_recommended")):
        yield root, "", ""
        yield from ((page + suffix, root, title) for page, title in PAGES.items() if page + suffix in used)


def offered(setting: Setting) -> tuple[tuple[str, str], ...]:
    """The choices that are offered. The empty one is what holds where the policy is not configured."""
    return tuple(choice for choice in setting.choices if choice[0])


def admx() -> bytes:
    """The template."""
    root = Xml.Element("policyDefinitions", {"xmlns": NAMESPACE, "revision": REVISION, "schemaVersion": "1.0"})
    namespaces = Xml.SubElement(root, "policyNamespaces")
    Xml.SubElement(namespaces, "target", prefix="sendguard", namespace="SendGuard.Policies")
    Xml.SubElement(root, "resources", minRequiredRevision=REVISION)
    definitions = Xml.SubElement(Xml.SubElement(root, "supportedOn"), "definitions")
    Xml.SubElement(definitions, "definition", name=SUPPORTED, displayName=f"$(string.{SUPPORTED})")
    places = Xml.SubElement(root, "categories")
    for name, parent, _ in categories():
        place = Xml.SubElement(places, "category", name=name, displayName=f"$(string.CATEGORY_{name})")
        if parent:
            Xml.SubElement(place, "parentCategory", ref=parent)
    found = Xml.SubElement(root, "policies")
    for policy in policies():
        _add(found, policy)
    return written(root)


def written(root: Xml.Element) -> bytes:
    """A document, indented."""
    Xml.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode").encode() + b"\n"


def _add(parent: Xml.Element, policy: Policy) -> None:
    name, setting = policy.name, policy.setting
    marks = {
        "name": name,
        "class": policy.scope,
        "displayName": f"$(string.{name})",
        "explainText": f"$(string.{name}_explained)",
        "key": policy.key,
    }
    is_switch = setting.type is Type.SWITCH
    marks |= {"valueName": setting.name} if is_switch else {"presentation": f"$(presentation.{name})"}
    element = Xml.SubElement(parent, "policy", marks)
    Xml.SubElement(element, "parentCategory", ref=policy.category)
    Xml.SubElement(element, "supportedOn", ref=SUPPORTED)
    if is_switch:
        for state, value in (("enabledValue", "1"), ("disabledValue", "0")):
            Xml.SubElement(Xml.SubElement(element, state), "decimal", value=value)
    else:
        _add_element(Xml.SubElement(element, "elements"), policy)


def _add_element(parent: Xml.Element, policy: Policy) -> None:
    setting = policy.setting
    value = {"id": setting.name, "valueName": setting.name, "required": "true"}
    match setting.type:
        case Type.NUMBER:
            Xml.SubElement(parent, "decimal", value | {"minValue": str(setting.low), "maxValue": str(setting.high)})
        case Type.CHOICE:
            choices = Xml.SubElement(parent, "enum", value)
            for choice, _ in offered(setting):
                item = Xml.SubElement(choices, "item", displayName=f"$(string.{setting.name}_choice_{choice})")
                Xml.SubElement(Xml.SubElement(item, "value"), "string").text = choice
        case Type.LINES | Type.RULES:
            key = rf"{policy.key}\{setting.name}"
            Xml.SubElement(parent, "list", id=setting.name, key=key, valuePrefix="")
        case _:
            Xml.SubElement(parent, "text", value | {"maxLength": str(LONGEST_TEXT)})
