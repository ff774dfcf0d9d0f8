"""The vocabulary of edits: one typed struct per step.

The screen, the Python API, the protocol and the history all speak in these structs, which are written in
`prune_tui.step_types`. `METHODS` is the catalogue: one entry per step, from which the form, its key, the help and
the README's table are derived. Nothing here imports torch; what a step does to a tensor stands in
`prune_tui.engine.methods.planners`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from prune_tui import totals
from prune_tui.step_settings import Setting, StepError, checked, nearest
from prune_tui.step_types import (
    AnyStep,
    Binarise,
    CleanMasked,
    CustomFromMask,
    CustomMethod,
    DropHooks,
    ErdosRenyiKernel,
    GlobalStructured,
    GlobalUnstructured,
    HookFirst,
    Identity,
    ImportanceScores,
    L1Unstructured,
    Lamp,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
    Reattach,
    Refresh,
    Remove,
    Restore,
    SemiStructured,
    Step,
    UniformPlus,
    Unite,
)

__all__ = [
    "METHODS",
    "METHOD_BY_NAME",
    "AnyStep",
    "Binarise",
    "CleanMasked",
    "CustomFromMask",
    "CustomMethod",
    "DropHooks",
    "ErdosRenyiKernel",
    "GlobalStructured",
    "GlobalUnstructured",
    "HookFirst",
    "Identity",
    "ImportanceScores",
    "L1Unstructured",
    "Lamp",
    "LnStructured",
    "Method",
    "Plugin",
    "RandomStructured",
    "RandomUnstructured",
    "Reattach",
    "Refresh",
    "Remove",
    "Restore",
    "SemiStructured",
    "Step",
    "UniformPlus",
    "Unite",
    "afresh",
    "build",
    "describe",
    "draws",
    "method_named",
    "method_of",
    "owns_seed",
    "ranks_together",
    "rebuilt",
    "register",
    "same",
    "settings_of",
    "with_amount",
]

Units = Literal["entries", "channels", "nothing"]


class Plugin(msgspec.Struct, frozen=True):
    """A pruning method that is not ours, as the engine tells the UI of it.

    Attributes:
        name: As in recipes and the API.
        sentence: One sentence that says what it does.
        settings: Of its class's constructor.
        required: The names of those it cannot do without.
        where: `file.py:12` of its class.
    """

    name: str
    sentence: str
    settings: tuple[Setting, ...] = ()
    required: tuple[str, ...] = ()
    where: str = ""


class Method(msgspec.Struct, frozen=True):
    """One entry of the catalogue.

    Attributes:
        step: The struct that carries its settings.
        key: The key that opens its form; empty where it is found in the list of more methods and in the palette.
        label: What the key bar calls it.
        units: What `amount` counts.
        draws: Whether it draws random numbers, and so carries a seed.
        many: Whether it ranks all its targets together instead of one by one.
        repair: Whether it mends what the doctor finds, instead of pruning.
        plugin: What a plugin says of its method; None for ours.
    """

    step: type[Step]
    key: str
    label: str
    units: Units
    draws: bool = False
    many: bool = False
    repair: bool = False
    plugin: Plugin | None = None

    @property
    def name(self) -> str:
        """The name in recipes, the API and the help: torch's own, where torch has the method."""
        if self.plugin is not None:
            return self.plugin.name
        return str(self.step.__struct_config__.tag)

    @property
    def sentence(self) -> str:
        """One sentence that says what it does."""
        if self.plugin is not None:
            return self.plugin.sentence
        return (self.step.__doc__ or "").splitlines()[0]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Its settings in the order of the form; `bits` and those not `asked` have no field there."""
        return _settings(self.step) if self.plugin is None else self.plugin.settings

    @property
    def required(self) -> tuple[str, ...]:
        """The settings that a step cannot be built without."""
        if self.plugin is not None:
            return self.plugin.required
        fields = msgspec.structs.fields(self.step)
        return tuple(field.name for field in fields if field.required and field.name != "targets")


@functools.cache
def _settings(step: type[Step]) -> tuple[Setting, ...]:
    hints = get_type_hints(step, include_extras=True)
    found = []
    for name in step.__struct_fields__:
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
    Method(SemiStructured, "8", "N:M", "nothing"),
    Method(GlobalStructured, "", "global channels", "channels", many=True),
    Method(Lamp, "", "LAMP", "entries", many=True),
    Method(UniformPlus, "", "uniform plus", "entries", many=True),
    Method(ErdosRenyiKernel, "", "Erdős-Rényi-Kernel", "entries", many=True),
    Method(ImportanceScores, "", "scores from a file", "entries"),
    Method(Remove, "0", "remove", "nothing"),
    Method(Reattach, "", "reattach", "nothing", repair=True),
    Method(Restore, "", "restore", "nothing", repair=True),
    Method(DropHooks, "", "drop hooks", "nothing", repair=True),
    Method(HookFirst, "", "hook first", "nothing", repair=True),
    Method(Refresh, "", "refresh", "nothing", repair=True),
    Method(Binarise, "", "binarise", "nothing", repair=True),
    Method(CleanMasked, "", "clean masked", "nothing", repair=True),
    Method(Unite, "", "unite", "nothing", repair=True),
)
METHOD_BY_NAME = {method.name: method for method in METHODS}
METHOD_OF_STEP = {method.step: method for method in METHODS}
_PLUGGED_IN: dict[str, Method] = {}
"""What plugins have added to this process, the engine's or the UI's."""


def register(plugin: Plugin) -> Method:
    """Add a plugin's method to the catalogue of this process, or put it in the place of one of its name.

    Raises:
        StepError: A method of ours has its name.
    """
    if plugin.name in METHOD_BY_NAME:
        raise StepError(f"{plugin.name} is the name of a method of prune-tui; choose another one")
    units: Units = "entries" if any(setting.kind == "amount" for setting in plugin.settings) else "nothing"
    method = Method(CustomMethod, "", plugin.name.replace("_", " "), units, draws=True, plugin=plugin)
    _PLUGGED_IN[plugin.name] = method
    return method


def method_named(name: str) -> Method:
    """The catalogue entry of a name, ours or a plugin's.

    Raises:
        StepError: There is none.
    """
    known = METHOD_BY_NAME | _PLUGGED_IN
    found = known.get(name) if isinstance(name, str) else None
    if found is None:
        raise StepError(
            f"there is no method {name!r}{nearest(str(name), known)}; the methods are {', '.join(known)}"
        )
    return found


def name_of(step: Step) -> str:
    """The name of a step's method, known here or not."""
    return step.name if isinstance(step, CustomMethod) else METHOD_OF_STEP[type(step)].name


