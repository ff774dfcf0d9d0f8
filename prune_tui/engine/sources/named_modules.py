"""A module tree from the names of tensors alone, for who has a checkpoint and not the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from prune_tui.engine import named
from prune_tui.engine.named import Named

_BUFFERS = {"running_mean", "running_var", "num_batches_tracked"}
"""What torch's own modules keep as buffers, though it has the dtype of a parameter."""


_OWN = frozenset(dir(Named()))
"""Names that a module needs for itself: torch's, and one of ours that no checkpoint has."""


class Tree(NamedTuple):
    """A model of names.

    Attributes:
        model: It.
        left_out: Why a tensor has no place in it, by name.
    """

    model: Named
    left_out: Mapping[str, str]


def tree_of(tensors: Mapping[str, Tensor], label: str) -> Tree:
    """Modules named as the tensors' dotted names say, which hold them as parameters and buffers.

    A state_dict does not say which is which: floating and complex tensors become parameters, but for masks and for
    the statistics of normalisation; the others buffers.

    Args:
        tensors: By dotted name, in the order of the tree to be.
        label: Of the whole.
    """
    tree = _Names()
    left_out = {name: reason for name, tensor in tensors.items() if (reason := tree.put(name, tensor))}
    model = tree.built()
    named.called(model, label)
    return Tree(model, left_out)


class _Names:
    """What is to become modules: names below names."""

    def __init__(self) -> None:
        self._tensors: dict[tuple[str, ...], dict[str, Tensor]] = {(): {}}
        self._children: dict[tuple[str, ...], set[str]] = {(): set()}

    def put(self, name: str, tensor: Tensor) -> str:
        """Add a tensor and the modules above it, or say why that cannot be."""
        *above, own = parts = name.split(".")
        bad = next((part for part in parts if not part or part in _OWN), None)
        if bad is not None:
            return f"no module of torch can hold anything called {bad!r}"
        places = [tuple(above[:depth]) for depth in range(len(above) + 1)]
        taken = next((place for place in places[1:] if place[-1] in self._tensors.get(place[:-1], ())), None)
        if taken is not None:
            return f"{'.'.join(taken)} is a tensor, too, and torch has nothing below tensors"
        if own in self._children.get(places[-1], ()):
            return f"there are tensors below {name}, and torch has nothing below tensors"
        for place in places[1:]:
            self._children[place[:-1]].add(place[-1])
            self._tensors.setdefault(place, {})
            self._children.setdefault(place, set())
        self._tensors[places[-1]][own] = tensor
        return ""

    def built(self) -> Named:
        """The modules. Inner places come after outer ones, so every parent is there first.

        They go where torch's `register_…` puts them; what that checks is checked in `put`, and quicker.
        """
        modules: dict[tuple[str, ...], Named] = {}
        parameters: dict[object, nn.Parameter] = {}
        for place, tensors in self._tensors.items():
            module = modules[place] = Named()
            module.training = False
            if place:
                modules[place[:-1]]._modules[place[-1]] = module
            for name, tensor in tensors.items():
                original = tensors.get(f"{name.removesuffix('_mask')}_orig") if name.endswith("_mask") else None
                is_value = tensor.is_floating_point() or tensor.is_complex()
                if is_value and original is None and name not in _BUFFERS:
                    memory = _memory(tensor)
                    if memory not in parameters:
                        parameters[memory] = nn.Parameter(tensor, requires_grad=False)
                    module._parameters[name] = parameters[memory]
                else:
                    module._buffers[name] = tensor
        return modules[()]


def _memory(tensor: Tensor) -> object:
    """The same for tensors that are one, and so one parameter: tied weights."""
    if not tensor.numel():
        return id(tensor)
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device
