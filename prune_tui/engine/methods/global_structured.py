"""Channels of all targets ranked together by their Ln norm for their size.

The norm of a channel is divided by the n-th root of its number of entries, so that channels of few and of many
entries compare: (mean of |w|ⁿ)^(1/n). The norms are `torch.linalg.vector_norm`'s of the values in float64; torch's
`ln_structured` takes them in the values' own dtype.

Source, for n = 2: the criterion "minimum weight", a mean of squares, of Molchanov, Tyree, Karras, Aila, Kautz,
"Pruning Convolutional Neural Networks for Resource Efficient Inference", 2017, arXiv 1611.06440.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.effects import channels_alive
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.ranked_entries import amount_and_most, most_of
from prune_tui.engine.methods.torchs_own import (
    Masked,
    each,
    instead_of_channels,
    refuse_without_channels,
)
from prune_tui.engine.refusals import refusals
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError
from prune_tui.step_types import GlobalStructured

_PIECE = 2**20
"""Entries whose norms are taken at a time, or one channel's where that has more."""


def plan(step: GlobalStructured, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
    """The masks of a global step by channels. Those that are wholly masked are not ranked.

    Raises:
        StepError: A target has no channels along the axis, n has no mean, or the amount asks for too much.
    """
    if isinstance(step.n, str) or step.n == 0:
        raise StepError(f"n is {step.n}; channels of different size compare by a number other than 0, inf or -inf")
    for target in found:
        refuse_without_channels(target, step.dim, instead_of_channels(step))
    alive = [_channels_alive(target, step.dim) for target in each(found, stop)]
    count, most = amount_and_most(
        step,
        found,
        [int(one.sum()) for one in alive],
        [target.original.shape[step.dim] for target in found],
        "channels",
    )
    scores = [_sizes(target, step.dim, step.n)[one] for target, one in zip(each(found, stop), alive, strict=True)]
    ranked = [ranking.ordered(one) for one in scores]
    for target, one, gone in zip(found, alive, ranking.smallest_together(ranked, count, most), strict=True):
        kept = torch.ones_like(one)
        kept[one] = ~gone
        shape = [1] * target.original.dim()
        shape[step.dim] = -1
        yield ranking.keeping(target, kept.view(shape).expand(target.original.shape).contiguous())


def most_of_each(step: GlobalStructured, found: Sequence[Seen]) -> list[int]:
    """How many channels each target may lose."""
    left = [int(_channels_alive(target, step.dim).sum()) for target in found]
    return most_of(step, left, [target.original.shape[step.dim] for target in found])


def _others(target: Seen, dim: int) -> list[int]:
    axes = target.original.dim()
    return [axis for axis in range(axes) if axis != dim % axes]


def _channels_alive(target: Seen, dim: int) -> Tensor:
    alive = target.alive
    if alive is None or not target.original.numel():
        return torch.ones(target.original.shape[dim], dtype=torch.bool, device=target.original.device)
    return channels_alive(alive, dim)


def _sizes(target: Seen, dim: int, n: float) -> Tensor:
    """(mean of |w|ⁿ)^(1/n) of each channel, masked entries as the zeros they are; float64."""
    others, original = _others(target, dim), target.original
    entries = math.prod(original.shape[axis] for axis in others)
    if not entries:
        return torch.zeros(original.shape[dim], dtype=torch.float64, device=original.device)
    norms = []
    # Some channels at a time: in float64 they take twice the memory and more.
    channels = max(1, _PIECE // entries)
    mask = target.mask
    for start in range(0, original.shape[dim], channels):
        along = _along(dim, start, channels, original.dim())
        some = Seen(target.path, target.name, original[along], None if mask is None else mask[along])
        with refusals(target.path):
            values = ranking.magnitudes(some.values).to(torch.float64)
        norms.append(torch.linalg.vector_norm(values, ord=n, dim=others))
    found = torch.cat(norms) if norms else torch.zeros(0, dtype=torch.float64, device=original.device)
    return found / entries ** (1 / n) if math.isfinite(n) else found


def _along(dim: int, start: int, length: int, axes: int) -> tuple[slice, ...]:
    return tuple(slice(start, start + length) if axis == dim % axes else slice(None) for axis in range(axes))
