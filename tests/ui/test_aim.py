"""One aim for all pictures: where it goes, and how people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune_tui.ui.aim import Aim, read_index
from prune_tui.ui.facets import Canvas
from prune_tui.ui.shown_axes import choose_axes

CONV = ("out", "in", "kh", "kw")


def test_it_begins_at_the_first_entry_and_slides_along_the_first_axis_that_has_several() -> None:
    aim = Aim.first((6, 1, 3, 3), CONV)
    assert (aim.row_axis, aim.column_axis, aim.facet_axes, aim.slider) == (2, 3, (0, 1), 0)
    assert aim.slid(2).index == (2, 0, 0, 0)
    assert aim.slid(-1).index == (5, 0, 0, 0), "round the end"
    assert aim.slid(2).slices() == "‹out 2 of 6› · in 0 of 1"


def test_it_stays_inside() -> None:
    aim = Aim.first((4, 5), ("out", "in"))
    assert aim.moved(down=9, across=-3).index == (3, 0)
    assert aim.at((9, 9)).index == (3, 4)
    assert Aim.first((), ()).moved(1, 1).index == ()
    assert Aim.first((0, 3), ("out", "in")).moved(1, 1).index == (0, 1)


def test_every_pair_of_axes_comes_round() -> None:
    aim = start = Aim.first((4, 5, 6), ("a", "b", "c"))
    seen = []
    for _ in range(6):
        seen.append((aim.row_axis, aim.column_axis))
        aim = aim.with_next_axes()
    assert len(set(seen)) == 6
    assert aim == start
    assert 1 in Aim.first((6, 1, 3, 3), CONV).with_next_axes().facet_axes, "an axis of one index stays aside"


def test_the_slider_goes_round_the_axes_that_are_not_shown() -> None:
    aim = Aim.first((8, 4, 3, 3, 3), ("out", "in", "kd", "kh", "kw"))
    seen = []
    for _ in range(4):
        seen.append(aim.slider)
        aim = aim.with_next_slider()
    assert seen == [2, 3, 4, 2]
    assert Aim.first((4, 5), ("out", "in")).with_next_slider().slider == -1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12, 0, 3", (12, 0, 3)),
        ("[1 2 -1]", (1, 2, 3)),
        ("12, 0", "2 numbers for a, b, c"),
        ("20 0 0", "a 20 is outside: 0 to 15"),
        ("7", "1 number for a, b, c"),
        ("1 x 2", "'x' is no whole number"),
    ],
)
def test_an_index_is_read_as_people_write_it(text: str, found: object) -> None:
    assert read_index(text, (16, 5, 4), ("a", "b", "c")) == found


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@given(shape=shapes, room=st.integers(1, 90), data=st.data())
def test_an_entry_stands_where_the_canvas_draws_it(shape: tuple[int, ...], room: int, data: st.DataObject) -> None:
    axes = tuple("abcd")[: len(shape)]
    canvas = Canvas(shape, axes, *choose_axes(shape, axes), 6, room)
    index = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    x, line = canvas.place(index)
    spans = [span for span in canvas.spans(line, 0, 10**6) if span.x <= x < span.x + (span.stop - span.start) * 6]
    (span,) = spans
    aim = Aim.first(shape, canvas.axes).at(index)
    wrapped = index[0] if canvas.wrapped else aim.column
    assert (span.facet, span.start + (x - span.x) // 6) == (aim.facet, wrapped)


@given(shape=shapes, room=st.integers(1, 90), data=st.data())
def test_going_beside_leads_to_the_neighbour_on_the_screen(shape, room: int, data: st.DataObject) -> None:
    axes = tuple("abcd")[: len(shape)]
    canvas = Canvas(shape, axes, *choose_axes(shape, axes), 6, room)
    index = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    down, across = data.draw(st.sampled_from([(1, 0), (-1, 0), (0, 1), (0, -1)]))
    (x, line), (then_x, then_line) = canvas.place(index), canvas.place(canvas.beside(index, down, across))
    if canvas.beside(index, down, across) != index:
        assert ((then_line - line) * down > 0) == bool(down)
        assert ((then_x - x) * across > 0) == bool(across) or canvas.wrapped
