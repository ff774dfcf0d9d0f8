"""Walking a model without recursion, which torch's own `named_modules` does and a deep model would exhaust."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from torch import Tensor, nn


class Place(NamedTuple):
    """Where a module stands in a model.

    Attributes:
        path: Dotted name; empty for the model itself.
        module: The module.
        parent: Index of the place above; -1 for the model itself.
        first: Index of the first place of this very module.
    """

    path: str
    module: nn.Module
    parent: int
    first: int


def places(model: nn.Module, *, into_shared: bool = False) -> list[Place]:
    """Every place of a module in a model, depth first, parents before children, in the order of the model.

    Args:
        model: The model; one that holds itself ends too.
        into_shared: Also walk what is inside a module that was met before, unless that is inside itself.
    """
    found: list[Place] = []
    first: dict[int, int] = {}
    above: set[int] = set()
    waiting: list[tuple[str, nn.Module, int, bool]] = [("", model, -1, False)]
    while waiting:
        path, module, parent, left = waiting.pop()
        if left:
            above.discard(id(module))
            continue
        if into_shared and id(module) in above:
            continue
        index = len(found)
        found.append(Place(path, module, parent, first.setdefault(id(module), index)))
        if found[-1].first != index and not into_shared:
            continue
        if not module._modules:
            continue
        if into_shared:
            above.add(id(module))
            waiting.append((path, module, parent, True))
        prefix = f"{path}." if path else ""
        children = [(prefix + name, child) for name, child in module._modules.items() if child is not None]
        waiting.extend((name, child, index, False) for name, child in reversed(children))
    return found


def named_modules_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every module once, by its first path, as `model.named_modules()`."""
    return [(place.path, place.module) for index, place in enumerate(places(model)) if place.first == index]


def modules_of(model: nn.Module) -> list[nn.Module]:
    """Every module once, as `model.modules()`."""
    return [module for _, module in named_modules_of(model)]


def parameters_of(model: nn.Module) -> list[nn.Parameter]:
    """Every parameter once, as `model.parameters()`."""
    held = chain.from_iterable(module._parameters.values() for module in modules_of(model))
    return list({id(one): one for one in held if one is not None}.values())


def buffers_of(model: nn.Module) -> list[Tensor]:
    """Every buffer once, as `model.buffers()`."""
    held = chain.from_iterable(module._buffers.values() for module in modules_of(model))
    return list({id(one): one for one in held if one is not None}.values())


def tensors_of(model: nn.Module) -> Iterator[Tensor]:
    """Every parameter and buffer."""
    return chain(parameters_of(model), buffers_of(model))
