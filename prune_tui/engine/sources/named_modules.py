"""A module tree from the names of tensors alone, for who has a checkpoint and not the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from prune_tui.engine import named
from prune_tui.engine.named import Named
from prune_tui.engine.sources.name_tree import NameTree, Path, is_parameter

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
    tree: NameTree[Tensor] = NameTree(_OWN)
    left_out = {name: reason for name, tensor in tensors.items() if (reason := tree.put(name, tensor))}
    model = _built(tree)
    named.called(model, label)
    return Tree(model, left_out)


def _built(tree: NameTree[Tensor]) -> Named:
    """The modules.

    They go where torch's `register_…` puts them; what that checks is checked before, and quicker.
    """
    modules: dict[Path, Named] = {}
    parameters: dict[object, nn.Parameter] = {}
    for place, tensors in tree.tensors.items():
        module = modules[place] = Named()
        module.__dict__["training"] = False  # where torch puts it, after a look through all its registries
        if place:
            modules[place[:-1]]._modules[place[-1]] = module
        for name, tensor in tensors.items():
            if is_parameter(name, tensors, has_values=tensor.is_floating_point() or tensor.is_complex()):
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
