"""The vocabulary of edits: one typed struct per step.

The screen, the Python API, the protocol and the history all speak in these structs. `METHODS` is the catalogue:
one entry per step, from which the form, its key, the help and the README's table are derived. Nothing here
imports torch; what a step does to a tensor stands in `prune_tui.engine.methods`.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

SettingKind = Literal["amount", "dim", "norm", "choice", "file", "seed", "bits"]
Units = Literal["entries", "channels", "nothing"]
MATRIX_NORMS = ("fro", "nuc")


class StepError(ValueError):
    """A step that cannot be built or applied; its text says what is wrong, where, and what to do."""


class Setting(msgspec.Struct, frozen=True):
    """How a person is asked for one setting of a step.

    Attributes:
        kind: What is typed: decides how the text is read, checked and echoed.
        sentence: One sentence of help.
        default: What the form holds the first time; None where the person must say.
        choices: The permitted values of a `choice`.
        name: The field of the step; filled in from the struct.
    """

    kind: SettingKind
    sentence: str
    default: Any = None
    choices: tuple[str, ...] = ()
    name: str = ""


Amount = Annotated[
    int | float,
    Setting(
        "amount",
        "A fraction of what is left (0.3), or a count (3). 1 is one, 1.0 is all.",
        default=0.3,
    ),
]
Dim = Annotated[
    int,
    Setting("dim", "The axis whose channels go; 0 is the output axis of Linear and Conv layers.", default=0),
]
Seed = Annotated[
    int | None,
    Setting("seed", "torch.manual_seed before the step; empty draws one from the session's seed."),
]


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="method", forbid_unknown_fields=True):
    """One edit of a model.

    Attributes:
        targets: Dotted names of the tensors it works on (`"conv1.weight"`), in order.
    """

    targets: tuple[str, ...]


class Identity(Step, frozen=True, kw_only=True, tag="identity"):
    """Attach a mask of ones: nothing goes, but the tensor is ready for pruning."""


class RandomUnstructured(Step, frozen=True, kw_only=True, tag="random_unstructured"):
    """Prune entries at random."""

    amount: Amount
    seed: Seed = None


class L1Unstructured(Step, frozen=True, kw_only=True, tag="l1_unstructured"):
    """Prune the entries of smallest magnitude."""

    amount: Amount


class RandomStructured(Step, frozen=True, kw_only=True, tag="random_structured"):
    """Prune whole channels at random."""

    amount: Amount
    dim: Dim = 0
    seed: Seed = None


class LnStructured(Step, frozen=True, kw_only=True, tag="ln_structured"):
    """Prune the whole channels of smallest Ln norm."""

    amount: Amount
    n: Annotated[
        int | float | str,
        Setting("norm", "The order of the norm: a number, inf, -inf, fro (2-D, 3-D) or nuc (3-D).", default=2),
    ] = 2
    dim: Dim = 0


class GlobalUnstructured(Step, frozen=True, kw_only=True, tag="global_unstructured"):
    """Prune entries across all targets at once, as one long vector."""

    amount: Amount
    pruning_method: Annotated[
        Literal["L1Unstructured", "RandomUnstructured"],
        Setting(
            "choice",
            "How entries are ranked across the tensors.",
            default="L1Unstructured",
            choices=("L1Unstructured", "RandomUnstructured"),
        ),
    ] = "L1Unstructured"
    seed: Seed = None


class Bits(msgspec.Struct, frozen=True):
    """A mask, one bit an entry: what `numpy.packbits` makes of it, in the order of its elements.

    Attributes:
        shape: The mask's shape.
        data: ceil(elements / 8) bytes.
    """

    shape: tuple[int, ...]
    data: bytes

    def __str__(self) -> str:
        return f"<{'×'.join(map(str, self.shape))} mask>"

    __repr__ = __str__  # its bytes would fill the screen


class CustomFromMask(Step, frozen=True, kw_only=True, tag="custom_from_mask"):
    """Apply a mask read from a file: entries where it is 0 go."""

    file: Annotated[
        str,
        Setting("file", "A .pt, .npy or .safetensors file; file.safetensors:name picks one of several tensors."),
    ] = ""
    mask: Annotated[
        Bits | tuple[Bits, ...] | None,
        Setting("bits", "The mask itself, or one for each target; beside it, file only says where it came from."),
    ] = None


class Remove(Step, frozen=True, kw_only=True, tag="remove"):
    """Make the pruning permanent: write the zeros into the parameter; drop its mask and hook."""


AnyStep = (
    Identity
    | RandomUnstructured
    | L1Unstructured
    | RandomStructured
    | LnStructured
    | GlobalUnstructured
    | CustomFromMask
    | Remove
)


class Method(msgspec.Struct, frozen=True):
    """One entry of the catalogue.

    Attributes:
        step: The struct that carries its settings.
        key: The key that opens its form.
        label: What the key bar calls it.
        units: What `amount` counts.
        draws: Whether it draws random numbers, and so carries a seed.
        many: Whether it ranks all its targets together instead of one by one.
    """

    step: type[Step]
    key: str
    label: str
    units: Units
    draws: bool = False
    many: bool = False

    @property
    def name(self) -> str:
        """The name in recipes, the API and the help: torch's own."""
        return str(self.step.__struct_config__.tag)

    @property
    def sentence(self) -> str:
        """One sentence that says what it does."""
        return (self.step.__doc__ or "").splitlines()[0]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Its settings in the order of the form; `bits` have no field there."""
        hints = get_type_hints(self.step, include_extras=True)
        found = []
        for name in self.step.__struct_fields__:
            annotation = hints[name]
            if get_origin(annotation) is Annotated:
                setting = next(item for item in get_args(annotation)[1:] if isinstance(item, Setting))
                found.append(msgspec.structs.replace(setting, name=name))
        return tuple(sorted(found, key=lambda setting: setting.kind == "seed"))


METHODS: tuple[Method, ...] = (
    Method(Identity, "1", "identity", "nothing"),
    Method(RandomUnstructured, "2", "random", "entries", draws=True),
    Method(L1Unstructured, "3", "L1", "entries"),
    Method(RandomStructured, "4", "random channels", "channels", draws=True),
    Method(LnStructured, "5", "Ln channels", "channels"),
    Method(GlobalUnstructured, "6", "global", "entries", draws=True, many=True),
    Method(CustomFromMask, "7", "mask", "nothing"),
    Method(Remove, "0", "remove", "nothing"),
)
METHOD_BY_NAME = {method.name: method for method in METHODS}
METHOD_OF_STEP = {method.step: method for method in METHODS}


def method_of(step: Step) -> Method:
    """The catalogue entry of a step."""
    return METHOD_OF_STEP[type(step)]


def draws(step: Step) -> bool:
    """Whether this very step draws random numbers: a global step does only when it ranks at random."""
    if isinstance(step, GlobalUnstructured):
        return step.pruning_method == "RandomUnstructured"
    return method_of(step).draws


def settings_of(step: Step) -> dict[str, Any]:
    """The settings of a step by name, without targets and seed; of a file and the mask read from it, the file.

    Returns:
        A new dict in the order of the fields.
    """
    settings = {name: getattr(step, name) for name in step.__struct_fields__}
    empty = {"mask": None, "file": ""}
    left_out = {"targets", "seed", *(["mask"] if settings.get("file") else [])}
    return {
        name: value
        for name, value in settings.items()
        if name not in left_out and not (name in empty and value == empty[name])
    }


def same(one: Step, other: Step) -> bool:
    """Whether two steps are the same. `==` would not do: amount 1 is one entry, 1.0 is all, and 1 == 1.0."""
    return msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)


def describe(step: Step) -> str:
    """The step as a call: `ln_structured(amount=0.5, n=2, dim=0)`."""
    settings = ", ".join(f"{name}={value}" for name, value in settings_of(step).items())
    return f"{method_of(step).name}({settings})"


def build(method: str, targets: str | Iterable[str], settings: dict[str, Any]) -> Step:
    """Make a step from a method's name and loose settings, checked.

    Args:
        method: A name of the catalogue, such as `"l1_unstructured"`.
        targets: One dotted name or several.
        settings: The step's settings by name; numbers may be numpy scalars.

    Raises:
        StepError: An unknown method or setting, a missing one, or a value out of range.
    """
    entry = METHOD_BY_NAME.get(str(method))
    if entry is None:
        raise StepError(
            f"there is no method {method!r}{nearest(str(method), METHOD_BY_NAME)}; "
            f"the methods are {', '.join(METHOD_BY_NAME)}"
        )
    names = (targets,) if isinstance(targets, str) else tuple(targets) if isinstance(targets, Iterable) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise StepError(f"{method} needs targets: a dotted name such as 'conv1.weight', or a list of them")
    known = {setting.name: setting for setting in entry.settings}
    for name in settings:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise StepError(f"{method} has no setting {name!r}{nearest(name, known)}; {takes}")
    if "amount" in known and "amount" not in settings:
        raise StepError(f"{method} needs amount: {known['amount'].sentence}")
    if "file" in known and not settings:
        raise StepError(f"{method} needs either file or mask. file: {known['file'].sentence}")
    return entry.step(targets=names, **{name: checked(known[name], value) for name, value in settings.items()})


def nearest(word: str, known: Any) -> str:
    """`; did you mean 'conv1'?` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def checked(setting: Setting, value: Any) -> Any:
    """A setting's value as a plain Python value, or StepError with the reason.

    Only what can be known without the tensor is checked here; the engine checks the rest.
    """
    return _CHECKS[setting.kind](setting, value)