def method_of(step: Step) -> Method:
    """The catalogue entry of a step.

    Raises:
        StepError: It is a plugin's, and that is not loaded here.
    """
    return method_named(step.name) if isinstance(step, CustomMethod) else METHOD_OF_STEP[type(step)]


def draws(step: Step) -> bool:
    """Whether this very step draws random numbers: a global step does only when it ranks at random."""
    if isinstance(step, GlobalUnstructured):
        return step.pruning_method == "RandomUnstructured"
    return method_of(step).draws


def takes_smallest(step: Step) -> bool:
    """Whether of each tensor all go whose magnitude is below one threshold, equal magnitudes apart."""
    layerwise = L1Unstructured | UniformPlus | ErdosRenyiKernel
    return isinstance(step, layerwise) or (isinstance(step, GlobalUnstructured) and not draws(step))


def total_of(step: Step) -> totals.Total | None:
    """The total that a step is to reach, where its amount names one."""
    amount = settings_of(step).get("amount")
    return totals.read(amount) if isinstance(amount, str) else None


def ranks_together(step: Step) -> bool:
    """Whether this very step ranks all its targets together instead of one by one."""
    return method_of(step).many or (isinstance(step, ImportanceScores) and step.scope == "global")


def settings_of(step: Step) -> dict[str, Any]:
    """The settings of a step by name, without targets and seed; of a file and the mask read from it, the file.

    What the form does not ask for is left out where it is the default.

    Returns:
        A new dict in the order of the fields.
    """
    if isinstance(step, CustomMethod):
        return dict(step.settings)
    settings = {name: getattr(step, name) for name in step.__struct_fields__}
    empty = {"mask": None, "file": ""}
    empty |= {setting.name: setting.default for setting in method_of(step).settings if setting.quiet}
    left_out = {"targets", "written", "seed", *(["mask"] if settings.get("file") else [])}
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
    return f"{name_of(step)}({settings})"


