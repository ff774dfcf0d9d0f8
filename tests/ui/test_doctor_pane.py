"""The doctor by key, on a model with what a failed prune leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher

from prune_tui import protocol, steps
from prune_tui.ui.widgets.findings_pane import FindingsPane
from prune_tui.ui.widgets.module_tree import ModuleTree
from tests.engine.fingerprints import fingerprint
from tests.in_process import app_on, press, running, screen_text, settle, words

SOURCE = """
import torch
from torch import nn
from torch.nn.utils import prune

def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    prune.l1_unstructured(model[0], "weight", amount=3)
    try:
        prune.l1_unstructured(model[0], "weight", amount=99)
    except ValueError:
        pass
    prune.l1_unstructured(model[2], "weight", amount=1.0)
    return model
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(SOURCE)
    return f"{tmp_path}/nets.py:net"


def pane(pilot: Pilot[None]) -> FindingsPane:
    return pilot.app.main.query_one(FindingsPane)


def checks(pilot: Pilot[None]) -> list[str]:
    return [one.check for one in pane(pilot)._found.findings]


async def test_nothing_found_says_how_much_was_looked_at() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "exclamation_mark")
        assert "nothing found: 29 checks on 10 tensors" in screen_text(pilot)
        await press(pilot, "r", "enter", "j", "G")  # none of which has anything to work on
        assert pilot.app.main.status.summary.steps == 0


async def test_it_opens_closes_and_gives_the_room_back(net: str) -> None:
    async with running(app_on(net)) as pilot:
        upper = pilot.app.main.query_one("#upper", ContentSwitcher)
        height = upper.size.height
        await press(pilot, "exclamation_mark")
        assert pilot.app.focused is pane(pilot)
        assert upper.size.height > height
        for closing in ("exclamation_mark", "escape"):
            await press(pilot, closing)
            assert (upper.current, upper.size.height) == ("module", height)
            assert isinstance(pilot.app.focused, ModuleTree)
            await press(pilot, "exclamation_mark")
        await press(pilot, "H")
        assert upper.size.height == height


async def test_the_cursor_explains_and_enter_goes_there(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "exclamation_mark")
        assert checks(pilot)[:2] == ["half-pruned", "dead"]
        assert "have lost their hook" in words(pilot)
        await press(pilot, "j")
        assert "have lost their hook" not in words(pilot)
        assert "all 6 entries of 2.weight are masked" in words(pilot)
        await press(pilot, "enter")
        assert pilot.app.main.module_tree.current.path == "2"
        assert pilot.app.main.tensor.tensor == "2.weight"
        assert pilot.app.focused is pane(pilot)
        await press(pilot, "G", "k", "home", "pagedown", "pageup")
        assert pane(pilot).cursor == 0


async def test_r_repairs_the_list_follows_and_u_takes_it_back(net: str) -> None:
    async with running(app_on(net)) as pilot:
        model = pilot.app.engine.model
        before = fingerprint(model)
        await press(pilot, "exclamation_mark")
        assert "r reattach: a hook keeps 9 of 12 entries of 0.weight again" in words(pilot)
        await press(pilot, "r")
        assert "half-pruned" not in checks(pilot)
        assert torch.equal(model[0].weight, model[0].weight_orig * model[0].weight_mask)
        assert pilot.app.main.status.summary.steps == 1
        assert isinstance(pilot.app.main.entries[0].step, steps.Reattach)
        await press(pilot, "H")
        assert "reattach() 0.weight −3" in words(pilot)
        await press(pilot, "exclamation_mark", "u")
        assert checks(pilot)[0] == "half-pruned"
        assert fingerprint(model) == before
        await press(pilot, "U")
        assert "half-pruned" not in checks(pilot)


async def test_what_no_step_mends_says_what_to_do(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "exclamation_mark", "j", "r")
        assert "no step mends this: undo the step that emptied it" in " ".join(screen_text(pilot).split())
        assert pilot.app.main.status.summary.steps == 0


async def test_a_read_only_session_looks_but_does_not_repair(net: str) -> None:
    async with running(app_on(net, readonly=True)) as pilot:
        await press(pilot, "exclamation_mark", "r")
        assert "read-only: start without --readonly to prune" in screen_text(pilot)
        assert checks(pilot)[0] == "half-pruned"


async def test_an_open_form_keeps_its_place(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "G", "3")
        pilot.app.main.action_findings()
        await settle(pilot)
        assert pilot.app.main.form is not None
        assert "a form is open" in screen_text(pilot)


async def test_steps_by_key_are_followed_too() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "exclamation_mark")
        await press(pilot, "tab", "tab", "tab")
        pilot.app.main._edit(lambda: protocol.Apply(steps.Identity(targets=("conv1.weight",))))
        await settle(pilot)
        assert "idle" in checks(pilot)


async def test_an_engine_that_cannot_look_is_told(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no eyes")

    async with running(app_on(net)) as pilot:
        monkeypatch.setattr("prune_tui.engine.doctor.examine", broken)
        await press(pilot, "exclamation_mark")
        assert "the model could not be checked: RuntimeError: no eyes" in screen_text(pilot)


async def test_a_click_moves_the_cursor(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "exclamation_mark")
        last = pane(pilot)._lines[-1].finding
        await pilot.click(FindingsPane, offset=(5, len(pane(pilot)._lines)))
        await settle(pilot)
        assert pane(pilot).cursor == last


async def test_repairs_are_no_methods_of_the_palette(net: str) -> None:
    from prune_tui.ui import keys

    assert not [key for key in keys.KEYS if "reattach" in key.id]
    async with running(app_on(net)) as pilot:
        await press(pilot, "exclamation_mark", "question_mark")
        assert "In the doctor's pane" in screen_text(pilot)


BROKEN = """
import torch
from torch import nn
from torch.nn.utils import prune

def net():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    prune.l1_unstructured(model[0], "weight", 3)
    try:
        prune.l1_unstructured(model[0], "weight", 1.5)
    except ValueError:
        return model

def whole():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    return prune.l1_unstructured(model[0], "weight", 3) and model
"""


async def test_a_model_that_comes_broken_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    async with running(app_on(f"{tmp_path}/broken.py:net")) as pilot:
        assert "1 error in this model: ! shows what, and repairs" in words(pilot)
        await press(pilot, "j", "3")  # the weight is meant, not the bias that is left beside it
        assert "0.weight_orig is half pruned" in words(pilot)


async def test_a_model_that_comes_pruned_and_sound_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    async with running(app_on(f"{tmp_path}/broken.py:whole")) as pilot:
        assert "in this model" not in words(pilot)
