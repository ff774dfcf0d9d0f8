"""Seven pictures of one tensor: going from one to another, which values they show, what stays where it is."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.pictures import PICTURES
from prune_tui.view_rows import VIEWS
from tests.in_process import app_on, press, running, settle
from tests.ui.tensor_pane_here import (
    PICTURE_KEYS,
    frame_text,
    look_at,
    main_of,
    pane_of,
    picture_text,
    readout,
    said,
)


def drawn(pilot: Pilot[None]) -> list[list[Segment]]:
    """What the picture shows, styles and all: without colours a mask underlines what would go."""
    picture = pane_of(pilot).picture
    return [list(picture.render_line(y)) for y in range(picture.size.height)]


LN_ON_CONV1 = ("5", "enter")
"""Half of the six channels go."""


@pytest.mark.parametrize(("key", "name"), PICTURE_KEYS.items())
async def test_a_function_key_shows_a_picture_and_leaves_the_focus_in_the_tree(key: str, name: str) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", key)
        assert f"‹{name}›" in frame_text(pilot)
        assert isinstance(main_of(pilot).focused, ModuleTree)
        await press(pilot, "j")
        assert frame_text(pilot).startswith("╭─ conv2.weight  16×6×3×3")
        assert f"‹{name}›" in frame_text(pilot), "it stays from tensor to tensor"


@pytest.mark.parametrize(("key", "name"), PICTURE_KEYS.items())
async def test_a_picture_takes_the_focus_over_from_the_one_before(key: str, name: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "f3", key)
        assert main_of(pilot).focused is pane.picture
        assert pane.picture.id == name


async def test_v_goes_through_all_pictures_and_round_and_shift_v_back() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight")
        seen = []
        for _ in PICTURES:
            seen.append(pane.pictures.name_shown)
            await press(pilot, "v")
        assert seen == list(PICTURES)
        assert pane.pictures.name_shown == "values"
        await press(pilot, "V")
        assert pane.pictures.name_shown == "stack"
        await press(pilot, "V")
        assert pane.pictures.name_shown == "structure"


async def test_the_frame_names_all_pictures_where_there_is_room_and_else_the_one_shown() -> None:
    async with running(app_on(), size=(160, 40)) as pilot:
        await press(pilot, "j", "f5")
        everything = "values heatmap mask ‹histogram› channels structure stack"
        assert everything in frame_text(pilot)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "‹histogram›" in frame_text(pilot)
        assert "channels" not in frame_text(pilot)
        await pilot.resize_terminal(160, 40)
        await settle(pilot)
        assert everything in frame_text(pilot)


async def test_every_picture_says_what_it_is_there_to_say() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", *LN_ON_CONV1)
        expected = {
            "f2": "×-0.031",
            "f3": "×",
            "f4": "an entry in",
            "f5": "18 masked",
            "f6": "2 of 6 dead",
            "f7": "2 of 6",
            "f8": "no other layer has a weight like this one",
        }
        for key, text in expected.items():
            await press(pilot, key)
            assert text in picture_text(pilot), key


async def test_the_histogram_shows_the_threshold_of_the_form_and_then_of_the_step() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc3.weight", "f5")
        assert "│" not in picture_text(pilot)
        await press(pilot, "3")
        previewed = pane.picture.threshold
        assert "│" in picture_text(pilot)
        assert f"{previewed:.3g}" in picture_text(pilot)
        assert "▒ would go" in picture_text(pilot)
        await press(pilot, "enter")
        assert "│" in picture_text(pilot)
        assert "▒" not in picture_text(pilot)
        assert pane.picture.threshold == previewed
        await press(pilot, "u")
        assert "│" not in picture_text(pilot)


async def test_a_histogram_that_fits_has_no_scrollbar_whatever_the_size_was_before() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "f5")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert not pane.picture.show_vertical_scrollbar
        narrow = picture_text(pilot)
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert picture_text(pilot) == narrow, "as wide as it was"


async def test_what_does_not_fit_has_one_and_scrolls() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f7")
        assert pane.picture.show_vertical_scrollbar
        assert "Kept 48,000 of 48,000" in picture_text(pilot)
        await press(pilot, "G")
        assert "Kept 48,000" not in picture_text(pilot)
        assert "16×16 blocks" in picture_text(pilot)
        await press(pilot, "g")
        first = picture_text(pilot)
        await press(pilot, "j", "k")
        assert picture_text(pilot) == first
        await press(pilot, "pagedown", "pageup")
        assert picture_text(pilot) == first


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_an_open_form_marks_what_would_go_and_esc_unmarks_it(key: str) -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", key)
        before = drawn(pilot)
        await press(pilot, "5")
        assert drawn(pilot) != before
        await press(pilot, "escape")
        assert drawn(pilot) == before


@pytest.mark.parametrize(("key", "name"), PICTURE_KEYS.items())
async def test_w_shows_each_of_five_views_in_each_picture(key: str, name: str) -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "3", "enter", key)
        seen = {}
        for view in VIEWS:
            assert f"‹{view}›" in frame_text(pilot)
            assert pane_of(pilot).pictures.name_shown == name
            seen[view] = picture_text(pilot).rstrip()
            assert "…" not in seen[view], "nothing is left waiting"
            assert seen[view].strip()
            await press(pilot, "w")
        assert picture_text(pilot).rstrip() == seen["effective"], "round again"
        if name in {"mask", "structure"}:
            assert set(seen.values()) == {seen["effective"]}, "about the mask, whichever values are looked at"
        elif name != "stack":
            assert seen["effective"] != seen["orig"] != seen["mask"] != seen["step"] == seen["start"]


async def test_the_position_stays_from_picture_to_picture() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "colon", *"7 9", "enter")
        for key in PICTURE_KEYS:
            await press(pilot, key)
            assert readout(pilot).startswith("[7, 9]")
            assert pane.picture.aim.index == (7, 9)


async def test_each_tensor_remembers_its_own_position_axes_and_slider() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv2.weight", "j", "l", "a", "A")
        there = pane.aim
        assert there.index == (1, 1, 0, 0)
        await press(pilot, "t")
        assert pane.aim.index == (0,)
        await look_at(pilot, "fc1.weight", "l", "l")
        assert pane.aim.index == (0, 2)
        await look_at(pilot, "conv2.weight")
        assert pane.aim == there


async def test_an_edit_leaves_the_position_where_it_is() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "G", "3", "enter")
        assert pane.aim.index == (119, 399)
        await press(pilot, "u")
        assert pane.aim.index == (119, 399)
        assert readout(pilot).startswith("[119, 399] -0.00734688")


@pytest.mark.parametrize(("key", "name"), PICTURE_KEYS.items())
async def test_where_there_is_no_tensor_every_picture_says_so_and_its_keys_do_nothing(key: str, name: str) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, key)
        pane = pane_of(pilot)
        nothing = "no tensor here: go to a module that holds some"
        assert nothing in picture_text(pilot)
        assert said(pilot) == "", "the picture says it"
        pane.picture.focus()
        await press(pilot, "j", "l", "pagedown", "ctrl+right", "G")
        assert said(pilot) == ""
        for one in (
            "n",
            "f",
            "a",
            "A",
            "greater_than_sign",
            "i",
            "p",
            "r",
            "right_curly_bracket",
            "x",
            "X",
            "enter",
        ):
            pilot.app.clear_notifications()
            await press(pilot, one)
            assert said(pilot) == nothing, one
        for one in ("colon", "w", "t"):
            pilot.app.clear_notifications()
            await press(pilot, one)
            assert said(pilot) == nothing, one
        assert pane.aim is None
        assert readout(pilot) == ""
        assert not pane.going


@pytest.mark.parametrize("key", PICTURE_KEYS)
async def test_what_a_picture_shows_is_drawn_anew_for_another_size(key: str) -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", key)
        await press(pilot, "3", "enter")
        wide = picture_text(pilot)
        await pilot.resize_terminal(60, 18)
        await settle(pilot)
        narrow = picture_text(pilot)
        assert narrow.strip()
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert picture_text(pilot) == wide


async def test_an_unknown_key_of_a_picture_says_where_it_would_work() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "i")
        assert "nothing to zoom here: heat map and mask" in said(pilot)
        await press(pilot, "p")
        assert said(pilot) == "this picture has one way only"
        await press(pilot, "r")
        assert said(pilot) == "nothing is sorted here; channels are"
        await press(pilot, "f3", "right_curly_bracket")
        assert said(pilot) == "digits are those of the values picture"


@pytest.mark.parametrize("key", ["f5", "f7"])
async def test_keys_that_have_nowhere_to_go_in_a_picture_of_lines_say_so(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", key)
        there = pane.aim
        for arrow in ("l", "h", "ctrl+right"):
            await press(pilot, arrow)
            assert said(pilot) == "there is nothing beside it: this picture goes up and down only"
        for scrolling in ("j", "pagedown", "G"):
            await press(pilot, "r", scrolling)
            assert said(pilot) == "all of it is in sight: there is nothing to scroll to"
        await press(pilot, "a")
        assert said(pilot) == "this picture is of the whole tensor: other axes are for values, heat map and mask"
        assert pane.aim == there
        await press(pilot, "f6", "l")
        assert said(pilot) == "channels go up and down; a shows those of another axis"
