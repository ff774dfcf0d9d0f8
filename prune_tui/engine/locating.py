"""Where the next entry of a kind is: NaN, Inf or a masked entry by index, an extreme value by magnitude.

Two walks at most: one that counts the entries of each piece on all cores, and one through the single piece that
holds the entry asked for. Nothing as large as the tensor is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.doctor.orphans import may_not_be_finite
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import comparable, effective
from prune_tui.engine.selection import cores
from prune_tui.step_settings import StepError
from prune_tui.tensor_requests import Locate
from prune_tui.tensor_views import Located

EXTREMES = 100
"""How many entries count as extreme, at most."""

_NONE = {
    "nan": "no NaN here",
    "inf": "no Inf here",
    "not_finite": "no NaN or Inf here",
    "extreme": "no finite value but 0 here",
    "masked": "nothing is masked here",
}

_Holds = Callable[[Layers], Tensor]


class _Piece(NamedTuple):
    """A part of a tensor in the order of its indices.

    Attributes:
        start: Place of its first entry, counted through the whole tensor.
        layers: The part.
    """

    start: int
    layers: Layers


def locate(layers: Layers | NoValues, request: Locate, stop: Stop = never) -> Located:
    """The next entry of a kind after another one, or the one before it, and from the last on the first.

    NaN, Inf and masked entries are gone through in the order of their indices.

    Extreme are the `EXTREMES` entries of greatest finite magnitude, where there are so many; a 0 never is. They
    are ranked by magnitude, the greatest first, and by index where magnitudes are equal: the first of equal ones
    are extreme where not all can be. From an extreme the way goes to the next rank, or to the one before; from any
    other entry, and from None, to the first rank in both directions. Nothing is remembered between requests.

    Args:
        layers: The tensor in the view asked for, or why it has no values.
        request: What is looked for, from where on.
        stop: Asked between pieces of about 2^18 entries.

    Returns:
        The entry, with how many there are and which of them it is, by index or by rank; both exact.

    Raises:
        StepError: The entry to go on from is none of the tensor's.
        Cancelled: `stop` said so.
    """
    if isinstance(layers, NoValues):
        return Located(None, note=layers.note)
    after = None if request.after is None else _place(request.after, tuple(layers.values.shape))
    seek = _seek_extreme if request.kind == "extreme" else partial(_seek, _HOLDS[request.kind])
    number, of, place = seek(layers, after, request.forward, stop)
    if not of:
        return Located(None, note=_NONE[request.kind])
    index = tuple(int(one) for one in np.unravel_index(place, layers.values.shape))
    value = float(layers.cut(lambda layer: layer[index]).shown())
    return Located(index, value, number, of)


def _place(index: Sequence[int], shape: tuple[int, ...]) -> int:
    """Where an entry stands in the order of the indices."""
    if len(index) != len(shape) or not all(0 <= one < size for one, size in zip(index, shape, strict=True)):
        has = "×".join(map(str, shape)) or "scalar"
        raise StepError(f"there is no entry {tuple(index)} to go on from: the shape is {has}")
    return sum(one * prod(shape[axis + 1 :]) for axis, one in enumerate(index))


def _next(before: int, upto: int, of: int, forward: bool) -> int:
    """Which of all entries comes next, 1 for the first.

    Args:
        before: How many stand before the place to go on from.
        upto: How many stand up to it, itself included.
        of: How many there are.
        forward: In the order of the indices.
    """
    if forward:
        return upto % of + 1
    return before or of


# ---------------------------------------------------------------- kinds that an entry is of by itself


def _native(piece: Layers) -> Tensor:
    """What a view shows, without the way through float64 where torch compares the very values."""
    if piece.view == "effective" and piece.values.is_floating_point():
        return comparable(effective(piece.values, piece.kept))
    if piece.view == "orig" and piece.values.is_floating_point():
        return comparable(piece.values)
    return piece.shown()


def _not_finite(kind: Callable[[Tensor], Tensor], piece: Layers) -> Tensor:
    shown = _native(piece)
    return kind(shown) if may_not_be_finite(shown) else shown.new_zeros(shown.shape, dtype=torch.bool)


def _masked(piece: Layers) -> Tensor:
    if piece.kept is None:
        return torch.zeros(piece.values.shape, dtype=torch.bool, device=piece.values.device)
    return comparable(piece.kept) == 0


_HOLDS: dict[str, _Holds] = {
    "nan": partial(_not_finite, torch.isnan),
    "inf": partial(_not_finite, torch.isinf),
    "not_finite": partial(_not_finite, lambda shown: ~shown.isfinite()),
    "masked": _masked,
}


def _seek(holds: _Holds, layers: Layers, after: int | None, forward: bool, stop: Stop) -> tuple[int, int, int]:
    """Number, count and place of the next entry that a property holds for; nothing is 0 of 0."""

    def count(piece: _Piece) -> tuple[int, int, int]:
        """How many: in the piece, before the place to go on from, and up to it."""
        found = holds(piece.layers).reshape(-1)
        own = int(found.count_nonzero())
        if after is None or not own:
            return own, 0, 0
        split = min(max(after - piece.start, 0), found.numel())
        return (
            own,
            int(found[:split].count_nonzero()),
            int(found[: max(after + 1 - piece.start, 0)].count_nonzero()),
        )

    counts = cores.spread_lazily(count, _pieces(layers), stop)
    of, before, upto = (sum(column) for column in zip(*counts, strict=True))
    if not of:
        return 0, 0, 0
    number = _next(before, upto, of, forward)
    sums = [0, *accumulate(own for own, _, _ in counts)]
    turn = bisect_right(sums, number - 1) - 1
    piece = next(islice(_pieces(layers), turn, None))
    inside = holds(piece.layers).reshape(-1).nonzero()[number - 1 - sums[turn]]
    return number, of, piece.start + int(inside)


def _pieces(layers: Layers) -> Iterator[_Piece]:
    start = 0
    for piece in layers.pieces_in_order():
        yield _Piece(start, piece)
        start += piece.values.numel()


# ---------------------------------------------------------------- extreme values


class _Greatest:
    """The greatest finite magnitudes of a tensor, collected piece by piece in any order, by any thread."""

    def __init__(self) -> None:
        self._bound = 0.0
        """So many as are wanted have at least this magnitude: what is smaller need not be looked at."""
        self.found: list[tuple[float, int]] = []
        """Magnitude, negative, and place: the first of them, sorted, are the extremes."""

    def add(self, piece: _Piece) -> None:
        """Take in what may be among the greatest."""
        magnitudes = _native(piece.layers).abs().reshape(-1)
        if may_not_be_finite(magnitudes):
            magnitudes = magnitudes.where(magnitudes.isfinite(), 0)
        near = ((magnitudes >= self._bound) & (magnitudes > 0)).nonzero().reshape(-1)
        magnitudes = magnitudes[near]
        if near.numel() > EXTREMES:
            least = float(magnitudes.topk(EXTREMES).values[-1])
            greater = (magnitudes > least).nonzero().reshape(-1)
            equal = (magnitudes == least).nonzero().reshape(-1)[: EXTREMES - greater.numel()]
            chosen = torch.cat([greater, equal])
            near, magnitudes = near[chosen], magnitudes[chosen]
            # A bound that another thread has just raised is only less of a help.
            self._bound = max(self._bound, least)
        pairs = zip(magnitudes.tolist(), near.tolist(), strict=True)
        self.found += [(-magnitude, piece.start + place) for magnitude, place in pairs]


def _seek_extreme(layers: Layers, after: int | None, forward: bool, stop: Stop) -> tuple[int, int, int]:
    """Rank, count and place of the next extreme entry; nothing is 0 of 0."""
    greatest = _Greatest()
    cores.spread_lazily(greatest.add, _pieces(layers), stop)
    places = [place for _, place in sorted(greatest.found)[:EXTREMES]]
    if not places:
        return 0, 0, 0
    at = 0
    if after in places:
        at = (places.index(after) + (1 if forward else -1)) % len(places)
    return at + 1, len(places), places[at]
