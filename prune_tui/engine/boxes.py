"""A tensor as channels, each with its entries in a row, in boxes of both that stay in the cache."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

PIECE = 2**15 - 1
"""Entries of a box, at most: so few that torch computes in the thread that asks. For more it wakes threads of its
own and waits for them, at each box, which on a busy machine takes twenty times as long as the work."""
_RUN = 512
"""Entries of a channel in a box where channels lie side by side in memory: such a box reads whole cache lines."""


class Box(NamedTuple):
    """Some channels, and some consecutive entries of each.

    Attributes:
        dim: The axis of the channels.
        channels: Which of its indices.
        entries: Which entries of a channel, counted over the other axes in their order.
        others: Where those are in the other axes, the last of which may be left out.
    """

    dim: int
    channels: slice
    entries: slice
    others: tuple[int | slice, ...]

    def cut(self, tensor: Tensor) -> Tensor:
        """The box of a tensor: `channels × entries`, on the CPU. A view, or a copy as small as the box."""
        part = tensor.movedim(self.dim, 0)[(self.channels, *self.others)]
        return part.reshape(part.shape[0], -1).cpu()


def boxes(tensor: Tensor, dim: int, multiple: int = 1) -> Iterator[Box]:
    """Boxes that have each entry of a tensor once.

    Args:
        tensor: Of any strides; only its shape and strides are read.
        dim: The axis of the channels.
        multiple: A box begins at a multiple of so many channels: groups of them are not cut.
    """
    if not tensor.numel():
        return
    moved = tensor.movedim(dim, 0)
    channels, *others = moved.shape
    entries = prod(others)
    strides = [stride for stride, size in zip(moved.stride()[1:], others, strict=True) if size > 1]
    lies_apart = all(moved.stride(0) >= stride for stride in strides)
    run = min(entries, PIECE if lies_apart else max(_RUN, PIECE // channels))
    step = max(PIECE // run // multiple, 1) * multiple
    for first in range(0, channels, step):
        some = slice(first, min(first + step, channels))
        for where, index in _runs(others, run):
            yield Box(dim, some, where, index)


def parts_of(run: slice, size: int, parts: int) -> tuple[int, list[int]]:
    """Where a run lies among so many parts, as equal as can be, of an axis.

    Args:
        run: Some of its indices.
        size: How many it has.
        parts: How many parts, at most as many as indices.

    Returns:
        The first part that the run has indices of, and where in the run each of its parts begins.
    """
    edges = [part * size // parts for part in range(parts)]
    first = bisect_right(edges, run.start) - 1
    return first, [max(edge - run.start, 0) for edge in edges[first : bisect_left(edges, run.stop)]]


def alive(kept: Tensor) -> npt.NDArray[np.uint8]:
    """A part of a mask, on the CPU, as 1 where it keeps an entry and 0 where it does not."""
    narrow = kept.dtype.is_floating_point and kept.dtype.itemsize < 4
    # numpy compares several times as fast as torch; the types that it lacks or is slow with are few among masks.
    flags: npt.NDArray[np.bool_] = (kept.to(torch.float32) if narrow else kept).numpy() != 0
    return flags.view(np.uint8)


def _runs(sizes: list[int], most: int) -> Iterator[tuple[slice, tuple[int | slice, ...]]]:
    """Consecutive entries of a shape, at most so many, each run with its index."""
    entries = prod(sizes)
    if entries <= most:
        yield slice(0, entries), ()
        return
    inner = entries // sizes[0]
    step = most // inner
    for at in range(0, sizes[0], max(step, 1)):
        if step:
            stop = min(at + step, sizes[0])
            yield slice(at * inner, stop * inner), (slice(at, stop),)
            continue
        for run, index in _runs(sizes[1:], most):
            yield slice(at * inner + run.start, at * inner + run.stop), (at, *index)
