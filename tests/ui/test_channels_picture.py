"""Sorting the channels by key: what is seen afterwards, and that a long sort is not done in the event loop."""

from __future__ import annotations

import threading

import pytest
from textual.pilot import Pilot

from prune_tui.ui.pictures import channels
from prune_tui.ui.widgets import channels_picture
from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import look_at, picture_text, readout, said


def column(pilot: Pilot[None]) -> list[str]:
    """The channels on the screen, as their rows name them; `▸` marks the cursor."""
    rows = picture_text(pilot).splitlines()[1:-1]
    return [row.replace("▸", "▸ ").split()[0 if "▸" not in row else 1] for row in rows]


async def test_sorting_shows_the_first_rows_and_the_cursors_below_them() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f6", "colon", *"60 5", "enter", "p")
        norms = pilot.app.engine.model.fc1.weight.norm(dim=1)
        order = norms.argsort(descending=True).tolist()
        place = order.index(60) + 1
        seen = column(pilot)
        assert [int(one) for one in seen[:-2]] == order[: len(seen) - 2]
        assert seen[-1] == "60"
        assert f"… row {place} of 120:" in picture_text(pilot)
        assert pane.aim.index == (60, 5), "sorting moves nobody"
        assert readout(pilot).startswith("[60, 5]")
        await press(pilot, "r")
        assert int(column(pilot)[0]) == order[-1]


async def test_from_the_row_below_an_arrow_goes_on_and_g_goes_to_the_top() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f6", "colon", *"60 5", "enter", "p", "j")
        order = pilot.app.engine.model.fc1.weight.norm(dim=1).argsort(descending=True).tolist()
        assert pane.aim.index == (order[order.index(60) + 1], 5)
        assert "… row" not in picture_text(pilot)
        assert "▸" in picture_text(pilot)
        await press(pilot, "g")
        assert pane.aim.index == (order[0], 5)
        assert int(column(pilot)[0]) == order[0]


async def test_a_cursor_at_the_end_comes_into_sight_though_it_cannot_move() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f6", "G", "r")
        assert int(column(pilot)[0]) == 119
        assert pane.aim.index[0] == 119, "it is the first row now"
        await press(pilot, "r", "j")
        assert "… row" not in picture_text(pilot)
        assert int(column(pilot)[-1]) == 119


async def test_at_the_end_there_are_no_empty_lines_when_the_pane_was_lower_in_between() -> None:
    """The form took rows away while it was open."""
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f6", "G", "3")
        low = pane.picture.size.height
        await press(pilot, "enter")
        assert pane.picture.size.height > low
        assert len(column(pilot)) == pane.picture.size.height - channels.AROUND
        assert column(pilot)[-1] == "119"


async def test_a_long_sort_is_not_done_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    order = channels.order

    def watched(*arguments: object) -> object:
        threads.append(threading.current_thread())
        return order(*arguments)

    monkeypatch.setattr(channels_picture, "AT_ONCE", 100)
    monkeypatch.setattr(channels, "order", watched)
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "fc1.weight", "f6", "p")
        assert said(pilot) == "sorting by norm, the greatest first"
        assert int(column(pilot)[0]) == int(pilot.app.engine.model.fc1.weight.norm(dim=1).argmax())
        assert threads
        assert threading.current_thread() not in threads
        threads.clear()
        await look_at(pilot, "fc3.weight", "p")
        assert threads[-1] is threading.current_thread(), "ten are sorted at once"
