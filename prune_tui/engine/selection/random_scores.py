"""Random scores for entries, drawn as torch draws them, with the first to go as the smallest."""

from __future__ import annotations

import contextlib

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.selection import cores, mersenne
from prune_tui.engine.selection.magnitudes import KINDS, words
from prune_tui.engine.selection.passes import Ranked


def scored(one: Ranked, stop: Stop) -> Ranked:
    """A tensor ranked by numbers whose smallest are the greatest that `torch.rand_like` draws in one call for all.

    `RandomUnstructured` takes the greatest of numbers u in [0, 1]. Their patterns, subtracted from that of 1, are
    patterns of such numbers, too, in the opposite order and with the same ties.

    Args:
        one: Its shape, dtype, device, and which entries are ranked.
        stop: Asked between pieces.

    Raises:
        Cancelled: `stop` said so.
    """
    scores = _drawn(one, stop)
    if one.mask is None:
        return Ranked(scores.view(one.values.shape), None, one.living)
    spread = torch.ones_like(one.values)
    spread.view(-1)[one.mask.view(-1) == 1] = scores
    return Ranked(spread, one.mask, one.living)


def _drawn(one: Ranked, stop: Stop) -> Tensor:
    scores = torch.empty(one.living, dtype=one.values.dtype, device=one.values.device)
    if scores.device.type != "cpu":  # each thread of a GPU draws its own: pieces would differ
        torch.rand(one.living, out=scores, dtype=scores.dtype, device=scores.device)
        _turned(scores)
        return scores
    quick = scores.dtype is torch.float32 and mersenne.usable()
    with mersenne.Mersenne() if quick else contextlib.nullcontext() as twister:
        # One number after the other from one generator: pieces of any size are the same bits as one call.
        for piece in cores.slices(one.living):
            if stop():
                raise Cancelled
            if twister is None:
                size = piece.stop - piece.start
                torch.rand(size, out=scores[piece], dtype=scores.dtype, device="cpu")
            else:
                twister.rand(scores[piece])
            _turned(scores[piece])
    return scores


def _turned(scores: Tensor) -> None:
    kind = KINDS[scores.dtype]
    if scores.device.type == "cpu":  # numpy does not wait for a second thread, which a piece is not worth
        patterns = words(scores)
        np.subtract(kind.signed(kind.one), patterns, out=patterns)
    else:
        scores.view(kind.integers).neg_().add_(kind.one)
