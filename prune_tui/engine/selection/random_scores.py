"""Random scores for entries, drawn as torch draws them, with the first to go as the smallest.

The numbers come from one generator, one after the other; on the CPU a second thread follows and makes the first
pass of the search over each piece while it is in the cache. No sample is needed for that: of numbers spread evenly
it is known where the threshold will be, within what chance allows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.selection import cores, hugepages, living, passes
from prune_tui.engine.selection.living import Before
from prune_tui.engine.selection.magnitudes import KINDS, words
from prune_tui.engine.selection.passes import Ranked, Tally
from prune_tui.engine.selection.search import Counted


def scored(tensors: Sequence[Ranked], count: int, stop: Stop) -> tuple[list[Ranked], Counted | None]:
    """Tensors ranked by numbers whose smallest are the greatest that `torch.rand_like` draws, tensor after tensor.

    `RandomUnstructured` takes the greatest of numbers u in [0, 1]. Their patterns, subtracted from that of 1, are
    patterns of such numbers, too, in the opposite order and with the same ties.

    Args:
        tensors: Their shapes, their one dtype and device, and which entries are ranked.
        count: How many will go of all together, at least one.
        stop: Asked between pieces.

    Returns:
        The tensors by score, and the first pass over them where they could be counted while they were drawn.

    Raises:
        Cancelled: `stop` said so.
    """
    dtype, device = tensors[0].values.dtype, tensors[0].values.device
    if device.type != "cpu" or any(one.mask is not None for one in tensors):
        here = device.type == "cpu"
        return [
            _drawn_in_place(one, one.mask, stop)
            if here and one.mask is not None
            else _spread(one, _drawn(one, stop))
            for one in tensors
        ], None
    low, high = _bracket(dtype, count / sum(one.living for one in tensors), sum(one.living for one in tensors))
    found, tallies = [], []
    for one in tensors:
        scores, counted = _drawn_and_counted(one, low, high, stop)
        found.append(scores)
        tallies.append(counted)
    return found, Counted(low, high, tallies)


def _bracket(dtype: torch.dtype, fraction: float, total: int) -> tuple[int, int]:
    """Two patterns with the threshold almost surely between them: five standard deviations of its rank."""
    kind = KINDS[dtype]
    apart = 5 * (fraction * (1 - fraction) / total) ** 0.5 + 2 / total
    border = 1 - fraction  # of the numbers drawn, the greater go
    ends = torch.tensor([min(border + apart, 1.0), max(border - apart, 0.0)], dtype=dtype, device="cpu")
    least, greatest = (kind.one - int(pattern) for pattern in ends.view(kind.integers))
    return least - 1, greatest + 1


def _drawn_and_counted(one: Ranked, low: int, high: int, stop: Stop) -> tuple[Ranked, list[Tally]]:
    scores = hugepages.empty_like(one.values)
    ranked, flat = Ranked(scores, None, one.living), scores.view(-1)
    jobs = passes.tallies(ranked, low, high, collect=True)

    def draw(turn: int) -> None:
        piece = flat[pieces[turn]]
        torch.rand(len(piece), out=piece, dtype=piece.dtype, device="cpu")

    def count(turn: int) -> Tally:
        _turned(flat[pieces[turn]])
        return jobs[turn]()

    # One number after the other from one generator: pieces of any size are the same bits as one call.
    pieces = list(cores.slices(one.living))
    return ranked, cores.in_relay(draw, count, range(len(pieces)), stop)


def _drawn(one: Ranked, stop: Stop) -> Tensor:
    scores = torch.empty(one.living, dtype=one.values.dtype, device=one.values.device)
    # Each thread of a GPU draws its own numbers: there, pieces would differ.
    pieces = cores.slices(one.living) if scores.device.type == "cpu" else [slice(None)]
    for piece in pieces:
        if stop():
            raise Cancelled
        drawn = scores[piece]
        torch.rand(len(drawn), out=drawn, dtype=drawn.dtype, device=drawn.device)
        _turned(drawn)
    return scores


def _drawn_in_place(one: Ranked, before: Before, stop: Stop) -> Ranked:
    """Scores drawn where the ranked entries are, piece by piece: the numbers come in the order of the entries."""
    scores = hugepages.empty_like(one.values)
    flat, kind = scores.view(-1), one.kind
    for piece in cores.slices(flat.numel()):
        if stop():
            raise Cancelled
        ranked = torch.from_numpy(living.patterns(before, kind, piece) != 0)
        drawn = torch.rand(int(ranked.sum()), dtype=flat.dtype, device="cpu")
        _turned(drawn)
        flat[piece] = 1
        flat[piece][ranked] = drawn
    return Ranked(scores, before, one.living)


def _spread(one: Ranked, scores: Tensor) -> Ranked:
    """Scores of the ranked entries at their places."""
    if one.mask is None:
        return Ranked(scores.view(one.values.shape), None, one.living)
    spread = torch.ones_like(one.values)
    spread.view(-1)[living.flags(one.mask)] = scores
    return Ranked(spread, one.mask, one.living)


def _turned(scores: Tensor) -> None:
    kind = KINDS[scores.dtype]
    if scores.device.type == "cpu":  # numpy does not wait for a second thread, which a piece is not worth
        patterns = words(scores)
        np.subtract(kind.signed(kind.one), patterns, out=patterns)
    else:
        scores.view(kind.integers).neg_().add_(kind.one)
