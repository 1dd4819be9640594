"""Windows: the texts (ADML) of the administrative template, one file a language."""

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from sendguard.settings.declared import SETTINGS
from sendguard.settings.outputs.described import Translate, explained
from sendguard.settings.outputs.group_policy import (
    NAMESPACE,
    RECOMMENDED_ROOT,
    REVISION,
    ROOT,
    SUPPORTED,
    Policy,
    categories,
    offered,
    policies,
    written,
)
from sendguard.settings.setting import N_, Setting, Type

_ROOTS = {ROOT: N_("SendGuard"), RECOMMENDED_ROOT: N_("SendGuard – recommended (users can change it)")}


def adml(say: Translate) -> bytes:
    """The texts in the language of ``say``."""
    root = Xml.Element("policyDefinitionResources", {"xmlns": NAMESPACE, "revision": REVISION, "schemaVersion": "1.0"})
    Xml.SubElement(root, "displayName").text = "SendGuard"
    Xml.SubElement(root, "description").text = say(N_("Policies of SendGuard."))
    resources = Xml.SubElement(root, "resources")
    table = Xml.SubElement(resources, "stringTable")
    for name, text in _strings(say):
        Xml.SubElement(table, "string", id=name).text = text
    presentations = Xml.SubElement(resources, "presentationTable")
    for policy in policies():
        if policy.setting.type is not Type.SWITCH:
            _add(Xml.SubElement(presentations, "presentation", id=policy.name), policy, say)
    return written(root)


def _strings(say: Translate) -> Iterator[tuple[str, str]]:
    yield SUPPORTED, say(N_("SendGuard 0.1 or later"))
    for name, parent, title in categories():
        yield f"CATEGORY_{name}", say(title if parent else _ROOTS[name])
    for policy in policies():
        yield policy.name, say(policy.setting.title)
        yield f"{policy.name}_explained", explained(policy.setting, say)
    for setting in SETTINGS:
        for choice, title in offered(setting):
            yield f"{setting.name}_choice_{choice}", say(title)


def _add(parent: Xml.Element, policy: Policy, say: Translate) -> None:
    setting = policy.setting
    label, name = _label(setting, say), setting.name
    match setting.type:
        case Type.NUMBER:
            Xml.SubElement(parent, "decimalTextBox", refId=name, defaultValue=str(setting.default)).text = label
        case Type.CHOICE:
            choices = [choice for choice, _ in offered(setting)]
            first = str(choices.index(str(setting.default))) if setting.default in choices else "0"
            Xml.SubElement(parent, "dropdownList", refId=name, noSort="true", defaultItem=first).text = label
        case Type.LINES | Type.RULES:
            Xml.SubElement(parent, "listBox", refId=name).text = label
        case _:
            box = Xml.SubElement(parent, "textBox", refId=name)
            Xml.SubElement(box, "label").text = label
            if setting.default:
                Xml.SubElement(box, "defaultValue").text = str(setting.default)


def _label(setting: Setting, say: Translate) -> str:
    title = say(setting.title)
    return f"{title} ({say(setting.unit)})" if setting.unit else title
