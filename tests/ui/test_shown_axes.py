"""Which axes of a tensor run down and across."""

from __future__ import annotations

import pytest

from prune_tui.ui.shown_axes import ShownAxes, choose_axes

CONV = ("out", "in", "kh", "kw")


@pytest.mark.parametrize(
    ("shape", "axes", "chosen"),
    [
        ((), (), (-1, -1)),
        ((120,), ("out",), (-1, 0)),
        ((120, 400), ("out", "in"), (0, 1)),
        ((16, 6, 3, 3), CONV, (0, 1)),
        ((6, 1, 3, 3), CONV, (2, 3)),
        ((64, 3, 7, 7), CONV, (2, 3)),
        ((8, 1, 5), ("out", "in", "k"), (0, 2)),
        ((8, 4, 3, 3, 3), ("out", "in", "kd", "kh", "kw"), (0, 1)),
        ((2, 5, 7), ("d0", "d1", "d2"), (1, 2)),
    ],
)
def test_the_two_largest_axes_are_shown_and_a_kernel_is_never_torn_apart(shape, axes, chosen) -> None:
    assert choose_axes(shape, axes) == chosen


def test_the_other_axes_are_facets() -> None:
    conv = ShownAxes((6, 2, 3, 5), CONV, 2, 3)
    assert (conv.rows, conv.columns, conv.facet_axes, conv.facets) == (3, 5, (0, 1), 12)
    turned = ShownAxes((6, 2, 3, 5), CONV, 3, 0)
    assert (turned.rows, turned.columns, turned.facet_axes, turned.facets) == (5, 6, (1, 2), 6)


def test_a_vector_is_one_row_and_a_scalar_one_entry() -> None:
    vector, scalar = ShownAxes((7,), ("out",), -1, 0), ShownAxes((), (), -1, -1)
    assert [(one.rows, one.columns, one.facets) for one in (vector, scalar)] == [(1, 7, 1), (1, 1, 1)]
    assert ShownAxes((0, 3), ("out", "in"), 0, 1).empty
