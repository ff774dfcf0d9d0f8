"""Where entries stand on the canvas."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from prune_tui.ui.facets import Canvas
from prune_tui.ui.shown_axes import choose_axes

CONV = ("out", "in", "kh", "kw")


def canvas_of(shape: tuple[int, ...], axes: tuple[str, ...], cell: int, room: int) -> Canvas:
    """With the axes that suit the tensor."""
    return Canvas(shape, axes, *choose_axes(shape, axes), cell, room)


def test_small_kernels_flow_side_by_side_under_their_titles() -> None:
    canvas = canvas_of((6, 1, 3, 3), CONV, cell=9, room=77)
    assert canvas.per_line == 2
    assert canvas.titles(0) == [(0, "out 0"), (29, "out 1")]
    assert canvas.height == 3 * (3 + 2)
    assert [canvas.label(line) for line in range(6)] == ["", "0", "1", "2", "", ""]


def test_one_axis_is_wrapped_like_text_at_a_round_number() -> None:
    canvas = canvas_of((120,), ("out",), cell=8, room=100)
    assert canvas.per_line == 10
    assert canvas.height == 12
    assert canvas.label(3) == "30"
    assert [(span.start, span.stop) for span in canvas.spans(3, 0, 100)] == [(30, 40)]


def test_only_what_is_seen_is_asked_for() -> None:
    canvas = canvas_of((50304, 2048), ("index", "feature"), cell=9, room=80)
    (block,) = canvas.blocks(top=1000, bottom=1020, left=900, right=980)
    assert block.rows == (1000, 1020)
    assert block.columns == (100, 109)


def test_an_empty_tensor_and_a_scalar_have_a_canvas_too() -> None:
    assert canvas_of((0, 4), ("out", "in"), 8, 80).height == 0
    assert canvas_of((0, 4), ("out", "in"), 8, 80).blocks(0, 10, 0, 80) == ()
    assert [span.stop for span in canvas_of((), (), 8, 80).spans(0, 0, 80)] == [1]


@given(
    shape=st.lists(st.integers(0, 5), max_size=5).map(tuple),
    cell=st.integers(4, 12),
    room=st.integers(1, 90),
)
def test_every_entry_stands_in_exactly_one_place(shape: tuple[int, ...], cell: int, room: int) -> None:
    axes = tuple(f"d{axis}" for axis in range(len(shape)))
    canvas = canvas_of(shape, axes, cell, room)
    seen = [
        (span.facet, span.row, column)
        for line in range(canvas.height)
        for span in canvas.spans(line, 0, canvas.width)
        for column in range(span.start, span.stop)
    ]
    assert len(seen) == len(set(seen)) == math.prod(shape)


@given(
    shape=st.lists(st.integers(1, 5), max_size=5).map(tuple),
    top=st.integers(0, 30),
    left=st.integers(0, 60),
    room=st.integers(1, 60),
)
def test_the_blocks_of_a_window_hold_every_entry_in_it(shape, top: int, left: int, room: int) -> None:
    canvas = canvas_of(shape, tuple(f"d{axis}" for axis in range(len(shape))), 7, room)
    held = {
        (block.facet, row, column)
        for block in canvas.blocks(top, top + 8, left, left + room)
        for row, column in itertools.product(range(*block.rows), range(*block.columns))
    }
    for line in range(top, min(top + 8, canvas.height)):
        for span in canvas.spans(line, left, left + room):
            assert {(span.facet, span.row, column) for column in range(span.start, span.stop)} <= held
