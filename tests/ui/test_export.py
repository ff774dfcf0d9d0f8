"""`e`: the steps made by key, written to a file that is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from prune_tui.engine.exports import recipe_reader
from prune_tui.ui.screens.export import ExportScreen, _default
from tests.in_process import app_on, press, running, screen_text


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


async def test_a_recipe_is_written_and_how_to_use_it_is_told(tmp_path: Path) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        assert "Your step as a recipe (.yaml), which prune-tui does again" in told(pilot)
        assert pilot.app.screen.query_one(Input).value == "lenet-pruned.yaml"
        await press(pilot, "enter")
        (written,) = tmp_path.iterdir()
        assert f"✓ wrote lenet-pruned.yaml, {written.stat().st_size:,} bytes" in told(pilot)
        assert "prune-tui apply lenet-pruned.yaml demo --device cpu -o pruned.pt" in told(pilot)
        recipe = recipe_reader.read(written)
        assert (recipe.source, recipe.name) == ("demo", "LeNet")
        assert [wanted.step.targets for wanted in recipe.steps] == [("conv1.weight",)]
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, ExportScreen)


async def test_a_script_is_written_where_the_name_says_so(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        await name(pilot, "sub/prune lenet.py")
        await press(pilot, "enter")
        assert "python 'sub/prune lenet.py' pruned.pt" in told(pilot)
        assert (
            'prune.l1_unstructured(model.conv1, "weight", amount=0.3)'
            in (tmp_path / "sub/prune lenet.py").read_text()
        )


async def test_a_file_that_exists_is_replaced_at_the_second_enter(tmp_path: Path) -> None:
    file, other = tmp_path / "mine.yaml", tmp_path / "other.yaml"
    file.write_text("mine")
    other.write_text("mine")
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        await name(pilot, "mine.yaml")
        await press(pilot, "enter")
        assert "✗ mine.yaml exists already: press enter again to replace it" in told(pilot)
        await name(pilot, "other.yaml")  # the question was about the other one
        await press(pilot, "enter")
        assert "✗ other.yaml exists already" in told(pilot)
        await name(pilot, "mine.yaml")
        await press(pilot, "enter")
        assert (file.read_text(), other.read_text()) == ("mine", "mine")
        await press(pilot, "enter")
        assert "✓ wrote mine.yaml" in told(pilot)
        assert file.read_text().startswith("# A recipe of prune-tui")
        assert other.read_text() == "mine"
        await press(pilot, "enter", "e")  # it is there again
        await name(pilot, "mine.yaml")
        await press(pilot, "enter")
        assert "✗ mine.yaml exists already" in told(pilot)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("", "✗ the name must end in .yaml for a recipe, or in .py for a script"),
        ("lenet.txt", "✗ the name must end in .yaml for a recipe, or in .py for a script"),
        ("none/lenet.yaml", "✗ there is no folder "),
        ("sub.yaml", "✗ sub.yaml is a folder; name a file in it"),
        ("a" * 300 + ".yaml", "File name too long"),
        ("\0.yaml", "embedded null"),
    ],
)
async def test_what_cannot_be_written_is_told(tmp_path: Path, file: str, said: str) -> None:
    (tmp_path / "sub.yaml").mkdir()
    async with running(app_on(), size=(200, 40)) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        await name(pilot, file)
        await press(pilot, "enter")
        assert said in told(pilot)
        assert [path.name for path in tmp_path.iterdir()] == ["sub.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        await name(pilot, "theirs/lenet.yaml")
        await press(pilot, "enter")
        assert "is not yours to write to" in told(pilot)


async def test_a_full_disk_is_told_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        monkeypatch.setattr(os, "fsync", full)
        await press(pilot, "enter")
        assert "cannot be written: No space left on device; it is as it was before" in told(pilot)
        assert list(tmp_path.iterdir()) == []


async def test_without_a_step_there_is_nothing_to_export() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "e")
        assert "no step yet: there is nothing to export" in screen_text(pilot)
        await press(pilot, "j", "3", "enter", "u", "e")
        assert not isinstance(pilot.app.screen, ExportScreen)


async def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "e")
        await name(pilot, "~/lenet.YML")
        await press(pilot, "enter")
        assert (tmp_path / "home" / "lenet.YML").is_file()


def test_a_files_name_is_made_of_the_models() -> None:
    assert _default("LeNet") == "lenet-pruned.yaml"
    assert _default("My Net/../x") == "my-net----x-pruned.yaml"
    assert _default("…") == "model-pruned.yaml"
