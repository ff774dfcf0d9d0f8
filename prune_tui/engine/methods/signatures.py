"""From the signature of a pruning method's class to the settings of its form."""

from __future__ import annotations

import inspect
import re
import types
import typing
from typing import Any, Literal, get_args, get_origin

from prune_tui.step_settings import Setting, SettingKind, StepError

_BY_NAME: dict[str, SettingKind] = {"amount": "amount", "dim": "dim", "n": "norm"}
"""Parameters that torch's own classes have, which are checked as theirs are."""
_BY_TYPE: dict[object, SettingKind] = {
    bool: "flag",
    int: "integer",
    float: "float",
    str: "text",
    int | float: "number",
}
_NOT_PARAMETERS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_TAKEN = {"method", "targets", "resolved", "checksum", "step_seed"}
"""What a recipe says of every step."""
_SEED = Setting("seed", "torch.manual_seed before the step; empty draws one from the session's seed.", name="seed")


def settings_of(kind: Any, where: str) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """The settings that a class is constructed with, and a seed, since whether it draws is not known.

    Args:
        kind: The class.
        where: `file.py:12`, for messages.

    Returns:
        The settings in the order of the signature, and the names of those without a default.

    Raises:
        StepError: A parameter without default is of a type no form can ask for.
    """
    parameters = _parameters(kind)
    found = {name: _setting(kind, parameter) for name, parameter in parameters.items()}
    required = tuple(name for name, one in parameters.items() if one.default is inspect.Parameter.empty)
    for name, parameter in parameters.items():
        if name in _TAKEN or parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise StepError(f"{kind.__name__} ({where}): its parameter {name} cannot be given by name; rename it")
        if found[name] is None and name in required:
            raise StepError(
                f"{kind.__name__} ({where}): a form can ask for numbers, texts and bools, and its parameter"
                f" {parameter} is none; give it a default"
            )
    settings = tuple(setting for setting in found.values() if setting is not None)
    return (settings if "seed" in parameters else (*settings, _SEED)), required


def _parameters(kind: Any) -> dict[str, inspect.Parameter]:
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError):  # it takes whatever it is given, or is not written in Python
        return {}
    return {name: one for name, one in signature.parameters.items() if one.kind not in _NOT_PARAMETERS}


def _setting(kind: Any, parameter: inspect.Parameter) -> Setting | None:
    """The setting of a parameter; None where no form can ask for it."""
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
    if default is not None and not isinstance(default, bool | int | float | str):
        return None
    annotation, optional = _annotation(kind, parameter)
    choices = _choices(annotation)
    chosen = "choice" if choices else _kind_of(parameter.name, annotation, default)
    if chosen is None:
        return None
    optional = optional or (default is None and parameter.default is None)
    if chosen == "amount" and default is None and not optional:
        default = 0.3
    if chosen in {"choice", "flag"} and default is None and not optional:
        default = choices[0] if choices else False
    return Setting(chosen, _sentence(kind, parameter.name), default, choices, parameter.name, optional)


def _kind_of(name: str, annotation: object, default: object) -> SettingKind | None:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if annotation is Any or annotation is inspect.Parameter.empty:
        return "any" if default is None else _BY_TYPE[type(default)]
    return _BY_TYPE.get(annotation)


def _annotation(kind: Any, parameter: inspect.Parameter) -> tuple[object, bool]:
    """What a parameter is annotated with, without `None`; and whether `None` was there."""
    try:
        found = typing.get_type_hints(kind.__init__).get(parameter.name, inspect.Parameter.empty)
    except Exception:  # noqa: BLE001 - a text that names what is not imported; then the default tells the type
        return inspect.Parameter.empty, False
    if get_origin(found) not in {typing.Union, types.UnionType}:
        return found, False
    members = tuple(member for member in get_args(found) if member is not type(None))
    return (members[0] if len(members) == 1 else typing.Union[members]), len(members) < len(get_args(found))  # noqa: UP007


def _choices(annotation: object) -> tuple[str, ...]:
    values = get_args(annotation) if get_origin(annotation) is Literal else ()
    return values if all(isinstance(value, str) for value in values) else ()


def _sentence(kind: Any, name: str) -> str:
    """What the docstring of a class or of its constructor says of a parameter."""
    for text in (kind.__init__.__doc__, kind.__doc__):
        said = re.search(rf"^\s*{re.escape(name)}\s*(?:\([^)\n]*\))?:\s*(\S.*)$", text or "", re.MULTILINE)
        if said:
            return sentence(said[1])
    return f"A parameter of {kind.__name__}."


def sentence(text: str) -> str:
    """A text as a sentence: in one line, with its full stop."""
    joined = " ".join(text.split())
    return joined if joined.endswith((".", "!", "?")) else f"{joined}."
