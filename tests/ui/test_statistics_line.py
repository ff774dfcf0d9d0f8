"""The line of statistics follows the width of the pane, in one line."""

from __future__ import annotations

import pytest

from tests.in_process import app_on, press, running, settle
from tests.ui.tensor_pane_here import frame_text, look_at


@pytest.mark.parametrize(
    ("size", "line"),
    [
        ((80, 24), "30.0% masked · min -0.53 max 0.56 · std 0.05678"),
        ((60, 18), "30.0% masked"),
        (
            (160, 40),
            "48,000 entries · keeps 33,600, 30.0% masked · min -0.534  max 0.5624 · mean -0.001312 · std 0.05",
        ),
    ],
)
async def test_it_tells_what_there_is_room_for(size: tuple[int, int], line: str) -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", "3", "enter")
        await pilot.resize_terminal(*size)
        await settle(pilot)
        lines = frame_text(pilot).splitlines()
        assert line in lines[1]
        assert "↓ out" in lines[2], "in one line: the picture begins below it"


async def test_at_80_columns_a_sound_tensor_shows_its_standard_deviation() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "conv1.weight")
        assert "std" in frame_text(pilot).splitlines()[1]
        await press(pilot, "w")
        assert "std" in frame_text(pilot).splitlines()[1]
