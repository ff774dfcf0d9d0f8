"""`s`: the model written in a form and under a name that are asked for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from textual.pilot import Pilot
from textual.widgets import Input, Static

from prune_tui.engine.saving import safetensors_writer
from prune_tui.ui.screens.save import SaveScreen
from tests.in_process import app_on, press, running, screen_text, settle, words
from tests.ui.tensor_pane_here import look_at


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def name(pilot: Pilot[None], file: str) -> None:
    """Put a file's name into the field."""
    pilot.app.screen.query_one(Input).value = file
    await press(pilot)


def told(pilot: Pilot[None]) -> str:
    """What the screen says as running text."""
    return " ".join(" ".join(str(static.content) for static in pilot.app.screen.query(Static)).split())


async def test_the_sizes_are_told_and_the_pruned_form_is_written() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "s")
        assert "› pruned 240.5 KB" in told(pilot)
        assert "removed 240.3 KB zeros in place: any code loads it; it is no smaller" in told(pilot)
        assert pilot.app.screen.query_one(Input).value == "lenet-pruned.safetensors"
        await press(pilot, "enter")
        size = Path("lenet-pruned.safetensors").stat().st_size
        assert f"✓ wrote lenet-pruned.safetensors, {size:,} bytes. To load it: prune-tui lenet-pruned.saf" in told(
            pilot
        )
        assert int(load_file("lenet-pruned.safetensors")["conv1.weight_mask"].sum()) == 54 - 16
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, SaveScreen)
        assert "✓ 1 step saved" in screen_text(pilot)


async def test_another_form_and_kind() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "s", "down")
        assert "› removed" in told(pilot)
        await name(pilot, "out.pt")
        await press(pilot, "enter")
        state = torch.load("out.pt", weights_only=True)
        assert int((state["conv1.weight"] == 0).sum()) == 16
        assert "model.load_state_dict(state)" in told(pilot)
        await press(pilot, "enter", "s", "up")
        assert "› compact" in told(pilot)
        assert pilot.app.screen.query_one(Input).value == "lenet-compact.safetensors"
        await name(pilot, "out.pt")
        await press(pilot, "enter")
        assert "✗ out.pt: the compact form is written to .safetensors files and folders only" in told(pilot)


async def test_a_file_is_replaced_when_asked_twice_and_the_source_when_asked_three_times(tmp_path: Path) -> None:
    save_file({"fc.weight": torch.ones(4, 4)}, "net.safetensors")
    before = (tmp_path / "net.safetensors").read_bytes()
    async with running(app_on("net.safetensors")) as pilot:
        await press(pilot, "j", "3", "enter", "s")
        await name(pilot, "net.safetensors")
        await press(pilot, "enter")
        assert "✗ net.safetensors exists already: press enter again to replace it" in told(pilot)
        await press(pilot, "enter")
        assert "net.safetensors is what the model was opened from: press enter once more" in told(pilot)
        assert (tmp_path / "net.safetensors").read_bytes() == before
        await press(pilot, "enter")
        assert "✓ wrote net.safetensors" in told(pilot)
        assert "fc.weight_mask" in load_file("net.safetensors")


async def test_a_name_that_begins_as_an_option_is_told_as_a_file() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "s")
        await name(pilot, "-x.safetensors")
        await press(pilot, "enter")
        assert Path("-x.safetensors").is_file()
        assert "To load it: prune-tui ./-x.safetensors" in told(pilot)


async def test_another_name_is_asked_for_anew() -> None:
    Path("one.pt").write_text("old")
    Path("two.pt").write_text("old")
    async with running(app_on()) as pilot:
        await press(pilot, "s")
        await name(pilot, "one.pt")
        await press(pilot, "enter")
        await name(pilot, "two.pt")
        await press(pilot, "enter")
        assert "✗ two.pt exists already" in told(pilot)
        assert [Path(file).read_text() for file in ("one.pt", "two.pt")] == ["old", "old"]


async def test_a_folder_is_new_and_can_be_opened_again() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "s")
        await name(pilot, "out")
        await press(pilot, "enter")
        assert [file.name for file in Path("out").iterdir()] == ["model.safetensors"]
        await press(pilot, "enter", "s")
        await name(pilot, "out")
        await press(pilot, "enter")
        assert "✗ out exists and is no empty folder" in told(pilot)
    async with running(app_on("out")) as pilot:
        assert "1 tensor is pruned in this checkpoint" in screen_text(pilot)
        await press(pilot, "j")
        assert "L1Unstructured(amount=0.3)" in screen_text(pilot)
        assert "−16" in screen_text(pilot)


def unsaved(pilot: Pilot[None]) -> str:
    """What the first line says of it."""
    line = screen_text(pilot).splitlines()[0]
    return line[max(line.find("●"), line.find("✓")) :] if {"●", "✓"} & set(line) else ""


