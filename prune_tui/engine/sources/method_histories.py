"""The methods in torch's pruning hooks as text, so that a checkpoint can tell of them and have them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import pruned
from prune_tui.engine.walking import named_modules_of

METHODS = "prune_tui.methods"
"""Name in a checkpoint's metadata: for each pruned tensor the methods of its hook, the first one first."""

_MAKE: dict[str, Callable[[Mapping[str, Any]], prune.BasePruningMethod]] = {
    "Identity": lambda _: prune.Identity(),
    "RandomUnstructured": lambda held: prune.RandomUnstructured(held["amount"]),
    "L1Unstructured": lambda held: prune.L1Unstructured(held["amount"]),
    "RandomStructured": lambda held: prune.RandomStructured(held["amount"], dim=held["dim"]),
    "LnStructured": lambda held: prune.LnStructured(held["amount"], n=held["n"], dim=held["dim"]),
}
"""Torch's classes; of any other a `CustomFromMask` stands in the hook when it comes back."""
_SETTINGS = ("amount", "n", "dim")
_MOST = 10_000
"""Methods on one tensor; what tells of more is no history."""


Description = dict[str, Any]
"""A method's class and settings."""


def told(histories: Mapping[str, Sequence[Description]]) -> dict[str, str]:
    """What the metadata say of the methods on each tensor; nothing where none is pruned."""
    return {METHODS: json.dumps(histories, sort_keys=True)} if histories else {}


def described(model: nn.Module) -> dict[str, list[Description]]:
    """The methods on each pruned tensor of a model, by dotted name."""
    return {
        f"{path}.{name}" if path else name: [*map(description, pruned.methods_of(hook))]
        for path, module in named_modules_of(model)
        for _, name, hook in pruned.pruning_hooks(module)
        if pruned.is_pruned(module, name) and pruned.methods_of(hook)
    }


def description(method: prune.BasePruningMethod) -> Description:
    """What is told of a method."""
    kind = type(method).__name__ if type(method) is getattr(prune, type(method).__name__, None) else ""
    if kind not in _MAKE:
        return {"method": "CustomFromMask"}
    return {"method": kind, **{name: held for name, held in vars(method).items() if name in _SETTINGS}}


def read(metadata: Mapping[str, str]) -> dict[str, list[prune.BasePruningMethod]]:
    """New method objects for each tensor that the metadata tell of.

    Raises:
        ValueError: They cannot be read.
    """
    try:
        found = json.loads(metadata.get(METHODS, "{}"))
        return {str(name): _made(methods) for name, methods in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"the methods that the checkpoint tells of cannot be read: {error}") from error


def _made(methods: Sequence[Mapping[str, Any]]) -> list[prune.BasePruningMethod]:
    if not 0 < len(methods) < _MOST:
        raise ValueError(f"{len(methods)} methods on one tensor")
    makers = [(_MAKE.get(one["method"]), one) for one in methods]
    return [prune.CustomFromMask(None) if make is None else make(one) for make, one in makers]
