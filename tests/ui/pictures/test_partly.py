"""From which share on a pooled cell is marked."""

from __future__ import annotations

from prune_tui.ui.pictures.partly import ANY, HALF, WHOLE, marked_from, masked


def test_any_is_marked_while_few_cells_hold_any() -> None:
    assert marked_from(bytes([0] * 9 + [1] * 3)) == ANY
    assert marked_from(bytes([0] * 8 + [1] * 4)) == HALF
    assert marked_from(bytes([255] * 8 + [0] * 4)) == ANY, "what is wholly so is marked anyhow"
    assert marked_from(b"") == ANY


def test_half_of_a_cell_is_marked_unless_almost_every_cell_has_that() -> None:
    """Of 16 rows pooled by two, five are gone; at 80% of all entries no cell stands out."""
    assert marked_from(bytes([0] * 3 + [127] * 5)) == HALF
    assert marked_from(bytes([77] * 20)) == HALF
    assert marked_from(bytes([204] * 20)) == WHOLE


def test_what_is_not_kept_is_masked() -> None:
    assert masked(bytes([0, 55, 255])) == bytes([255, 200, 0])
