"""Who decided about a setting, what its value is, and what is wrong with a policy."""

from sendguard.settings.declared import BY_NAME
from sendguard.settings.layers import Fault, Layer, Resolution, Said
from sendguard.settings.outputs.described import allowed
from sendguard.settings.report import MASK, masked
from sendguard.settings.setting import N_, Setting, Type, Users, Value
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.hostile import shown

LONGEST = 400
"""Characters of a value or a source that are shown."""

_LAYERS = {
    Layer.MACHINE: N_("policy of this computer"),
    Layer.REMOTE: N_("signed policy"),
    Layer.USER_POLICY: N_("policy for this user"),
    Layer.USER: N_("your own settings"),
    Layer.RECOMMENDED: N_("recommendation"),
    Layer.BUILT_IN: N_("built in"),
}
_SOURCES = {
    "owner": N_("it belongs to somebody who may not set policy. It must be an administrator's (root's)."),
    "writable": N_("others than an administrator can write to it. Take that right from them (chmod go-w)."),
    "link": N_("it is a link. Put there what it leads to."),
    "kind": N_("it is no ordinary file. Put a file there."),
    "too_large": N_("it is larger than 1 MiB. Make it smaller."),
    "encoding": N_("it is not in UTF-8. Save it in UTF-8."),
    "syntax": N_("it cannot be read as what it should be. Look for a missing or additional comma, quote or bracket."),
    "repeated_key": N_("it says the same name twice. Take one of them away."),
    "not_an_object": N_('it does not hold names with values. Write { "Name": value }.'),
    "unreadable": N_("it cannot be read. Every user must be able to read it (chmod a+r)."),
    "file": N_("it cannot be read. Mend or delete it."),
    "signed": N_("it is not to be believed: none of the keys that are set has signed it, or it is another's."),
    "keys": N_("no valid key or no organisation is set for it (PolicyKeys, PolicyOrganisation)."),
    "payload": N_(
        "it is no payload of a signed policy: that has format, organisation, serial, not_before, expires and settings."
    ),
}
"""Why nothing of a source is taken; with ``folder_`` before it, of a folder."""

_VALUES = {
    "type": N_("its value is of the wrong kind."),
    "range": N_("its value is too small or too large."),
    "choice": N_("its value is none of the choices."),
    "form": N_("its value does not have the right form."),
    "rule": N_("a rule in it cannot be read. It holds without end, and nothing lifts it."),
    "name": N_("no setting is called that. Is it misspelt?"),
    "not_yours": N_("only policy can set it."),
    "only_tightens": N_("a signed policy can only make stricter, and nothing about this is stricter."),
    "machine_only": N_("only the policy of the whole machine can set it."),
}
_WHAT_IS_ALLOWED = frozenset({"type", "range", "choice", "form", "rule"})

FAULTS = frozenset(_SOURCES) | {f"folder_{code}" for code in ("owner", "writable", "link", "kind")} | frozenset(_VALUES)
"""Every code there are words for."""


def layer(say: Catalogue, layer: Layer) -> str:
    """The name of a layer, as it stands within a sentence."""
    return say.text(_LAYERS[layer])


def origin(say: Catalogue, layer: Layer, source: str) -> str:
    """A layer, and the file, key or address behind it where there is one."""
    name = say.text(_LAYERS[layer])
    return f"{name} ({shown(source, LONGEST)})" if source else name


def value(say: Catalogue, setting: Setting, value: Value) -> str:
    """A value as a person reads it. What is shown to nobody is masked; an empty one is a dash."""
    seen = masked(setting, value)
    if seen == MASK and setting.users is Users.NOTHING:
        return say.text(N_("(not shown)"))
    match setting.type:
        case Type.SWITCH:
            return say.text(N_("On")) if seen is True else say.text(N_("Off"))
        case Type.NUMBER if isinstance(seen, int):
            return _number(say, setting, seen)
        case Type.CHOICE:
            return say.text(dict(setting.choices).get(str(seen), str(seen)))
        case _:
            lines = seen if isinstance(seen, tuple) else (str(seen),)
            return "\n".join(shown(line, LONGEST) for line in lines) or "–"


def _number(say: Catalogue, setting: Setting, number: int) -> str:
    if number == 0 and setting.off_at_zero:
        return say.text(N_("Off"))
    return f"{say.number(number)} {say.text(setting.unit)}".rstrip()


def overridden(say: Catalogue, setting: Setting, said: Said) -> str:
    """A value that is not in force, and who said it."""
    found = value(say, setting, said.value).replace("\n", ", ")
    return say.text("{layer}: {value}", layer=origin(say, said.layer, said.source), value=found)


def fault(say: Catalogue, fault: Fault) -> str:
    """What is wrong, where, and what to do or what is allowed: a few sentences."""
    where = shown(fault.source, LONGEST) or say.text(_LAYERS[fault.layer])
    if not fault.name:
        code = fault.why.removeprefix("folder_")
        why = say.text(_SOURCES.get(code, _SOURCES["unreadable"]))
        if code == "kind" and code != fault.why:
            why = say.text("it is no folder. Put a folder there.")
        return say.text("Nothing of {source} is taken: {why}", source=where, why=why)
    why = say.text(_VALUES.get(fault.why, _VALUES["type"]))
    if fault.why in _WHAT_IS_ALLOWED and (setting := BY_NAME.get(fault.name)):
        why = f"{why} {allowed(setting, say.text)}"
    return say.text("{source}, {setting}: {why}", source=where, setting=shown(fault.name), why=why)


def standing(say: Catalogue, resolution: Resolution) -> str:
    """Whether the organisation manages this computer, and how much of it: a sentence."""
    managed = sum(resolved.is_managed for resolved in resolution.by_name.values())
    if managed:
        return say.plural(
            "Your organisation decides about {n} setting on this computer.",
            "Your organisation decides about {n} settings on this computer.",
            managed,
        )
    return say.text("No policy of an organisation is in force on this computer.")


def trouble(say: Catalogue, code: str) -> str:
    """A fault in policy as a notice: what is wrong with it, what is safe, and where more is said."""
    why = say.text({**_SOURCES, **_VALUES}.get(code.removeprefix("folder_"), _SOURCES["unreadable"]))
    return say.text(
        "Something in your organisation's policy is not taken: {why} What it may have guarded has its guarding value. "
        "The page Policies says where it is; tell your IT.",
        why=why,
    )
