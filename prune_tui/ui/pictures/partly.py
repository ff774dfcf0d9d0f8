"""When a pooled cell is marked for what only a part of its entries is: masked, or about to go.

A step at 30% takes some of almost every cell: a mark on each of them would say nothing and hide the values. So a
cell is marked from the share on that tells cells apart: any at all while few cells hold such entries - a row that
is gone among living ones, a painted stroke - and else more than half of it. The legend says which.
"""

from __future__ import annotations

ANY, MOST = 1, 128
"""Shares, of 255, from which on a cell is marked."""
_FEW = 4
"""Few cells are one in so many."""

_INVERSE = bytes(255 - share for share in range(256))


def marked_from(shares: bytes) -> int:
    """The least share that is marked.

    Args:
        shares: uint8, of 255, one for each cell: how much of it is so.

    Returns:
        `ANY` or `MOST`.
    """
    some = len(shares) - shares.count(0) - shares.count(255)
    return ANY if some * _FEW <= len(shares) else MOST


def masked(kept: bytes) -> bytes:
    """Shares that are masked, from those that are kept."""
    return kept.translate(_INVERSE)
