"""The methods that torch has not, written once more as plainly as can be: entry by entry, on Python numbers."""

import itertools
import math
from typing import NamedTuple

import torch


class Tensor(NamedTuple):
    """What a method is told of a tensor.

    Attributes:
        shape: Its sizes.
        values: Its entries by index, before masking.
        alive: Whether each is left, by index.
        like: The tensor itself, for the dtype of a mask.
    """

    shape: tuple
    values: dict
    alive: dict
    like: torch.Tensor


def seen(module, name):
    """A module's tensor as it is now."""
    pruned = any(getattr(hook, "_tensor_name", None) == name for hook in module._forward_pre_hooks.values())
    original = getattr(module, f"{name}_orig" if pruned else name).detach()
    mask = getattr(module, f"{name}_mask") if pruned else torch.ones_like(original)
    indices = list(itertools.product(*map(range, original.shape)))
    return Tensor(
        tuple(original.shape),
        {index: original[index].item() for index in indices},
        {index: mask[index].item() == 1 for index in indices},
        original,
    )


def rank(score):
    """NaN ranks above all numbers."""
    return (1, 0.0) if math.isnan(score) else (0, score)


def mask_without(tensor, gone):
    """A mask of ones with zeros at some indices."""
    mask = torch.ones(tensor.shape, dtype=tensor.like.dtype)
    for index in gone:
        mask[index] = 0
    return mask


def semi_structured(tensors, pattern="2:4", dim=1):
    """Of every M entries along an axis, all but the N largest go, and first what is masked already."""
    keep, of = map(int, pattern.split(":"))
    assert 0 < keep < of
    for tensor in tensors:
        assert tensor.shape[dim] % of == 0
        axis = dim % len(tensor.shape)
        gone = []
        groups = itertools.groupby(
            sorted(tensor.values, key=lambda index: (index[:axis], index[axis + 1 :], index[axis])),
            key=lambda index: (index[:axis], index[axis + 1 :], index[axis] // of),
        )
        for _, group in groups:
            masked_first = sorted(
                group, key=lambda index: (tensor.alive[index], rank(abs(tensor.values[index])), index[axis])
            )
            gone += masked_first[: of - keep]
        yield mask_without(tensor, gone)


METHODS = {"semi_structured": semi_structured}
