"""N:M sparsity: of every M consecutive entries along an axis, the N largest magnitudes stay.

Source: Mishra, Latorre, Pool, Stosic, Stosic, Venkatesh, Yu, Micikevicius, "Accelerating Sparse Deep Neural
Networks", 2021, arXiv 2104.08378, section 3; there 2:4 along the input axis, which sparse tensor cores take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.refusals import refusals
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError, pattern_of
from prune_tui.step_types import SemiStructured

_PIECE = 2**20
"""Entries ranked at a time; sorting takes sixteen bytes for each."""


def plan(step: SemiStructured, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
    """The masks of an N:M step.

    An entry that is masked already counts among the M−N that go: a group with N or fewer alive loses nothing.

    Raises:
        StepError: A target has no such axis, or its size there is not a multiple of M.
    """
    keep, of = pattern_of(step.pattern)
    return (ranking.keeping(target, _kept(target, keep, of, step.dim)) for target in each(found, stop))


def _kept(target: Seen, keep: int, of: int, dim: int) -> Tensor:
    shape = target.original.shape
    times = "×".join(map(str, shape)) or "a scalar"
    if not -len(shape) <= dim < len(shape):
        raise StepError(f"{target.path} is {times}; it has no axis {dim}, {_axes(len(shape))}")
    if shape[dim] % of:
        raise StepError(
            f"{target.path} is {times}; axis {dim} has {shape[dim]}, which is not a multiple of {of}."
            " Choose another dim or pattern, or leave this tensor out"
        )
    with refusals(target.path):
        scores = ranking.magnitudes(target.values)
    alive = target.alive
    if alive is not None:
        scores.masked_fill_(~alive, -1.0)
    groups = scores.movedim(dim, -1).reshape(-1, of)
    kept = torch.ones_like(groups, dtype=torch.bool)
    rows = max(1, _PIECE // of)
    for some, result in zip(groups.split(rows), kept.split(rows), strict=True):
        result.scatter_(1, some.argsort(dim=1, stable=True)[:, : of - keep], False)
    moved = scores.movedim(dim, -1).shape
    return kept.reshape(moved).movedim(-1, dim).contiguous()


def _axes(count: int) -> str:
    return "choose 0" if count == 1 else f"choose 0 to {count - 1}" if count else "leave it out"
