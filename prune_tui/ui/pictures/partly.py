"""When a pooled cell is marked for what only a part of its entries is: masked, or about to go.

A step at 30% takes some of almost every cell: a mark on each of them would say nothing and hide the values. So a
cell is marked from the share on that tells cells apart: any at all while few cells hold such entries - a row that
is gone among living ones, a painted stroke - and else half of it, unless almost every cell has that. The legend
says which; how much there is in all it says in any case.
"""

from __future__ import annotations

ANY, HALF, WHOLE = 1, 127, 255
"""Shares, of 255, from which on a cell is marked; half of an even number of entries is told as 127 or 128."""
_AT_MOST = {ANY: 1 / 4, HALF: 2 / 3}
"""How many of the cells may be marked from there on, those that are wholly so not counted."""

_INVERSE = bytes(255 - share for share in range(256))


def marked_from(shares: bytes) -> int:
    """The least share that is marked.

    Args:
        shares: uint8, of 255, one for each cell: how much of it is so.

    Returns:
        `ANY`, `HALF` or `WHOLE`.
    """
    counts = [shares.count(share) for share in range(WHOLE)]
    return next((least for least, most in _AT_MOST.items() if sum(counts[least:]) <= most * len(shares)), WHOLE)


def masked(kept: bytes) -> bytes:
    """Shares that are masked, from those that are kept."""
    return kept.translate(_INVERSE)
