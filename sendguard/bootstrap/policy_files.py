"""The files by which IT decides: read before they are deployed, and written in every system's own format."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sendguard.bootstrap.once import WrongInput, sentences
from sendguard.remote.document import DocumentRefused, read_payload
from sendguard.settings.declared import BY_FORMER_NAME
from sendguard.settings.foreign import as_declared
from sendguard.settings.layers import Layer, Offer, resolve
from sendguard.settings.outputs import apple, checked_in, examples, group_policy, group_policy_texts, intune, schema
from sendguard.settings.setting import Value
from sendguard.system.believable import MOST_OCTETS, Unbelievable, within_limit
from sendguard.system.policy_json import read_json
from sendguard.system.policy_plist import read_preferences
from sendguard.wording.catalogue import LANGUAGES, Catalogue

_PROPERTY_LISTS = frozenset({".plist", ".mobileconfig"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What IT wants to deploy: values that are valid."""

    managed: Mapping[str, Value]
    recommended: Mapping[str, Value]


EXAMPLE = Policy(examples.MANAGED, examples.RECOMMENDED)


def read_offers(path: Path) -> tuple[Offer, ...]:
    """What a file says once it is deployed: policy of Linux or macOS, or the payload of a signed policy.

    Who could have written it is not looked at. Raises WrongInput for a file that is not there.
    """
    layer = Layer.RECOMMENDED if path.resolve().parent.name == "recommended" else Layer.MACHINE
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if path.suffix in _PROPERTY_LISTS:
            return _of_preferences(path, read_preferences(within_limit(octets)))
        return (_of_json(path, layer, within_limit(octets)),)
    except Unbelievable as error:
        return (Offer(layer, str(path), broken=error.why),)


def _of_json(path: Path, layer: Layer, octets: bytes) -> Offer:
    found = read_json(octets)
    if "settings" not in found:
        return Offer(layer, str(path), found)
    try:
        return Offer(Layer.REMOTE, str(path), read_payload(octets).settings)
    except DocumentRefused:
        return Offer(Layer.REMOTE, str(path), broken="payload")


def _of_preferences(path: Path, found: Mapping[str, object]) -> tuple[Offer, ...]:
    said = dict(found)
    recommended = said.pop(apple.RECOMMENDED, {})
    first = Offer(Layer.MACHINE, str(path), as_declared(said))
    if not isinstance(recommended, dict):
        return first, Offer(Layer.RECOMMENDED, f"{path}, {apple.RECOMMENDED}", broken="not_an_object")
    return first, Offer(Layer.RECOMMENDED, f"{path}, {apple.RECOMMENDED}", as_declared(recommended))


def policy_of(paths: Iterable[Path]) -> Policy:
    """The policy that files say together. Raises WrongInput, with a line for everything that is wrong in them."""
    offers = [offer for path in paths for offer in read_offers(path)]
    if faults := resolve(offers).faults:
        say = sentences()
        raise WrongInput("\n".join(say.settings_fault(fault) for fault in faults))
    return Policy(_together(offers, Layer.MACHINE), _together(offers, Layer.RECOMMENDED))


def _together(offers: Iterable[Offer], layer: Layer) -> dict[str, Value]:
    ours = [offer for offer in offers if offer.layer is layer]
    values = resolve(ours)
    return {name: values[name].value for name in (BY_FORMER_NAME.get(n, n) for offer in ours for n in offer.values)}


def exported(what: str, policy: Policy, language: str) -> bytes:
    """A policy, or what is needed to write one, in one of the formats of ``cli.policy.FORMATS``."""
    say = Catalogue.for_language(language).text
    match what:
        case "schema":
            return schema.schema(say)
        case "admx":
            return group_policy.admx()
        case "adml":
            return group_policy_texts.adml(say)
        case "mobileconfig":
            return apple.mobileconfig(policy.managed, policy.recommended, say)
        case "plist":
            return apple.bare_plist(policy.managed, policy.recommended)
        case "manifest":
            return apple.manifest(say)
        case "oma-uri":
            return intune.table(policy.managed, policy.recommended).encode()
        case _:
            return examples.as_json(policy.managed)


def templates() -> dict[str, bytes]:
    """Every generated file that is kept with the code, by its path there."""
    return checked_in.checked_in({language: Catalogue.for_language(language).text for language in LANGUAGES})


def write_templates(folder: Path) -> Iterator[Path]:
    """Write them all under a folder. Raises WrongInput."""
    for name, octets in templates().items():
        path = folder / name.removeprefix(f"{checked_in.FOLDER}/").removeprefix("docs/")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
        except OSError as error:
            raise WrongInput(f"{path} cannot be written: {error.strerror}.") from error
        yield path
