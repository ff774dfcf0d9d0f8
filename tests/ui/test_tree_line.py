"""What the lines of a tree have room for: a deep tree in a narrow pane shows the figures that are wanted."""

from __future__ import annotations

from itertools import product

import pytest

from prune_tui.ui.tree_line import FLAGS, fit

PANE_AT_80 = 25
"""Cells of a line of the tree in a window of 80×24."""
PARAMETERS, NORM = 6, 8
"""Cells of the widest figure."""


def test_a_deep_tree_in_a_narrow_pane_shows_what_is_pruned_or_how_large_it_is() -> None:
    pruned = fit(PANE_AT_80, 4, PARAMETERS)
    assert (pruned.figure, pruned.bar, pruned.percent) == (0, 0, 6)
    as_built = fit(PANE_AT_80, 4, PARAMETERS, shares=False)
    assert (as_built.figure, as_built.bar, as_built.percent) == (6, 0, 0)


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("deepest", [0, 4, 8, 30])
def test_the_figure_that_was_asked_for_is_seen(deepest: int, *, shares: bool) -> None:
    assert fit(PANE_AT_80, deepest, NORM, asked=True, shares=shares).figure == NORM


def test_where_there_is_room_nothing_moves_when_the_first_step_is_done() -> None:
    assert fit(45, 3, PARAMETERS, shares=False) == fit(45, 3, PARAMETERS, shares=True)


def test_a_name_has_room_beside_columns_and_guides() -> None:
    for width, deepest, asked, shares in product(range(16, 60), range(40), (True, False), (True, False)):
        found = fit(width, deepest, NORM, asked=asked, shares=shares)
        assert width - FLAGS - found.columns - found.levels * found.step >= 6, found
