"""Choosing the entries of smallest magnitude by counting: torch's very choice, without sorting what nobody reads.

`torch.topk` copies sixteen bytes an entry and sorts its result. Here a sample brackets the threshold, one pass
counts what lies below the bracket and collects what lies inside, and only that is searched. Among magnitudes equal
to the threshold the choice is `topk`'s own; then it is asked, but not for an order: the set is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Words = npt.NDArray[Any]
"""Magnitudes as integers: without their sign bits, floats are ordered as their bit patterns are, NaN above all."""

SMALLEST = 2**16
"""Entries below which torch's own way is as quick."""
_PIECE = 2**18
_SAMPLE = 2**15
_WORDS = {torch.float32: np.int32, torch.float64: np.int64}


def smallest_masked(values: Tensor, mask: Tensor | None, count: int) -> Tensor | None:
    """The mask after the `count` smallest magnitudes among the living are taken.

    Equal, bit by bit, to what `torch.nn.utils.prune.L1Unstructured` makes, by itself or in a container.

    Args:
        values: Any shape, contiguous; float32 or float64 on the CPU, without gradient.
        mask: The mask before, of the same shape; entries that are 1 are alive. None where there is none.
        count: How many go.

    Returns:
        A new contiguous mask in the dtype of `values`; None where this is no quicker: another dtype or device, few
        entries, nothing or everything to take.
    """
    words = _WORDS.get(values.dtype)
    if words is None or values.device.type != "cpu" or values.numel() < SMALLEST or not values.is_contiguous():
        return None
    flat = values.view(-1).numpy().view(words)
    alive = None if mask is None else (mask == 1).contiguous().view(-1).numpy()
    living = flat.size if alive is None else int(np.count_nonzero(alive))
    if not 0 < count < living:
        return None
    before = torch.ones_like(values) if mask is None else mask.to(values.dtype, copy=True)
    after = before.contiguous()
    threshold = _threshold(flat, alive, count, living)
    if threshold is None:
        return _by_topk(values, None if mask is None else mask == 1, count, after)
    kept = after.view(-1).numpy()
    for piece in _pieces(flat.size):
        goes = _magnitudes(flat[piece]) <= threshold
        np.copyto(kept[piece], 0, where=goes if alive is None else goes & alive[piece])
    return after


def _by_topk(values: Tensor, alive: Tensor | None, count: int, after: Tensor) -> Tensor:
    """Torch's way, down to which of several equal magnitudes go, without the sorting.

    `topk` on the CPU selects first and sorts then, so that the set does not depend on `sorted`.
    """
    magnitudes = (values.view(-1) if alive is None else values[alive]).abs()
    gone = torch.topk(magnitudes, count, largest=False, sorted=False).indices
    if alive is None:
        after.view(-1)[gone] = 0
    else:
        after.view(-1)[alive.reshape(-1).nonzero().view(-1)[gone]] = 0
    return after


def _pieces(size: int) -> Iterator[slice]:
    """Slices that stay in the cache."""
    return (slice(start, start + _PIECE) for start in range(0, size, _PIECE))


def _magnitudes(words: Words) -> Words:
    """The patterns without their sign bits: |x|, with -0.0 as 0.0."""
    magnitudes: Words = words & np.iinfo(words.dtype).max
    return magnitudes


def _threshold(flat: Words, alive: npt.NDArray[np.bool_] | None, count: int, living: int) -> Any:
    """The greatest magnitude that goes; None when that does not tell which entries go, or was not found."""
    low, high = _bracket(flat, alive, count / living)
    below, inside = 0, []
    for piece in _pieces(flat.size):
        magnitudes = _magnitudes(flat[piece])
        if alive is not None:
            magnitudes = magnitudes[alive[piece]]
        below += int(np.count_nonzero(magnitudes < low))
        inside.append(magnitudes[(magnitudes >= low) & (magnitudes <= high)])
    collected = np.concatenate(inside)
    place = count - below
    if not 0 < place <= collected.size:
        return None  # the sample misled
    threshold = np.partition(collected, place - 1)[place - 1]
    shared = int(np.count_nonzero(collected <= threshold)) != place
    infinite = np.array(np.inf, dtype=f"f{flat.itemsize}").view(flat.dtype)
    return None if shared or threshold > infinite else threshold


def _bracket(flat: Words, alive: npt.NDArray[np.bool_] | None, fraction: float) -> tuple[Any, Any]:
    """Two magnitudes with the threshold almost surely between them: six standard deviations of its rank."""
    # A generator of its own: the process's are not ours to draw from. The seed matters to nothing but the time.
    chosen = np.random.default_rng(0).integers(0, flat.size, _SAMPLE)
    if alive is not None:
        chosen = chosen[alive[chosen]]
    sample = np.sort(_magnitudes(flat[chosen]))
    most = np.iinfo(flat.dtype).max
    if not sample.size:
        return 0, most
    spread = 6 * (sample.size * fraction * (1 - fraction)) ** 0.5 + 2
    first, last = int(sample.size * fraction - spread), int(sample.size * fraction + spread)
    low = sample[first] if first >= 0 else 0
    high = sample[last] if last < sample.size else most
    return low, high
