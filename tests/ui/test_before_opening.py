"""The tree that is there before torch: it is walked, folded and filtered, and the real one takes its place."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from textual.pilot import Pilot

from prune_tui import frames, view_rows, views
from prune_tui.engine.early_outline import early_outline
from prune_tui.protocol import Answer, Open
from prune_tui.ui.app import PruneApp
from prune_tui.view_rows import ModuleRow
from tests.in_process import EngineHere, screen_text, settle, words


class LateEngine(EngineHere):
    """An engine that tells a tree at once, and takes requests when torch is there: when it is let."""

    def __init__(self, early: views.EarlyOutline) -> None:
        self._early, self.let = early, threading.Event()
        super().__init__()

    def _serve(self, connection: object) -> None:
        for body in (views.Progress(0, "importing torch"), self._early):
            connection.sendall(frames.encode(Answer(0, 0, body)))
        self.let.wait(60)
        super()._serve(connection)

    def stop(self) -> None:
        self.let.set()
        super().stop()


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    """Three blocks of two layers each."""
    names = [f"blocks.{block}.{layer}.weight" for block in range(3) for layer in ("attn", "mlp")]
    save_file({name: torch.randn(4, 3) for name in (*names, "head.weight")}, tmp_path / "net.safetensors")
    return str(tmp_path / "net.safetensors")


@asynccontextmanager
async def waiting(source: str, early: views.EarlyOutline | None = None) -> AsyncIterator[Pilot[None]]:
    """The app with the early tree on the screen, and an engine that takes no request yet."""
    told = early or early_outline(Open(source))
    assert told is not None
    app = PruneApp(Open(source), lambda: LateEngine(told))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: app.main.module_tree.current is not None)
        yield pilot


async def until(pilot: Pilot[None], so: Callable[[], bool]) -> None:
    for _ in range(1000):
        await pilot.pause(0.01)
        if so():
            await pilot.pause()
            return
    raise AssertionError(screen_text(pilot))


async def torch_is_there(pilot: Pilot[None]) -> None:
    pilot.app.engine.let.set()
    await until(pilot, lambda: pilot.app.main.is_open)
    await settle(pilot)


async def test_the_tree_is_there_before_torch_and_says_what_is_to_come(checkpoint: str) -> None:
    async with waiting(checkpoint) as pilot:
        await pilot.press("j", "j")
        await pilot.pause()
        assert pilot.app.main.module_tree.current.path == "blocks.0"
        await pilot.press("G")
        await pilot.pause()
        screen = screen_text(pilot)
        assert "net.safetensors" in screen
        assert "importing torch" in screen
        assert "values come once torch is there" in words(pilot)
        assert "weight 4×3" in words(pilot)
        assert not pilot.app.client.waiting > 1, "nothing but the opening is asked for"


async def test_cursor_folds_and_filter_stay_when_the_real_tree_comes(checkpoint: str) -> None:
    async with waiting(checkpoint) as pilot:
        await pilot.press("O", *"jjjj", "h", "h")
        await pilot.pause()
        tree = pilot.app.main.module_tree
        before = screen_text(pilot).splitlines()
        assert tree.current.path == "blocks.0"
        left = pilot.app.main.query_one("#left").region.right
        lines = [line[1 : left - 1] for line in before[2:25]]
        await torch_is_there(pilot)
        assert tree.current.path == "blocks.0"
        assert [line[1 : left - 1] for line in screen_text(pilot).splitlines()[2:25]] == lines
        await pilot.press("j", "j")
        await settle(pilot)
        assert pilot.app.main.tensor.tensor == "blocks.1.attn.weight"
        assert "values come" not in words(pilot)


async def test_a_filter_and_what_is_folded_under_it_stay(checkpoint: str) -> None:
    async with waiting(checkpoint) as pilot:
        await pilot.press("slash", *"mlp", "enter", "p", "h")
        await pilot.pause()
        tree = pilot.app.main.module_tree
        shown = [tree._outline.row(index).path for index in tree._outline.visible]
        assert "blocks.0.mlp" not in shown
        assert "blocks.1.mlp" in shown
        await torch_is_there(pilot)
        assert [tree._outline.row(index).path for index in tree._outline.visible] == shown
        assert tree.filtered == "mlp"
        assert tree.current.path == "blocks.0"


async def test_a_tree_of_names_gives_way_to_the_models_own(checkpoint: str) -> None:
    row = view_rows.ParameterRow("weight", (4, 3), 0, False)
    rows = (
        ModuleRow("", "folder", -1, 24, 0, ()),
        ModuleRow("blocks", "", 0, 12, 0, ()),
        ModuleRow("blocks.0", "", 1, 12, 0, ()),
        ModuleRow("blocks.0.other", "", 2, 12, 0, (row,)),
    )
    async with waiting(checkpoint, views.EarlyOutline(rows, names_only=True)) as pilot:
        await pilot.press("O", "G")
        await pilot.pause()
        assert pilot.app.main.module_tree.current.path == "blocks.0.other"
        assert "names only" in screen_text(pilot)
        assert "the model's own modules come once torch is there" in words(pilot)
        await torch_is_there(pilot)
        assert pilot.app.main.module_tree.current.path == "blocks.0", "the innermost module around it that is left"
        assert "names only" not in screen_text(pilot)


async def test_how_much_a_mask_takes_is_not_guessed(checkpoint: str) -> None:
    row = view_rows.ParameterRow("weight", (4, 3), -1, True)
    rows = (ModuleRow("", "net", -1, 12, -1, ()), ModuleRow("fc", "", 0, 12, -1, (row,)))
    async with waiting(checkpoint, views.EarlyOutline(rows)) as pilot:
        line = next(line for line in screen_text(pilot).splitlines() if "● fc" in line)
        assert "…" in line
        assert "%" not in line


@pytest.mark.parametrize("key", ["3", "space", "asterisk", "s", "e", "exclamation_mark", "right_square_bracket"])
async def test_keys_that_need_the_engine_say_what_is_waited_for(checkpoint: str, key: str) -> None:
    async with waiting(checkpoint) as pilot:
        await pilot.press("G", key)
        await until(pilot, lambda: "not open yet" in words(pilot))
        assert "the model is not open yet: importing torch" in words(pilot)
        await torch_is_there(pilot)
        assert "not open yet" not in words(pilot)


async def test_the_early_tree_of_a_new_engine_does_not_replace_the_model(checkpoint: str) -> None:
    async with waiting(checkpoint) as pilot:
        await torch_is_there(pilot)
        main = pilot.app.main
        before = main.module_tree.shown_rows()
        main.show_early(views.EarlyOutline((ModuleRow("", "other", -1, 0, 0, ()),)))
        assert main.module_tree.shown_rows() == before