async def test_what_was_done_after_saving_is_not_saved_until_it_is_undone() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "s", "enter", "x", "enter", "3", "enter")
        assert unsaved(pilot) == "● 1 unsaved step"
        await press(pilot, "u")
        assert unsaved(pilot) == "✓ 1 step saved"


async def test_what_is_undone_or_amended_after_saving_is_not_as_the_file_has_it() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "2", "enter", "s", "enter", "enter")
        assert unsaved(pilot) == "✓ 2 steps saved"
        await press(pilot, "u")
        assert unsaved(pilot) == "● 1 saved step undone"
        await press(pilot, "u")
        assert unsaved(pilot) == "● 2 saved steps undone"
        await press(pilot, "U", "U")
        assert unsaved(pilot) == "✓ 2 steps saved"
        await press(pilot, "plus")
        assert unsaved(pilot) == "● 1 unsaved step"
        await press(pilot, "minus")
        assert unsaved(pilot) == "● 1 unsaved step", "a random step of its own, though it takes as many"


async def test_leaving_asks_when_saved_steps_are_undone(tmp_path: Path) -> None:
    save_file({"fc.weight": torch.ones(4, 4)}, "net.safetensors")
    app = app_on("net.safetensors", journals=str(tmp_path / "journals"))
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "s")
        await name(pilot, "net.safetensors")
        await press(pilot, "enter", "enter", "enter", "enter", "u")
        assert unsaved(pilot) == "● 1 saved step undone"
        await press(pilot, "q")
        assert "The file that was saved last has 1 step that is undone here." in told(pilot)
        assert "keep" not in told(pilot), "there is no step that a journal could keep"
        await press(pilot, "escape", "s")
        await name(pilot, "net.safetensors")
        await press(pilot, "enter")
        assert "net.safetensors exists already" in told(pilot)
        await name(pilot, "back.safetensors")
        await press(pilot, "enter", "enter")
        assert unsaved(pilot) == ""
        await pilot.press("q")
    assert app.return_code == 0


async def test_leaving_asks_about_a_mask_that_is_being_painted() -> None:
    app = app_on()
    async with running(app) as pilot:
        await look_at(pilot, "conv1.weight", "f3", "x", "q")
        assert "The mask that is being painted on conv1.weight is not applied: leaving drops it." in told(pilot)
        await press(pilot, "escape", "escape")
        await pilot.press("q")
    assert app.return_code == 0


# `I`


async def test_what_the_model_was_opened_from_is_shown() -> None:
    save_file(
        {"fc.weight": torch.ones(4, 4), "n": torch.tensor(3)},
        "net.safetensors",
        metadata={"author": "Ada\x1b[31m"},
    )
    async with running(app_on("net.safetensors")) as pilot:
        await press(pilot, "I")
        shown = " ".join(screen_text(pilot).split())
        assert "safetensors file" in shown
        assert "float32 1 tensor 64 B" in shown
        assert "int64 1 tensor 8 B" in shown
        assert "author Ada�[31m" in told(pilot)
        await press(pilot, "escape")
        assert "author" not in screen_text(pilot)


async def test_code_has_no_file_to_tell_of() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "I")
        assert "which made the weights: there is no file" in words(pilot).replace(" ▌", "")


async def test_esc_while_it_is_written_stops_that_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    header = safetensors_writer._header

    def slow(*given: object) -> bytes:
        begun.set()
        assert go_on.wait(10)
        return header(*given)

    monkeypatch.setattr(safetensors_writer, "_header", slow)
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "s")
        await pilot.press("enter")
        await asyncio.to_thread(begun.wait, 10)
        await pilot.press("escape")
        go_on.set()
        await settle(pilot)
        assert "✗ stopped: nothing was written. esc closes" in told(pilot)
        assert isinstance(pilot.app.screen, SaveScreen)
        assert list(Path().iterdir()) == []
        assert "● 1 unsaved step" in screen_text(pilot)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, SaveScreen)


async def test_a_refusal_of_another_name_agrees_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one.pt").write_text("old")
    Path("two.pt").write_text("old")
    async with running(app_on()) as pilot:
        await press(pilot, "s")
        await name(pilot, "one.pt")
        await pilot.press("enter")
        pilot.app.screen.query_one(Input).value = "two.pt"
        await settle(pilot)
        await press(pilot, "enter")
        assert Path("two.pt").read_text() == "old"
        assert "✗ two.pt exists already" in told(pilot)


async def test_in_a_low_window_what_to_do_with_the_file_can_be_scrolled() -> None:
    async with running(app_on(), (60, 20)) as pilot:
        await press(pilot, "j", "3", "enter", "s", "enter")
        assert "load_state_dict" not in screen_text(pilot)
        await press(pilot, *["pagedown"] * 3)
        assert "load_state_dict" in screen_text(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen is pilot.app.main
