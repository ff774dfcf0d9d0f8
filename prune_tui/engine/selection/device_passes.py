"""The passes of `passes` by torch's own operations: for tensors on any device, tested on the CPU.

`topk` and `kthvalue` on a GPU copy and sort, too. Counting by comparison reads each entry once where it lies; what
comes back to the CPU is the few entries inside the bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.selection.living import Before
from prune_tui.engine.selection.magnitudes import KINDS, Words
from prune_tui.engine.selection.passes import Ranked, Rule, Tally

PIECE = 2**24
"""Entries at a time: enough to fill a device, and temporary memory of some ten bytes for each of them."""


def _slices(size: int) -> Iterator[slice]:
    return (slice(start, min(start + PIECE, size)) for start in range(0, size, PIECE))


def _words(tensor: Tensor) -> Tensor:
    return tensor.detach().view(-1).view(KINDS[tensor.dtype].integers)


def _magnitudes(ranked: Ranked, piece: slice) -> Tensor:
    """The patterns of a piece without their sign bits; `most` where nothing is ranked."""
    found = _words(ranked.values)[piece] & ranked.kind.most
    if ranked.mask is not None:
        found.masked_fill_(_words(_there(ranked.mask))[piece] == 0, ranked.kind.most)
    return found


def tallies(ranked: Ranked, low: int, high: int, *, collect: bool) -> list[Callable[[], Tally]]:
    """As `passes.tallies`."""

    def job(piece: slice) -> Tally:
        found = _magnitudes(ranked, piece)
        inside = (found > low) & (found < high)
        below = int((found <= low).sum())
        if not collect:
            return Tally(below, int(inside.sum()), np.empty(0, np.int8))
        collected = found[inside].cpu().numpy()
        return Tally(below, collected.size, collected)

    return [partial(job, piece) for piece in _slices(ranked.values.numel())]


def greatest_below(ranked: Ranked, word: int) -> list[Callable[[], int]]:
    """As `passes.greatest_below`."""

    def job(piece: slice) -> int:
        found = _magnitudes(ranked, piece)
        return int(found.masked_fill_(found >= word, -1).max())

    return [partial(job, piece) for piece in _slices(ranked.values.numel())]


def equal_to(ranked: Ranked, word: int) -> list[Callable[[], Words]]:
    """As `passes.equal_to`."""

    def job(piece: slice) -> Words:
        found: Words = (_magnitudes(ranked, piece) == word).nonzero().view(-1).cpu().numpy() + piece.start
        return found

    return [partial(job, piece) for piece in _slices(ranked.values.numel())]


def _there(mask: Before) -> Tensor:
    if not isinstance(mask, Tensor):
        raise TypeError("bits are ranked on the CPU only")
    return mask


def counts(mask: Tensor) -> list[Callable[[], tuple[int, int]]]:
    """As `passes.counts`."""
    flat, one = _words(mask), KINDS[mask.dtype].one

    def job(piece: slice) -> tuple[int, int]:
        return int((flat[piece] == 0).sum()), int((flat[piece] == one).sum())

    return [partial(job, piece) for piece in _slices(flat.numel())]


def masked(
    ranked: Ranked, rule: Rule, mask: Tensor, original: Tensor | None, product: Tensor | None
) -> list[Callable[[], int]]:
    """As `passes.masked`."""
    out = mask.view(-1)

    def job(piece: slice, word: int) -> int:
        kept = (_words(ranked.values)[piece] & ranked.kind.most) > word
        if ranked.mask is not None:
            kept &= _words(_there(ranked.mask))[piece] != 0
        out[piece] = kept.to(out.dtype)
        if original is not None and product is not None:
            torch.mul(out[piece], original.detach().view(-1)[piece], out=product.view(-1)[piece])
        return int(kept.sum())

    return [partial(job, piece, word) for piece, word in rule.over(_slices(out.numel()))]
