"""Heat map and mask as a person sees them: what is marked, what the legend says of it, one axis folded."""

from __future__ import annotations

import re

import pytest

from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import look_at, picture_text, readout

SMALL = (80, 24)


@pytest.mark.parametrize(("key", "shade"), [("f3", "▀"), ("f4", "▓")])
async def test_a_step_that_takes_some_of_every_cell_hides_no_values_and_is_told_in_words(
    key: str, shade: str
) -> None:
    async with running(app_on(), size=SMALL) as pilot:
        await look_at(pilot, "fc1.weight", key, "3")
        told = picture_text(pilot)
        assert told.count(shade) > 80
        assert not re.search("[○·˙⠿0-9]{9}", told), "no mark on cell after cell"
        assert "30.0% would go" in told
        await press(pilot, "enter")
        told = picture_text(pilot)
        assert told.count(shade) > 80
        assert "30.0% masked" in told


async def test_a_painted_row_is_seen_in_a_pooled_map() -> None:
    async with running(app_on(), size=SMALL) as pilot:
        await look_at(pilot, "fc1.weight", "f3", "X", "j", "x")
        told = picture_text(pilot)
        assert "˙" * 39 in told or "." * 39 in told
        assert "some would go" in told


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_channels_that_are_gone_are_counted_where_living_ones_hide_them(key: str) -> None:
    async with running(app_on(), size=SMALL) as pilot:
        await look_at(pilot, "fc1.weight", key, "5", "enter")
        assert "36 rows wholly masked" in picture_text(pilot)


async def test_the_row_of_a_magnified_entry_is_written_once() -> None:
    async with running(app_on()) as pilot:
        for key in ("f3", "f4"):
            await look_at(pilot, "conv1.weight", key)
            labels = re.findall(r"^ *(\d+) ", picture_text(pilot), flags=re.MULTILINE)
            assert labels == ["0", "1", "2"]


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_one_axis_is_folded_and_the_cursor_goes_by_its_lines(key: str) -> None:
    async with running(app_on(), size=SMALL) as pilot:
        pane = await look_at(pilot, "fc1.bias", key)
        assert re.findall(r"^ *(\d+) ", picture_text(pilot), flags=re.MULTILINE) == [
            "0",
            "20",
            "40",
            "60",
            "80",
            "100",
        ]
        assert "20 on a line" in picture_text(pilot)
        await press(pilot, "j", "j", "l")
        assert (pane.aim.index, readout(pilot).split("]")[0]) == ((41,), "[41")
        cursor = pane.picture._cursor(pane.aim)
        assert picture_text(pilot).splitlines()[cursor.y][cursor.x] == "┼"
        await press(pilot, "h", "h", "k")
        assert pane.aim.index == (19,), "back over the beginning of a line"
        await press(pilot, "k")
        assert pane.aim.index == (19,)
        await press(pilot, "G")
        assert pane.aim.index == (119,)
        await pilot.click(pane.picture, offset=cursor.offset)
        await press(pilot)
        assert pane.aim.index == (41,)


async def test_a_folded_axis_shows_its_mask_and_can_be_looked_at_more_closely() -> None:
    async with running(app_on(), size=SMALL) as pilot:
        pane = await look_at(pilot, "fc1.bias", "3", "enter", "f4", "G")
        assert "30.0% masked" in picture_text(pilot)
        assert "wholly" not in picture_text(pilot), "a line of it is no row"
        await press(pilot, "i", "i")
        assert "out 90-119   10 on a line" in picture_text(pilot)
        assert "┼" in picture_text(pilot)
        assert pane.aim.index == (119,)


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_a_pane_without_room_for_a_map_says_so_and_waits_for_nothing(key: str) -> None:
    async with running(app_on(), size=(60, 20)) as pilot:
        await press(pilot, "j", "space", "j", "space", "j", "j", key, "5")  # two targets take two lines more
        assert "the pane is too low for a map" in picture_text(pilot)
        await press(pilot, "escape")
        assert "too low" not in picture_text(pilot)
