"""Scores of entries, and the smallest of them: what the methods beyond torch's own rank by.

NaN ranks above all numbers, so that it never goes before one; among equal scores the first by index go, the same
on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui.engine import bits
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.reading import as_numbers, comparable
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import Bits

_PIECE = 2**20
"""Entries gone through at a time."""


def magnitudes(values: Tensor) -> Tensor:
    """|w| in a type that compares on every device: float32 for narrower floats, float64 for what is no float.

    Args:
        values: Any shape and dtype.

    Returns:
        A new tensor of the same shape.
    """
    if values.is_floating_point():
        return comparable(values if values.dtype is torch.float64 else values.to(torch.float32)).abs()
    return as_numbers(values).abs()


def alive(target: Seen) -> Tensor:
    """Which entries are ranked: those whose mask is 1, as torch counts them when it prunes again.

    Returns:
        A bool tensor of the target's shape.
    """
    before = target.before
    if before is None:
        return torch.ones_like(target.original, dtype=torch.bool)
    return bits.unpack(before) if isinstance(before, Bits) else comparable(before) == 1


def _named(method: prune.BasePruningMethod, target: Seen) -> prune.BasePruningMethod:
    method._tensor_name = target.name
    return method


def keeping(target: Seen, kept: Tensor) -> tuple[prune.BasePruningMethod, Tensor]:
    """The method object and the mask that keep some entries of a target, as torch's `custom_from_mask` makes them.

    Args:
        target: The target.
        kept: bool, of its shape; what is masked already stays masked whatever it says, and what a mask scales by
            stays where this is True.
    """
    if isinstance(target.before, Bits):
        merged = bits.pack(kept & bits.unpack(target.before))
        return _named(prune.CustomFromMask(None), target), PackedMask(merged, target.original.dtype)
    before = target.mask
    method = prune.CustomFromMask(kept if before is None else kept & bits.alive(before))
    method._tensor_name = target.name
    if before is None:
        return method, kept.to(target.original.dtype)
    before = before.clone(memory_format=torch.contiguous_format).to(target.original.dtype)
    return method, method.compute_mask(target.original, default_mask=before)


def floor_of(share: float, units: int) -> int:
    """The fewest units that are a share of all, exactly: of 100, 0.07 is 7, though 0.07 * 100 is more."""
    return math.ceil(Fraction(str(share)) * units)


def ordered(scores: Tensor) -> Tensor:
    """Scores as integers that sort as they do, NaN above all, -0.0 as 0.0.

    Args:
        scores: float32 or float64, any shape.

    Returns:
        int32 or int64 of the same shape.
    """
    kind = torch.int32 if scores.dtype is torch.float32 else torch.int64
    scores = scores.contiguous() + 0.0  # -0.0 is 0.0
    words = scores.masked_fill_(scores.isnan(), torch.nan).view(kind)  # one NaN, with a positive sign
    for some in words.view(-1).split(_PIECE):
        some.bitwise_xor_((some >> 63 if kind is torch.int64 else some >> 31) & torch.iinfo(kind).max)
    return words


def smallest_together(ranked: Sequence[Tensor], count: int, most: Sequence[int]) -> list[Tensor]:
    """Which units go when some tensors are ranked as one long vector, none of them losing more than it may.

    Where the common threshold would take more of a tensor than it may lose, that tensor loses just that, its
    smallest; the rest is ranked anew for what is still to go, until no tensor loses too much. The threshold only
    rises by that, so that no tensor that was held back once would fit later.

    Args:
        ranked: For each tensor its units' scores, 1-D, as `ordered` makes them.
        count: How many go in all; no more than the sum of `most`.
        most: How many each may lose.

    Returns:
        For each tensor a bool vector, True where a unit goes.
    """
    held: dict[int, int] = {}
    while True:
        free = [index for index in range(len(ranked)) if index not in held]
        cut = _cut([ranked[index] for index in free], count - sum(held.values()))
        gone = dict(zip(free, cut, strict=True))
        over = [index for index in free if int(gone[index].sum()) > most[index]]
        if not over:
            break
        held |= {index: most[index] for index in over}
    for index, number in held.items():
        (gone[index],) = _cut([ranked[index]], number)
    return [gone[index] for index in range(len(ranked))]


def _cut(ranked: Sequence[Tensor], count: int) -> list[Tensor]:
    """Which of the smallest go: below the threshold all, at it the first by tensor and index."""
    if not count:
        return [torch.zeros_like(one, dtype=torch.bool) for one in ranked]
    threshold = _smallest(torch.cat([one.to(ranked[0].device) for one in ranked]), count)
    at_it = count - sum(int((one < threshold).sum()) for one in ranked)
    gone = []
    for one in ranked:
        equal = one == threshold
        here = int(equal.sum())
        if here > at_it:
            equal[equal.nonzero()[at_it:, 0]] = False
        at_it -= min(here, at_it)
        gone.append(equal.logical_or_(one < threshold))
    return gone


def _smallest(words: Tensor, count: int) -> int:
    """The count-th smallest of some integers, which are put in another order."""
    if words.device.type == "cpu":
        row = words.numpy()
        row.partition(count - 1)
        return int(row[count - 1])
    return int(words.kthvalue(count).values)
