"""Where messages stand: on the frame below the panes, where they hide no number, readable at 80×24."""

from __future__ import annotations

import pytest
from textual.widgets._toast import Toast

from tests.in_process import app_on, press, running, screen_text, settle
from tests.ui.tensor_pane_here import look_at, pane_of

SIZES = [(80, 24), (120, 40), (60, 18)]


def message_region(pilot):
    (toast,) = pilot.app.screen.query(Toast)
    return toast.region


@pytest.mark.parametrize("size", SIZES)
async def test_one_line_lies_on_the_frame_and_hides_neither_readout_nor_key_bar(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        await look_at(pilot, "conv1.weight", "f3", "r")
        lines = screen_text(pilot).splitlines()
        assert lines[-2].startswith(" nothing is sorted here; channels are ")
        assert "[0, 0, 0, 0] " in lines[-3]
        assert "x paint" in lines[-1]
        assert message_region(pilot).height == 1
        assert not message_region(pilot).overlaps(pane_of(pilot).picture.region)


async def test_two_lines_lie_on_the_key_bar_too() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "conv1.weight", "f3")
        message = "w " * 75 + "end"
        pilot.app.main.say(message)
        await settle(pilot)
        lines = screen_text(pilot).splitlines()
        assert "[0, 0, 0, 0] " in lines[-3]
        assert "".join(lines[-2:]).split() == message.split()


@pytest.mark.parametrize("severity", ["information", "warning", "error"])
async def test_a_long_message_grows_upwards_and_is_read_to_its_end(severity: str) -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        words = [f"word{number}" for number in range(90)]
        pilot.app.main.say(" ".join(words), severity)
        await settle(pilot)
        lines = screen_text(pilot).splitlines()
        top = next(number for number, line in enumerate(lines) if "word0 " in line)
        assert " ".join(lines[top:]).split() == words
        assert message_region(pilot).bottom == 24


async def test_text_that_looks_like_markup_stays_text() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pilot.app.main.say("no tensor [b]w[/b]")
        await settle(pilot)
        assert "no tensor [b]w[/b]" in screen_text(pilot)


async def test_the_next_message_takes_the_place_of_the_last() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "conv1.weight", "f3", "r", "right_curly_bracket")
        assert screen_text(pilot).splitlines()[-2].startswith(" digits are those of the values picture ")
        await press(pilot, "f6", "p")
        assert screen_text(pilot).splitlines()[-2].startswith(" sorted by norm, the greatest first ")


@pytest.mark.parametrize("size", SIZES)
async def test_over_a_maximised_pane_one_line_lies_on_its_frame(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        await look_at(pilot, "conv1.weight", "f3", "z", "r")
        lines = screen_text(pilot).splitlines()
        assert lines[-1].startswith(" nothing is sorted here; channels are ")
        assert "[0, 0, 0, 0] " in lines[-2]
        assert message_region(pilot).bottom == size[1]
