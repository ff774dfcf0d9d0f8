"""The vocabulary of edits: one typed struct per step.

The screen, the Python API, the protocol and the history all speak in these structs. `METHODS` is the catalogue:
one entry per step, from which the form, its key, the help and the README's table are derived. Nothing here
imports torch; what a step does to a tensor stands in `prune_tui.engine.methods`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from prune_tui.step_settings import Bits, Setting, StepError, checked, nearest

Units = Literal["entries", "channels", "nothing"]


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
Ties = Annotated[
    Literal["torch", "index"],
    Setting(
        "choice",
        "Which of several equal magnitudes go: those torch picks, or the first ones, which takes no extra memory.",
        default="torch",
        choices=("torch", "index"),
        asked=False,
    ),
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
    ties: Ties = "torch"


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
    ties: Ties = "torch"


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
        """Its settings in the order of the form; `bits` and those not `asked` have no field there."""
        hints = get_type_hints(self.step, include_extras=True)
        found = []
        for name in self.step.__struct_fields__:
            annotation = hints[name]
            if get_origin(annotation) is Annotated:
                setting = next(item for item in get_args(annotation)[1:] if isinstance(item, Setting))
                found.append(msgspec.structs.replace(setting, name=name))
        return tuple(sorted(found, key=lambda setting: (not setting.asked, setting.kind == "seed")))


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

    What the form does not ask for is left out where it is the default.

    Returns:
        A new dict in the order of the fields.
    """
    settings = {name: getattr(step, name) for name in step.__struct_fields__}
    empty = {"mask": None, "file": ""}
    empty |= {setting.name: setting.default for setting in method_of(step).settings if not setting.asked}
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
