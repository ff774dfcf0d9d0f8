"""The methods in torch's pruning hooks as text, so that a checkpoint can tell of them and have them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch.nn.utils import prune

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


def told(histories: Mapping[str, Iterable[prune.BasePruningMethod]]) -> dict[str, str]:
    """What the metadata say of the methods on each tensor; nothing where none is pruned."""
    found = {name: [_described(method) for method in methods] for name, methods in histories.items()}
    return {METHODS: json.dumps(found)} if found else {}


def _described(method: prune.BasePruningMethod) -> dict[str, Any]:
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
