"""A painted mask, stroke by stroke."""

from __future__ import annotations

from prune_tui.tensor_requests import Toggle
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import BRUSHES, Draft

CONV = Aim.first((3, 2, 5, 5), ("out", "in", "kh", "kw")).at((2, 1, 1, 0))


def test_each_brush_names_what_it_takes() -> None:
    strokes = {}
    draft = Draft()
    for _ in BRUSHES:
        strokes[draft.brush] = draft.toggled("w", CONV).toggles
        draft = draft.with_next_brush()
    assert strokes == {
        "entry": (Toggle((2, 1, 1, 0)),),
        "row": (Toggle((2, 1, 1, -1)),),
        "column": (Toggle((2, 1, -1, 0)),),
        "channel": (Toggle((2, -1, -1, -1)),),
    }
    assert draft.brush == "entry", "round again"


def test_rows_and_columns_are_those_on_the_screen() -> None:
    turned = CONV.with_next_axes()
    assert (turned.axes[turned.row_axis], turned.axes[turned.column_axis]) == ("kw", "out")
    row = Draft(brush="row").toggled("w", turned)
    assert row.toggles == (Toggle((-1, 1, 1, 0)),)


def test_the_same_stroke_again_is_taken_back_whatever_came_between() -> None:
    draft = Draft().toggled("w", CONV).toggled("w", CONV.moved(1)).toggled("w", CONV)
    assert draft.toggles == (Toggle((2, 1, 2, 0)),)


def test_strokes_on_another_tensor_begin_anew() -> None:
    draft = Draft().toggled("w", CONV).toggled("other", CONV)
    assert (draft.tensor, len(draft.toggles)) == ("other", 1)


def test_what_is_dropped_leaves_the_brush() -> None:
    assert Draft(brush="column").toggled("w", CONV).dropped() == Draft(brush="column")


def test_a_vector_and_a_scalar_can_be_painted_with_any_brush() -> None:
    vector, scalar = Aim.first((4,), ("out",)).at((2,)), Aim.first((), ())
    told = {brush: Draft(brush=brush).toggled("w", vector).toggles[0].index for brush in BRUSHES}
    assert told == {"entry": (2,), "row": (-1,), "column": (2,), "channel": (2,)}
    assert {Draft(brush=brush).toggled("w", scalar).toggles for brush in BRUSHES} == {(Toggle(()),)}