def with_amount(step: Step, amount: int | float | str) -> Step:
    """The same step with another amount.

    Raises:
        StepError: It has none, or this one cannot be.
    """
    asked = [setting for setting in method_of(step).settings if setting.name == "amount"]
    if not asked:
        raise StepError(f"{name_of(step)} has no amount to amend")
    value = checked(asked[0], amount)
    if isinstance(step, CustomMethod):
        return msgspec.structs.replace(step, settings={**step.settings, "amount": value})
    return afresh(step, amount=value)


def afresh(step: Step, **changes: Any) -> Step:
    """The same step changed, and without the mask that a plan made of its file: that was of the step as it was."""
    if getattr(step, "file", ""):
        changes = {"mask": None, **changes}
    return msgspec.structs.replace(step, **changes)


def rebuilt(step: Step) -> Step:
    """The same step with its settings checked: one that came over the wire or was made by hand never was.

    Raises:
        StepError: A setting is out of range.
    """
    given = settings_of(step)
    if getattr(step, "mask", None) is not None:
        given["mask"] = getattr(step, "mask")  # noqa: B009 - two kinds of steps have one
    built = build(name_of(step), step.targets, given)
    # Not among the settings: a plugin may have a `seed` of its own there.
    return msgspec.structs.replace(built, written=step.written, **_seed_of(step))


def owns_seed(method: Method) -> bool:
    """Whether a plugin's method has a setting called `seed`, which is not what its step is seeded with."""
    return method.plugin is not None and any(
        setting.name == "seed" and setting.kind != "seed" for setting in method.settings
    )


def _seed_of(step: Step) -> dict[str, Any]:
    seeds = [setting for setting in _settings(type(step)) if setting.kind == "seed"]
    return {setting.name: checked(setting, getattr(step, setting.name)) for setting in seeds}


def build(method: str, targets: str | Iterable[str], settings: dict[str, Any]) -> Step:
    """Make a step from a method's name and loose settings, checked.

    Args:
        method: A name of the catalogue, such as `"l1_unstructured"`.
        targets: One dotted name or several.
        settings: The step's settings by name; numbers may be numpy scalars.

    Raises:
        StepError: An unknown method or setting, a missing one, or a value out of range.
    """
    entry = method_named(method)
    names = (targets,) if isinstance(targets, str) else tuple(targets) if isinstance(targets, Iterable) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise StepError(f"{method} needs targets: a dotted name such as 'conv1.weight', or a list of them")
    known = {setting.name: setting for setting in entry.settings}
    for name in settings:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise StepError(f"{method} has no setting {name!r}{nearest(name, known)}; {takes}")
    for name in entry.required:
        if name not in settings:
            raise StepError(f"{method} needs {name}: {known[name].sentence}")
    if entry.step is CustomFromMask and not settings:
        raise StepError(f"{method} needs either file or mask. file: {known['file'].sentence}")
    return _made(entry, names, {name: checked(known[name], value) for name, value in settings.items()})


def _made(entry: Method, targets: tuple[str, ...], values: dict[str, Any]) -> Step:
    if entry.plugin is None:
        return entry.step(targets=targets, **values)
    kinds = {setting.name: setting.kind for setting in entry.settings}
    seeds = {name: value for name, value in values.items() if kinds[name] == "seed"}
    # In the order of the form, so that the same settings make the same step.
    settings = {name: values[name] for name in kinds if name in values and name not in seeds}
    return CustomMethod(targets=targets, name=entry.name, settings=settings, **seeds)