def _plain_number(setting: Setting, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise StepError(f"{setting.name} is {value!r}; it must be a number")
    if not isinstance(value, numbers.Integral):
        return float(value)
    if not -(2**63) <= int(value) < 2**63:
        raise StepError(f"{setting.name} is {value}; it must fit 64 bits")
    return int(value)


def _checked_amount(setting: Setting, value: Any) -> int | float:
    amount = _plain_number(setting, value)
    if isinstance(amount, float) and not 0.0 <= amount <= 1.0:
        raise StepError(
            f"{setting.name} is {amount}; a fraction lies between 0.0 and 1.0, a count is a whole number"
        )
    if amount < 0:
        raise StepError(f"{setting.name} is {amount}; a count cannot be negative")
    return amount


def _checked_integer(setting: Setting, value: Any) -> int:
    number = _plain_number(setting, value)
    if not isinstance(number, int):
        raise StepError(f"{setting.name} is {value!r}; it must be a whole number")
    return number


def _checked_seed(setting: Setting, value: Any) -> int | None:
    if value is None:
        return None
    seed = _checked_integer(setting, value)
    if not 0 <= seed < 2**63:
        raise StepError(f"{setting.name} is {seed}; it must lie between 0 and 2**63 - 1")
    return seed


def _checked_norm(setting: Setting, value: Any) -> int | float | str:
    if isinstance(value, str):
        if value in MATRIX_NORMS:
            return value
        raise StepError(f"{setting.name} is {value!r}; it must be a number, inf, -inf, fro or nuc")
    number = _plain_number(setting, value)
    if isinstance(number, float) and math.isnan(number):
        raise StepError(f"{setting.name} is nan; it must be a number, inf, -inf, fro or nuc")
    return number


def _checked_choice(setting: Setting, value: Any) -> str:
    if value not in setting.choices:
        raise StepError(f"{setting.name} is {value!r}; it must be one of {', '.join(setting.choices)}")
    return str(value)


def _checked_file(setting: Setting, value: Any) -> str:
    text = str(value)
    if not text:
        raise StepError(f"{setting.name} is empty: {setting.sentence}")
    return text


def _checked_bits(setting: Setting, value: Any) -> Bits | tuple[Bits, ...]:
    if not all(isinstance(mask, Bits) for mask in (value if isinstance(value, tuple) else (value,))):
        raise StepError(f"{setting.name} is {value!r}; it must be a tensor of the target's shape")
    return cast(Bits | tuple[Bits, ...], value)


_CHECKS = {
    "amount": _checked_amount,
    "dim": _checked_integer,
    "norm": _checked_norm,
    "choice": _checked_choice,
    "file": _checked_file,
    "seed": _checked_seed,
    "bits": _checked_bits,
}


def read(setting: Setting, text: str) -> Any:
    """What a person typed into a form field, as a checked value.

    Raises:
        StepError: The text is not such a value; says what one looks like.
    """
    text = text.strip()
    if not text:
        if setting.kind == "seed":
            return None
        raise StepError(f"{setting.name} is empty: {setting.sentence}")
    if setting.kind in {"file", "choice"}:
        return checked(setting, text)
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        return checked(setting, value)
    return checked(setting, text)  # no number: refused, unless a norm's word
