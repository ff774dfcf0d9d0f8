"""What the tensor pane wants from the engine, and what becomes of wishes that came too late."""

from __future__ import annotations

import gc
import warnings

from prune_tui.tensor_requests import GetEntry, Locate
from prune_tui.tensor_views import Entry, Located
from prune_tui.ui.widgets.picture import Picture
from tests.in_process import app_on, press, running, settle
from tests.ui.tensor_pane_here import look_at, main_of, pane_of, readout, said


async def test_a_wish_that_is_superseded_at_once_leaves_nothing_behind() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with running(app_on()) as pilot:
            pane = await look_at(pilot, "conv1.weight")
            for column in range(3):
                wanted = Picture.Wanted(GetEntry("conv1.weight", (0, 0, 0, column)), Entry, pane)
                main_of(pilot)._picture_wanted(wanted)
            await settle(pilot)
        gc.collect()
    assert not [str(warning.message) for warning in caught if "never awaited" in str(warning.message)]


async def test_what_the_engine_refuses_to_look_up_is_told() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight")
        beyond = Locate("conv1.weight", "effective", "extreme", (9, 9, 9, 9), True)
        pane.post_message(Picture.Wanted(beyond, Located, pane))
        await settle(pilot)
        assert "there is no entry (9, 9, 9, 9) to go on from: the shape is 6×1×3×3" in said(pilot)


async def test_what_a_picture_cannot_show_stands_in_its_place_until_it_shows_something_else() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "f6")
        pane.picture.show_note("not enough memory")
        await settle(pilot)
        await press(pilot, "w")
        assert pane.picture.note == ""


async def test_an_answer_for_the_tensor_before_is_not_shown_for_this_one() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight")
        main = main_of(pilot)
        pane_of(pilot).post_message(Picture.Wanted(GetEntry("conv1.weight", (5, 0, 2, 2)), Entry, pane_of(pilot)))
        main.go_to("fc1", "fc1.weight")
        await settle(pilot)
        assert readout(pilot).startswith("[0, 0] 0.00123526")
