"""The list behind 9, and the methods of plugins: found, asked for, done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from textual.pilot import Pilot
from textual.widgets import Input, Select

from prune_tui import steps
from prune_tui.engine.methods import custom_methods, plugins
from prune_tui.ui.screens.more_methods import MoreMethods, letters
from prune_tui.ui.widgets.step_form import StepForm
from tests.in_process import app_on, press, running, screen_text, settle, words

TUTORIAL = '''
from torch.nn.utils import prune

class FooBarPruningMethod(prune.BasePruningMethod):
    """Prune every other entry in a tensor
    """
    PRUNING_TYPE = 'unstructured'

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask
'''
ASKING = '''
from typing import Literal, Optional
from torch.nn.utils.prune import BasePruningMethod

class AskingMethod(BasePruningMethod):
    """Prune the first entries, by what is [asked]."""
    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float = 0.25, flag: bool = False, side: Literal["left", "right"] = "left",
                 word: str = "", λ: Optional[float] = None):
        """Args:
            flag: Whether.
        """
        if word == "boom":
            raise ValueError("no boom")
        self.amount, self.flag, self.side, self.word, self.scale = amount, flag, side, word, λ

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        count = round(self.amount * t.numel())
        mask.view(-1)[:count] = 0
        return mask.flip(0) if self.side == "right" else mask
'''


@pytest.fixture(autouse=True)
def _nobody_elses_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})
    monkeypatch.setattr(custom_methods, "CLASSES", {})
    monkeypatch.setattr(plugins, "CLASSES", custom_methods.CLASSES)


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "my_methods.py"
    file.write_text(TUTORIAL + ASKING)
    return str(file)


def form_of(pilot: Pilot[None]) -> StepForm:
    form = pilot.app.main.form
    assert form is not None
    return form


async def test_a_method_is_chosen_by_its_letter(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,))) as pilot:
        await press(pilot, "j", "9")
        assert isinstance(pilot.app.screen, MoreMethods)
        assert "foo_bar" in screen_text(pilot)
        assert re.search(r"Prune every other entry in a tensor\. +.+\n.+my_methods.py:4", screen_text(pilot))
        await press(pilot, letter_of(pilot, "foo_bar"))
        assert form_of(pilot).method.name == "foo_bar"
        assert "−27, keeps 27 of 54 (50.0% masked)" in words(pilot)
        await press(pilot, "enter")
        assert "FooBarPruningMethod → weight" in screen_text(pilot)
        await press(pilot, "j", "full_stop", "H")
        assert screen_text(pilot).count("foo_bar()") == 2
        await press(pilot, "u", "u")
        assert pilot.app.main.status.summary.masked == 0


def letter_of(pilot: Pilot[None], name: str) -> str:
    names = [method.name for method in pilot.app.main.more_methods]
    return letters(names)[names.index(name)]


async def test_a_method_is_chosen_with_arrows_and_enter(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,))) as pilot:
        await press(pilot, "j", "9", "j", "k", "up", "enter")  # up from the first is the last
        assert form_of(pilot).method.name == "asking"


@pytest.mark.parametrize(
    ("name", "amount", "said"),
    [
        ("lamp", "0.5", "in all −29,919, 50.0% of 59,838 masked"),
        ("global_structured", "10", "= 10 of 236 left"),
        ("uniform_plus", "0.5", "conv1.weight −0, keeps 54 of 54"),
        ("erdos_renyi_kernel", "0.5", "conv1.weight −0, keeps 54 of 54"),
    ],
)
async def test_methods_of_ours_without_a_key(name: str, amount: str, said: str) -> None:
    async with running(app_on(), size=(120, 40)) as pilot:
        await press(pilot, "9", letter_of(pilot, name))
        form_of(pilot).query_one("#field-amount", Input).value = amount
        await settle(pilot)
        assert said in words(pilot)
        masked = sum(int(word.replace(",", "")) for word in re.findall(r"in all −([\d,]+)", words(pilot)))
        await press(pilot, "enter")
        assert pilot.app.main.status.summary.masked == masked > 0
        await press(pilot, "u")
        assert pilot.app.main.status.summary.masked == 0


async def test_scores_of_a_file(tmp_path: Path) -> None:
    scores = torch.ones(6, 1, 3, 3)
    scores[2] = 0
    torch.save({"conv1.weight": scores}, tmp_path / "scores.pt")
    async with running(app_on()) as pilot:
        await press(pilot, "j", "9", letter_of(pilot, "importance_scores"))
        form_of(pilot).query_one("#field-file", Input).value = str(tmp_path / "scores.pt")
        form_of(pilot).query_one("#field-amount", Input).value = "9"
        await settle(pilot)
        assert "= 9 of 54 left" in words(pilot)
        await press(pilot, "enter", "t")
        assert pilot.app.main.status.summary.masked == 9


async def test_the_list_can_be_left(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,))) as pilot:
        for key in ("escape", "q", "9"):
            await press(pilot, "j", "9", key)
            assert not isinstance(pilot.app.screen, MoreMethods)
            assert pilot.app.main.form is None


async def test_the_palette_lists_them(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,))) as pilot:
        await press(pilot, "j", "ctrl+p", *"foo_bar")
        assert "Prune every other entry in a tensor." in screen_text(pilot)
        await press(pilot, "enter")
        await settle(pilot)
        assert form_of(pilot).method.name == "foo_bar"


async def test_a_form_made_from_a_signature(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,)), size=(80, 24)) as pilot:
        await press(pilot, "j", "9", letter_of(pilot, "asking"))
        form = form_of(pilot)
        assert "by what is [asked]" in words(pilot)
        assert form.query_one("#field-amount", Input).value == "0.25"
        assert "= 14 of 54 left" in words(pilot)
        form.query_one("#field-flag", Select).value = "True"
        form.query_one("#field-side", Select).value = "right"
        form.query_one("#field-word", Input).value = "boom"
        await settle(pilot)
        assert re.search(r"AskingMethod refuses .my_methods.py:27.: ValueError: no boom", words(pilot))
        form.query_one("#field-word", Input).value = "one two"
        form.query_one("#field-amount", Input).value = "0.5"
        await settle(pilot)
        await press(pilot, "enter")
        (entry,) = pilot.app.main.entries
        assert entry.step.settings == {"amount": 0.5, "flag": True, "side": "right", "word": "one two", "λ": None}
        assert entry.effects[0].took == 27
        await press(pilot, "plus")
        assert pilot.app.main.entries[0].step.settings["amount"] == 0.55
        assert pilot.app.main.entries[0].step.seed == entry.step.seed


async def test_9_prunes_nothing_when_read_only(plugin: str) -> None:
    async with running(app_on(plugins=(plugin,), readonly=True)) as pilot:
        await press(pilot, "j", "9")
        assert not isinstance(pilot.app.screen, MoreMethods)
        assert "read-only" in screen_text(pilot)


async def test_a_plugin_that_cannot_be_imported_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("\nraise SystemExit('no')\n")
    app = app_on(plugins=(str(file),))
    async with app.run_test() as pilot:
        while not app.failure:
            await pilot.pause(0.01)
    assert app.failure == f"{file} could not be imported (broken.py:2): SystemExit: no"
    assert app.return_code == 2


def test_letters() -> None:
    assert letters(["lamp", "layer", "jkq", "a", "l"]) == ["l", "a", "b", "c", "d"]
    assert letters(["x"] * 30).count("") == 7


async def test_a_total_to_be_reached() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "j", "3")
        form_of(pilot).query_one("#field-amount", Input).value = "to 75%"
        await settle(pilot)
        assert "= 41 of 54 left" in words(pilot)
        await press(pilot, "up")
        assert form_of(pilot).query_one("#field-amount", Input).value == "to 80%"
        assert "= 44 of 54 left" in words(pilot)
        await press(pilot, "enter", "minus")
        assert pilot.app.main.entries[0].step.amount == "to 75%"
        assert pilot.app.main.status.summary.masked == 41
        await press(pilot, "3")
        form_of(pilot).query_one("#field-amount", Input).value = "to 50%"
        await settle(pilot)
        assert "conv1.weight is at 75.9% already; to 50% takes nothing more of it" in words(pilot)


PERHAPS = """
from typing import Literal, Optional
from torch.nn.utils.prune import BasePruningMethod

class Perhaps(BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, side: Optional[Literal["left", "right"]] = None, flag: Optional[bool] = None):
        self.side, self.flag = side, flag

    def compute_mask(self, t, default_mask):
        return default_mask.clone()
"""


async def test_what_may_be_none_is_none_until_it_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "perhaps.py"
    file.write_text(PERHAPS)
    async with running(app_on(plugins=(str(file),))) as pilot:
        for chosen in (None, "right"):
            await press(pilot, "j", "9", letter_of(pilot, "perhaps"))
            form = form_of(pilot)
            side = form.query_one("#field-side", Select)
            assert side.is_blank()
            if chosen:
                side.value = chosen
                await settle(pilot)
            form.action_submit()  # enter opens the list that has the focus
            await settle(pilot)
            assert pilot.app.main.entries[-1].step.settings == {"side": chosen, "flag": None}
