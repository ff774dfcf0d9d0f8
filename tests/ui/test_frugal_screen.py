"""How often the screen is drawn: each drawing is thousands of bytes over SSH."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.pilot import Pilot
from textual.screen import Screen

from prune_tui.ui.frugal_screen import FrugalScreen
from tests.in_process import app_on, press, running, send, settle
from tests.ui.tensor_pane_here import PICTURE_KEYS, look_at, main_of, pane_of, picture_text


@contextmanager
def drawings(pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RenderableType]]:
    """What the app sends to the terminal meanwhile."""
    sent: list[RenderableType] = []
    send = type(pilot.app)._display

    def display(app: object, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None:
            sent.append(renderable)
        send(app, screen, renderable)

    with monkeypatch.context() as patch:
        patch.setattr(type(pilot.app), "_display", display)
        yield sent


@contextmanager
def answers_last(pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """Nothing is answered until this is set: all has its place on the screen before, on a slow machine too."""
    told, ask = asyncio.Event(), pilot.app.main.ask

    async def later(*given: object) -> object:
        await told.wait()
        return await ask(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(pilot.app.main, "ask", later)
        yield told


def draws_the_picture(pilot: Pilot[None], drawing: RenderableType) -> bool:
    """Whether most of its lines are among what is drawn."""
    region = pane_of(pilot).picture.region
    if not isinstance(drawing, ChopsUpdate):
        return True  # of the whole screen
    lines = {y for y, first, behind in drawing.spans if first < region.right - 10 and behind > region.x + 10}
    return len(lines & set(range(region.y, region.bottom))) > region.height // 2


@pytest.mark.parametrize("key", sorted(set(PICTURE_KEYS) - {"f2"}))
async def test_a_picture_is_drawn_once_when_it_is_switched_to(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrugalScreen, "patience", 60.0)  # however slow this machine is
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", key, "f2", key, "f2")
        for pressed in (key, "f2"):
            with drawings(pilot, monkeypatch) as sent, answers_last(pilot, monkeypatch) as laid_out:
                send(pilot, pressed)
                for _ in range(5):
                    await pilot.pause(0.02)
                laid_out.set()
                await settle(pilot)
            assert sum(draws_the_picture(pilot, drawing) for drawing in sent) == 1


async def test_another_focus_does_not_draw_the_whole_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(app_on()) as pilot:
        with drawings(pilot, monkeypatch) as sent:
            await press(pilot, "tab")
        assert main_of(pilot).module_pane.has_focus
        assert sent
        assert all(isinstance(drawing, ChopsUpdate) for drawing in sent)


async def test_what_changed_while_the_line_was_held_up_is_drawn_when_it_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between two drawings, too: then Textual has heard of the change, but not yet of the lines it is in."""
    async with running(app_on()) as pilot:
        main = main_of(pilot)
        main.module_pane.refresh()
        main._dirty_widgets.add(main.module_pane)
        with drawings(pilot, monkeypatch) as sent:
            main._try_again()
        (drawing,) = sent
        assert isinstance(drawing, ChopsUpdate)
        assert {y for y, _, _ in drawing.spans} == set(range(*main.module_pane.region.line_span))


async def test_what_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrugalScreen, "patience", 0.01)
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight")
        main = main_of(pilot)
        main.wait_to_draw(main.module_tree)
        with drawings(pilot, monkeypatch) as sent:
            await pilot.pause(0.2)
            assert sent
        await press(pilot, "f2", "f2")
        assert "0.0" in picture_text(pilot)
