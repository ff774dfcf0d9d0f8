"""`weight_orig` and `weight_mask` of a checkpoint, brought into modules that know only `weight`.

What stands there afterwards is what torch's pruning leaves, but for the hooks, which `restored_pruning` attaches.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from prune_tui.engine import pruned
from prune_tui.engine.sources import enough_memory
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.walking import named_modules_of

ORIGINAL, MASK = "_orig", "_mask"
_NONE = torch.empty(0)
"""In the place of a tensor that the files keep under the name of one that it is tied to."""


class Split(NamedTuple):
    """The tensors of a checkpoint.

    Attributes:
        plain: By the names that they have unpruned, in their order, without masks.
        masks: By the same names.
    """

    plain: dict[str, Tensor]
    masks: dict[str, Tensor]


class Place(NamedTuple):
    """Where a parameter is.

    Attributes:
        path: Its dotted name.
        module: What holds it.
        name: Under which name.
    """

    path: str
    module: nn.Module
    name: str

    @property
    def parameter(self) -> nn.Parameter:
        """What is held."""
        found = self.module._parameters[self.name]
        assert found is not None  # parameters() leaves out what is registered as None
        return found


def split(tensors: Mapping[str, Tensor]) -> Split:
    """Part masks from values: what ends in `_mask` is a mask where an original of its shape is."""
    masks = {
        base: mask
        for name, mask in tensors.items()
        if (base := name.removesuffix(MASK)) != name and _are_pair(tensors.get(base + ORIGINAL), mask)
    }
    plain = {}
    for name, tensor in tensors.items():
        base = name.removesuffix(ORIGINAL)
        if base in masks:
            plain[base] = tensor
        elif name.removesuffix(MASK) not in masks:
            plain[name] = tensor
    return Split(plain, masks)


def _are_pair(original: Tensor | None, mask: Tensor) -> bool:
    return original is not None and original.shape == mask.shape


def unpruned(name: str) -> str:
    """`weight` for `weight_orig` and `weight_mask`."""
    return name.removesuffix(ORIGINAL).removesuffix(MASK)


def parameters(model: nn.Module) -> dict[str, Place]:
    """Every place of a parameter by its dotted name; one that is tied has several."""
    return {
        place.path: place
        for path, module in named_modules_of(model)
        for name, parameter in module._parameters.items()
        if parameter is not None and (place := Place(f"{path}.{name}" if path else name, module, name))
    }


def places_of(model: nn.Module, plain: Mapping[str, Tensor], bases: Iterable[str]) -> dict[str, Place]:
    """Where the tensors that masks belong to are in a model that was built on them.

    Args:
        model: Its parameters stand on the memory of `plain`, perhaps under other names.
        plain: As `split` gives them.
        bases: Names of those that have masks.

    Raises:
        SourceError: One was converted, so that no parameter is the one that its mask belongs to.
    """
    by_path = parameters(model)
    by_memory: dict[int, list[Place]] = {}
    for place in by_path.values():
        by_memory.setdefault(place.parameter.data_ptr(), []).append(place)
    found = {}
    for base in bases:
        tensor = plain.get(base, _NONE)
        there = by_memory.get(tensor.data_ptr(), []) if tensor.numel() else []
        exact = by_path.get(base)
        if exact is not None and (tensor is _NONE or exact.parameter.shape == tensor.shape):
            found[base] = exact
        elif there:
            found[base] = max(there, key=lambda place: _common_end(place.path, base))
        else:
            raise SourceError(f"{base} is pruned, and is made into another tensor, which its mask does not fit")
    # torch puts what it prunes behind what it has pruned before: most likely the first parameter first.
    order = {path: number for number, path in enumerate(by_path)}
    return dict(sorted(found.items(), key=lambda one: order[one[1].path]))


def tied_masks(model: nn.Module, unused: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Masks whose original a file keeps under another name only, since the two are tied: by the parameters' names.

    Args:
        model: It is tied there, too.
        unused: Tensors that the model has no place for.
    """
    known = parameters(model)
    masks = {name.removesuffix(MASK): tensor for name, tensor in unused.items() if name.endswith(MASK)}
    return {
        base: mask for base, mask in masks.items() if base in known and known[base].parameter.shape == mask.shape
    }


def _common_end(one: str, other: str) -> int:
    """Names, from the end, that two dotted names share."""
    count = 0
    for a, b in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if a != b:
            break
        count += 1
    return count


def put(places: Mapping[str, Place], masks: Mapping[str, Tensor]) -> None:
    """Give parameters the names and masks that torch's pruning gives them, in its order.

    Args:
        places: Of the parameters, as `places_of` gives them.
        masks: By the same names; of the parameters' shapes.
    """
    for base, place in places.items():
        module, name, parameter = place.module, place.name, place.parameter
        mask = masks[base].to(device=parameter.device, dtype=parameter.dtype)
        del module._parameters[name]
        module.register_parameter(name + ORIGINAL, parameter)
        module.register_buffer(name + MASK, mask)


def compute(model: nn.Module) -> None:
    """Set what torch's hooks set before each forward: `weight = weight_orig * weight_mask`.

    A module's code may read it before the hook was called.

    Raises:
        SourceError: There is not enough memory for it.
    """
    hooked = [
        (module, name, hook)
        for _, module in named_modules_of(model)
        for _, name, hook in pruned.pruning_hooks(module)
        if pruned.multiplies(hook) and pruned.is_pruned(module, name)
    ]
    sizes: dict[torch.device, int] = {}
    for module, name, _ in hooked:
        original = module._parameters[name + ORIGINAL]
        if original is not None and not original.is_meta:
            sizes[original.device] = sizes.get(original.device, 0) + original.nbytes
    for device, size in sizes.items():
        enough_memory.check("computing the pruned weights", size, device)
    with explained("the pruned weights could not be computed"):
        for module, name, hook in hooked:
            setattr(module, name, hook.apply_mask(module))


def as_stored(names: Iterable[str], bases: Container[str]) -> list[str]:
    """Names of tensors before pruning, as names of what is stored after it."""
    return [name + end for name in names for end in ((ORIGINAL, MASK) if name in bases else ("",))]
