"""Channels of all targets ranked together by their Ln norm for their size.

The norm of a channel is divided by the n-th root of its number of entries, so that channels of few and of many
entries compare: (mean of |w|ⁿ)^(1/n). The norms themselves are those of torch's `ln_structured`.

Source, for n = 2: the criterion "minimum weight", a mean of squares, of Molchanov, Tyree, Karras, Aila, Kautz,
"Pruning Convolutional Neural Networks for Resource Efficient Inference", 2017, arXiv 1611.06440.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.ranked_entries import amount_and_most
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.refusals import refusals
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError
from prune_tui.step_types import GlobalStructured


def plan(step: GlobalStructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """The masks of a global step by channels. Those that are wholly masked are not ranked.

    Raises:
        StepError: A target has no channels along the axis, n has no mean, or the amount asks for too much.
    """
    if isinstance(step.n, str) or step.n == 0:
        raise StepError(f"n is {step.n}; channels of different size compare by a number other than 0, inf or -inf")
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
    masked: list[Masked] = []
    for target, one, gone in zip(found, alive, ranking.smallest_together(ranked, count, most), strict=True):
        kept = torch.ones_like(one)
        kept[one] = ~gone
        shape = [1] * target.original.dim()
        shape[step.dim] = -1
        masked.append(ranking.keeping(target, kept.view(shape).expand(target.original.shape).contiguous()))
    return masked


def _others(target: Seen, dim: int) -> list[int]:
    shape = target.original.shape
    if len(shape) < 2:
        raise StepError(
            f"{target.path} is {len(shape)}-D; channels need two axes or more."
            " Prune entries instead (global_unstructured, lamp)"
        )
    if not -len(shape) <= dim < len(shape):
        times = "×".join(map(str, shape))
        raise StepError(f"{target.path} is {times}; it has no axis {dim}, choose 0 to {len(shape) - 1}")
    return [axis for axis in range(len(shape)) if axis != dim % len(shape)]


def _channels_alive(target: Seen, dim: int) -> Tensor:
    others = _others(target, dim)
    if target.mask is None or not target.original.numel():
        return torch.ones(target.original.shape[dim], dtype=torch.bool, device=target.original.device)
    return bits.alive(target.mask).sum(dim=others) != 0


def _sizes(target: Seen, dim: int, n: float) -> Tensor:
    """(mean of |w|ⁿ)^(1/n) of each channel, masked entries as the zeros they are; float64."""
    others = _others(target, dim)
    entries = math.prod(target.original.shape[axis] for axis in others)
    with refusals(target.path):
        values = ranking.magnitudes(target.values).to(torch.float64)
    if not entries:
        return values.new_zeros(target.original.shape[dim])
    norms: Tensor = torch.linalg.vector_norm(values, ord=n, dim=others)
    return norms / entries ** (1 / n) if math.isfinite(n) else norms
