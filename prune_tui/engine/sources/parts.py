"""Which part of a trainer's checkpoint is the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from prune_tui.step_settings import nearest

PREFERRED = (
    "model",
    "state_dict",
    "model_state_dict",
    "module",
    "model_state",
    "net",
    "network",
    "net_state_dict",
    "params",
    "weights",
    "ema",
    "model_ema",
    "ema_state_dict",
    "params_ema",
)
"""What trainers call the model, the likeliest first; the averaged one after the trained one."""
_NOT_MODELS = ("optim", "sched", "scaler", "rng", "loops", "callbacks", "hyper_parameters", "datamodule")
"""How keys begin or end that hold tensors or much else, and never a model."""
_DEEPEST = 4
_MOST = 10_000
"""Dictionaries looked into."""
_TOLD = 6
"""Names in a sentence."""
WHOLE = "."
"""What `--key` calls the outermost dictionary."""


class NoPartError(ValueError):
    """A checkpoint without what was wanted; its text says what it has."""


class Part(NamedTuple):
    """What is opened of a checkpoint.

    Attributes:
        key: Dotted; empty where it is all of it.
        value: A dictionary with tensors, or a module.
        tensors: What of the dictionary is a tensor, by name, as it stands there.
        others: Keys that could be chosen instead.
        left_out: What else the checkpoint holds, and is no model.
    """

    key: str
    value: Any
    tensors: Mapping[str, Any]
    others: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the choice."""
        told = []
        if self.key:
            instead = f"; --key takes another: {listed(self.others)}" if self.others else ""
            told.append(f"{self.key} of the checkpoint is shown{instead}")
        elif self.others:
            told.append(f"the outermost tensors are shown; --key takes others: {listed(self.others)}")
        if self.left_out:
            told.append(f"also holds {listed(self.left_out)}: not shown")
        return tuple(told)


def choose(content: Any, key: str, is_tensor: Callable[[Any], bool], is_module: Callable[[Any], bool]) -> Part:
    """Find the model in what a checkpoint holds.

    Args:
        content: A state_dict, a trainer's dictionary, a list of tensors, a tensor or a module.
        key: Which part is wanted, dotted; empty leaves it to the names trainers use, and then to the number of
            tensors.
        is_tensor: Of a value.
        is_module: Of a value.

    Raises:
        NoPartError: There are no tensors in it, or none at that key.
    """
    if is_tensor(content):
        content = {"tensor": content}
    elif isinstance(content, (list, tuple)):
        content = {str(number): one for number, one in enumerate(content)}
    found = dict(_parts(content, is_tensor, is_module))
    if not found:
        raise NoPartError(f"it holds no tensors: {_told(content)}")
    chosen = _asked(found, key) if key else _best(found, is_tensor)
    value = found[chosen]
    tensors = {name: one for name, one in named_items(value).items() if is_tensor(one)}
    left_out = _left_out(content, list(found), is_tensor)
    if chosen:
        left_out += [
            _told_of(name) for name in _keys(value) if name not in tensors and _below(chosen, name) not in found
        ]
    return Part(chosen, value, tensors, tuple(one or WHOLE for one in found if one != chosen), tuple(left_out))


def listed(names: tuple[str, ...]) -> str:
    """Names for a sentence, the first few of many."""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return f"{', '.join(name if len(name) <= 60 else f'{name[:59]}…' for name in names[:_TOLD])}{more}"


def _parts(
    content: Any, is_tensor: Callable[[Any], bool], is_module: Callable[[Any], bool]
) -> Iterator[tuple[str, Any]]:
    """Every dictionary that holds tensors itself, and every module, by key; outer ones first."""
    waiting, seen = [("", content, 0)], {id(content)}
    while waiting and len(seen) < _MOST:
        place, value, depth = waiting.pop(0)
        if is_module(value) or any(is_tensor(one) for one in named_items(value).values()):
            yield place, value
        if is_module(value) or depth == _DEEPEST:
            continue
        for name, inner in named_items(value).items():
            if (isinstance(inner, Mapping) or is_module(inner)) and id(inner) not in seen and not _no_model(name):
                seen.add(id(inner))
                waiting.append((_below(place, name), inner, depth + 1))


def _keys(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Mapping) else []


def named_items(value: Any) -> Mapping[str, Any]:
    """What is in a dictionary under names; half of a character pair is none, and cannot be written to a screen."""
    return {key: value[key] for key in _keys(value) if isinstance(key, str) and _is_text(key)}


def _is_text(key: str) -> bool:
    if key.isascii():
        return True
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _told_of(key: Any) -> str:
    if isinstance(key, str):
        return key if _is_text(key) else ascii(key)
    return (
        str(key)
        if isinstance(key, int) and abs(key) < 2**63
        else f"an entry without a name ({type(key).__name__})"
    )


def _below(place: str, name: Any) -> str:
    return f"{place}.{name}" if place else str(name)


def _no_model(name: str) -> bool:
    return name.lower().startswith(_NOT_MODELS) or name.lower().endswith(_NOT_MODELS)


def _best(found: Mapping[str, Any], is_tensor: Callable[[Any], bool]) -> str:
    """A part of a name that trainers use, outer ones first; else the one with the most tensors."""
    named = [one for one in found if one.rpartition(".")[2].lower() in PREFERRED or _first(one) in PREFERRED]
    if named:
        return min(named, key=lambda one: (one.count("."), _rank(one)))
    return max(found, key=lambda one: sum(map(is_tensor, named_items(found[one]).values())))


def _first(key: str) -> str:
    return key.partition(".")[0].lower()


def _rank(key: str) -> int:
    names = (_first(key), key.rpartition(".")[2].lower())
    return min(PREFERRED.index(name) for name in names if name in PREFERRED)


def _asked(found: Mapping[str, Any], key: str) -> str:
    wanted = "" if key == WHOLE else key
    below = [one for one in found if one.startswith(f"{wanted}.")] if wanted else []
    if wanted in found:
        return wanted
    if len(below) == 1:
        return below[0]
    choice = below or [one or WHOLE for one in found]
    raise NoPartError(
        f"it holds no tensors at --key {key}{nearest(key, choice)}; there {_are(choice)} {listed(tuple(choice))}"
    )


def _are(choice: list[str]) -> str:
    return "is" if len(choice) == 1 else "are"


def _left_out(content: Any, found: list[str], is_tensor: Callable[[Any], bool]) -> list[str]:
    """Keys of the outermost dictionary that hold no part and are no tensor, or have no name."""
    names = named_items(content)
    tensors = {name for name, value in names.items() if is_tensor(value)}
    first = {part.partition(".")[0] for part in found} | set(found)
    return [_told_of(key) for key in _keys(content) if key not in tensors and key not in first]


def _told(content: Any) -> str:
    if isinstance(content, Mapping):
        names = tuple(named_items(content))
        return f"it is a dictionary with {listed(names)}" if names else "it is a dictionary without names"
    return f"it is of type {type(content).__name__}"
