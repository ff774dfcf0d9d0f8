"""Painting a mask: strokes in a draft, and enter makes one step of them."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from prune_tui.steps import CustomFromMask
from prune_tui.tensor_requests import Painted, Toggle
from prune_tui.ui.draft import BRUSHES
from tests.in_process import app_on, press, running, settle
from tests.ui.tensor_pane_here import frame_text, look_at, main_of, pane_of, picture_text, readout, said


def masked(pilot: Pilot[None]) -> int:
    return main_of(pilot).status.summary.masked


def steps_done(pilot: Pilot[None]) -> list[str]:
    return [type(entry.step).__name__ for entry in main_of(pilot).entries if not entry.undone]


PAINTED = "painted −{}, keeps {} · enter applies, esc drops · {}"


async def test_x_paints_the_entry_at_the_cursor_and_changes_nothing_yet() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "x")
        assert readout(pilot) == PAINTED.format(1, 53, "1 stroke")
        assert "(-0.031)" in picture_text(pilot)
        await press(pilot, "j", "x")
        assert readout(pilot) == PAINTED.format(2, 52, "2 strokes")
        assert masked(pilot) == 0


@pytest.mark.parametrize(
    ("brush", "took", "gone"),
    [
        ("entry", 1, (0, 0, 0, 0)),
        ("row", 3, (0, 0, 0)),
        ("column", 3, (0, 0, slice(None), 0)),
        ("channel", 9, 0),
    ],
)
async def test_each_brush_takes_its_own(brush: str, took: int, gone: object) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", *["X"] * BRUSHES.index(brush), "x")
        assert pane.painting.draft.brush == brush
        assert readout(pilot) == PAINTED.format(took, 54 - took, "1 stroke")
        await press(pilot, "enter")
        assert masked(pilot) == took
        assert pilot.app.engine.model.conv1.weight_mask[gone].sum() == 0


async def test_a_large_x_goes_through_the_brushes_and_says_which() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight")
        told = []
        for _ in BRUSHES:
            await press(pilot, "X")
            told.append(said(pilot))
        assert told == ["x toggles a row", "x toggles a column", "x toggles a channel", "x toggles an entry"]


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_a_picture_asks_for_a_draft_by_its_strokes_and_not_by_a_mask_of_every_entry(
    key: str,
) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", key, "X", "x", "j", "x")
        strokes = (Toggle((0, 0, 0, -1)), Toggle((0, 0, 1, -1)))
        assert pane.picture.subject.preview == Painted("conv1.weight", strokes)


async def test_the_same_stroke_again_takes_it_back() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "X", "x", "j", "x")
        assert readout(pilot) == PAINTED.format(6, 48, "2 strokes")
        await press(pilot, "k", "x")
        assert readout(pilot) == PAINTED.format(3, 51, "1 stroke")


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_taking_back_the_only_stroke_leaves_no_trace(key: str) -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", key)
        before, told = picture_text(pilot), readout(pilot)
        await press(pilot, "x")
        assert readout(pilot) == PAINTED.format(1, 53, "1 stroke")
        await press(pilot, "x")
        assert (picture_text(pilot), readout(pilot)) == (before, told)
        await press(pilot, "enter")
        assert said(pilot) == "nothing is painted; x toggles what is under the cursor"
        assert steps_done(pilot) == []


async def test_a_row_and_an_entry_of_it_leave_the_entry() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "x", "X", "x")
        assert readout(pilot) == PAINTED.format(2, 52, "2 strokes")
        assert " -0.031   (0.054) (-0.286)" in picture_text(pilot)


async def test_enter_applies_one_step_that_undo_takes_back_and_redo_does_again() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight")
        before = picture_text(pilot)
        await press(pilot, "x", "X", "X", "X", "G", "x", "enter")
        assert masked(pilot) == 10
        (entry,) = main_of(pilot).entries
        assert isinstance(entry.step, CustomFromMask)
        assert entry.step.targets == ("conv1.weight",)
        assert readout(pilot).startswith("[5, 0, 2, 2] × 0 · orig 0.402979")
        kept = pilot.app.engine.model.conv1.weight_mask
        assert kept[5].sum() == 0
        assert kept[0, 0, 0, 0] == 0
        assert kept.sum() == 44
        await press(pilot, "u", "g")
        assert masked(pilot) == 0
        assert picture_text(pilot) == before
        await press(pilot, "U")
        assert masked(pilot) == 10


async def test_esc_drops_the_draft_and_the_brush_stays() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "X")
        before = picture_text(pilot)
        await press(pilot, "x", "escape")
        assert said(pilot) == "what was painted is dropped"
        assert picture_text(pilot) == before
        assert readout(pilot).startswith("[0, 0, 0, 0] -0.0311134")
        assert pane.painting.draft.brush == "row"
        await press(pilot, "enter")
        assert steps_done(pilot) == []


async def test_esc_drops_the_draft_first_and_then_takes_the_maximised_pane_back_and_then_unmarks() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "space", "z", "x", "escape")
        assert readout(pilot).startswith("[0, 0, 0, 0]")
        assert main_of(pilot).maximized is not None
        assert main_of(pilot).marked == {"conv1.weight"}
        await press(pilot, "escape", "escape")
        assert main_of(pilot).maximized is None
        assert main_of(pilot).marked == frozenset()


async def test_a_masked_entry_is_refused_and_only_that_stroke_is_taken_back() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "3", "enter", "l", "l", "x")
        assert readout(pilot) == PAINTED.format(1, 37, "1 stroke")
        await press(pilot, "h", "x")
        assert "conv1.weight[0, 0, 0, 1] is masked already, and a further mask can only take more" in said(pilot)
        assert "u undoes the step that took it" in said(pilot)
        assert readout(pilot) == PAINTED.format(1, 37, "1 stroke")
        await press(pilot, "enter")
        assert masked(pilot) == 17


async def test_a_refused_first_stroke_leaves_nothing_painted() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "3", "enter", "x")
        assert "is masked already" in said(pilot)
        assert pane.painting.draft.toggles == ()
        assert readout(pilot).startswith("[0, 0, 0, 0] ×")


async def test_strokes_that_come_faster_than_the_engine_refuses_one_do_not_keep_it() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "3", "enter", "l", "l", "x", "h")
        pane.action_paint()
        pane.action_move(1, 0)
        pane.action_paint()
        await settle(pilot)
        assert "is masked already" in said(pilot)
        assert readout(pilot) == PAINTED.format(1, 37, "1 stroke")
        await press(pilot, "x")
        assert readout(pilot) == PAINTED.format(2, 36, "2 strokes")


async def test_enter_waits_for_a_stroke_that_is_still_being_worked_out() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "x", "j")
        pane.action_paint()
        pane.action_apply_draft()
        await settle(pilot)
        assert said(pilot) == "the last stroke is still being worked out: enter again"
        assert steps_done(pilot) == []
        await press(pilot, "enter")
        assert masked(pilot) == 2


async def test_a_draft_that_is_dropped_while_it_is_worked_out_is_not_marked_afterwards() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight")
        before = picture_text(pilot)
        pane.action_paint()
        await pilot.press("escape")
        await settle(pilot)
        assert picture_text(pilot) == before
        assert readout(pilot).startswith("[0, 0, 0, 0] -0.0311134")


async def test_an_edit_drops_the_draft() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "G", "x", "3", "enter")
        assert pane.painting.draft.toggles == ()
        assert "(" not in picture_text(pilot)
        assert steps_done(pilot) == ["L1Unstructured"]
        await press(pilot, "x", "u")
        assert pane.painting.draft.toggles == ()
        assert steps_done(pilot) == []


async def test_another_tensor_drops_the_draft_and_another_picture_or_view_does_not() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "x", "f3", "f5", "w", "f4", "w", "w", "w", "w", "f2")
        assert readout(pilot) == PAINTED.format(1, 53, "1 stroke")
        assert "(-0.031)" in picture_text(pilot)
        await press(pilot, "t")
        assert pane.painting.draft.toggles == ()
        await press(pilot, "t")
        assert "(" not in picture_text(pilot)
        assert readout(pilot).startswith("[0, 0, 0, 0] -0.0311134")


@pytest.mark.parametrize("key", ["f5", "f6", "f7", "f8"])
async def test_a_picture_without_entries_sends_to_one_that_has_them(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", key, "x")
        assert said(pilot) == "paint in values, heat map or mask: F2, F3, F4"
        assert pane.painting.draft.toggles == ()


async def test_a_read_only_session_paints_but_does_not_apply() -> None:
    async with running(app_on(readonly=True)) as pilot:
        await look_at(pilot, "conv1.weight", "x")
        assert readout(pilot) == PAINTED.format(1, 53, "1 stroke")
        await press(pilot, "enter")
        assert "read-only: start without --readonly to prune" in said(pilot)
        assert steps_done(pilot) == []
        assert masked(pilot) == 0


async def test_an_open_form_keeps_enter_for_itself() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "x", "3")
        assert "(-0.031)" in picture_text(pilot)
        await pilot.click(pane.picture, offset=(3, 3))
        await press(pilot, "enter")
        assert said(pilot) == "a form is open: enter applies it, esc closes it"
        assert masked(pilot) == 0
        await press(pilot, "escape")
        assert main_of(pilot).form is None
        assert readout(pilot) == PAINTED.format(1, 53, "1 stroke"), "the draft is still there"
        await press(pilot, "enter")
        assert steps_done(pilot) == ["CustomFromMask"]


async def test_what_cannot_be_pruned_cannot_be_painted() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "3", "enter")
        pane = pane_of(pilot)
        main_of(pilot).module_pane.select("conv1.weight", "weight_mask")
        await settle(pilot)
        pane.picture.focus()
        await press(pilot, "x")
        assert "is masked already" in said(pilot)
        assert pane.painting.draft.toggles == ()
        assert "weight" in frame_text(pilot)
