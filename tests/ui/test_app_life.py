"""Opening, refusing, losing the engine: what the app does around the pruning."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot

from prune_tui.exit_codes import FAILED, FOUND
from prune_tui.protocol import Open
from prune_tui.ui.app import PruneApp
from prune_tui.ui.screens.text import Question
from prune_tui.views import MetricMeasured
from tests.in_process import EngineHere, answer, app_on, press, running, screen_text, settle, words

MODELS = """
import torch
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

def parallel():
    return nn.DataParallel(Plain())

def compiled():
    return torch.compile(Plain())

def empty():
    return nn.Sequential(nn.ReLU(), nn.Flatten())

def lazy():
    return nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))

def scripted():
    return torch.jit.script(Plain())

def tied():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
    model[1].weight = model[0].weight
    return model

def huge():
    return nn.Sequential(*[nn.Sequential(*[nn.Linear(1, 1) for _ in range(99)]) for _ in range(100)])

def odd_dtypes():
    model = nn.Module()
    for dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.complex64, torch.bool, torch.int8):
        tensor = torch.zeros(2, 3).to(dtype)
        name = "w_" + str(dtype).removeprefix("torch.")
        model.register_parameter(name, nn.Parameter(tensor, requires_grad=False))
    model.register_parameter("w_meta", nn.Parameter(torch.zeros(2, 3, device="meta")))
    model.register_parameter("w_empty", nn.Parameter(torch.zeros(0, 3)))
    model.register_parameter("w_scalar", nn.Parameter(torch.tensor(float("nan"))))
    return model
"""


@pytest.fixture
def models(tmp_path: Path) -> str:
    file = tmp_path / "models.py"
    file.write_text(MODELS)
    return str(file)


async def opened(pilot: Pilot[None]) -> None:
    for _ in range(500):
        await pilot.pause(0.02)
        if pilot.app.main.status.summary is not None or isinstance(pilot.app.screen, Question):
            await pilot.pause()
            return
    raise AssertionError("the model never opened")


@pytest.mark.parametrize("wrapper", ["parallel", "compiled"])
async def test_a_wrapper_is_offered_to_be_taken_off(models: str, wrapper: str) -> None:
    app = PruneApp(Open(f"{models}:{wrapper}"), EngineHere)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "around a Plain" in screen_text(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert app.main.status.summary.name == "Plain"
        await press(pilot, "j", "3", "enter")
        assert app.main.status.summary.masked == 5


async def test_a_wrapper_can_be_declined(models: str) -> None:
    app = PruneApp(Open(f"{models}:parallel"), EngineHere)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("escape")
        await pilot.pause()
    assert app.return_code == FAILED
    assert "DataParallel" in app.failure


async def test_a_script_module_ends_the_app_with_a_message(models: str) -> None:
    app = PruneApp(Open(f"{models}:scripted"), EngineHere)
    async with app.run_test():
        for _ in range(500):
            if app.failure:
                break
            await asyncio.sleep(0.02)
    assert app.return_code == FAILED
    assert "ScriptModule" in app.failure


async def test_a_model_without_parameters_opens_and_says_so(models: str) -> None:
    async with running(app_on(f"{models}:empty")) as pilot:
        assert "this model has no parameters: there is nothing to prune" in words(pilot)
        await press(pilot, "3")
        assert "holds no weights to prune" in words(pilot)


async def test_a_lazy_parameter_is_shown_and_refused(models: str) -> None:
    async with running(app_on(f"{models}:lazy")) as pilot:
        await press(pilot, "j")
        assert "not initialised: run one forward to give it a shape" in words(pilot)
        await press(pilot, "3")
        assert "is not initialised; run one forward pass" in words(pilot)


async def test_a_tied_tensor_counts_once_and_names_its_other_place(models: str) -> None:
    async with running(app_on(f"{models}:tied")) as pilot:
        assert "15 params" in screen_text(pilot)
        await press(pilot, "j")
        assert "≡ 1.weight" in screen_text(pilot)
        await press(pilot, "3")
        assert "tied to 1.weight" in words(pilot)


async def test_ten_thousand_modules_open_and_answer(models: str) -> None:
    async with running(app_on(f"{models}:huge")) as pilot:
        assert "19,800 params" in screen_text(pilot)
        await press(pilot, "slash", *"99.98", "enter")
        assert pilot.app.main.module_tree.current.path == "99.98"
        await press(pilot, "3", "enter")
        assert pilot.app.main.status.summary.steps == 1


async def test_every_dtype_is_shown_and_pruned_or_refused(models: str) -> None:
    async with running(app_on(f"{models}:odd_dtypes")) as pilot:
        seen = set()
        for _ in range(8):
            seen.add(pilot.app.main.tensor.tensor)
            await press(pilot, *"wwwww", "3", "enter", "escape")
            while pilot.app.main.tensor.tensor in seen and len(seen) < 8:
                await press(pilot, "t")
        assert len(seen) == 8
        pruned = {entry.step.targets[0] for entry in pilot.app.main.entries}
        assert {"w_bfloat16", "w_empty", "w_scalar"} <= pruned
        assert not {"w_meta", "w_float8_e4m3fn"} & pruned


async def test_the_engine_dies_and_the_screen_stays(tmp_path: Path) -> None:
    async with running(app_on(journals=str(tmp_path))) as pilot:
        await press(pilot, "j", "3", "enter")
        await pilot.app.client.close()
        pilot.app._engine_gone()
        for _ in range(1000):
            await pilot.pause(0.01)
            if "The engine is gone" in screen_text(pilot):
                break
        assert isinstance(pilot.app.screen, Question)
        assert "do your 1 step again" in screen_text(pilot)
        await pilot.press("escape")
        await pilot.press("j", "k", "question_mark", "escape", "3")
        await pilot.pause()
        assert "conv1" in screen_text(pilot)


async def test_a_new_engine_does_the_steps_again(tmp_path: Path) -> None:
    async with running(app_on(journals=str(tmp_path))) as pilot:
        await press(pilot, "j", "2", "enter", "3", "enter")
        before = pilot.app.engine.model.state_dict()
        await pilot.app.client.close()
        pilot.app._engine_gone()
        for _ in range(100):
            await pilot.pause(0.01)
            if isinstance(pilot.app.screen, Question):
                break
        await answer(pilot, "r")
        after = pilot.app.engine.model.state_dict()
        assert list(before) == list(after)
        assert all(before[name].equal(after[name]) for name in before)
        assert "● 2 unsaved steps" in screen_text(pilot)


async def test_quitting_without_an_engine_tells_what_is_kept(tmp_path: Path) -> None:
    app = app_on(journals=str(tmp_path))
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter")
        await app.client.close()
        app._engine_gone()
        while not isinstance(app.screen, Question):
            await pilot.pause(0.01)
        await pilot.press("q")
    assert app.return_code == FOUND
    assert app.kept == "1 step kept: prune-tui --resume goes on"


async def test_a_key_while_the_engine_is_restarted_finds_no_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    async with running(app_on()) as pilot:
        stop = pilot.app.engine.stop
        monkeypatch.setattr(pilot.app.engine, "stop", lambda: (ended.wait(10), stop()))
        pilot.app.restart()
        await pilot.pause(0.1)
        await pilot.press("3")
        assert "the engine is being restarted" in screen_text(pilot)
        ended.set()
        await settle(pilot)
        assert pilot.app.screen is pilot.app.main
        await press(pilot, "j", "3", "enter")
        assert len(pilot.app.main.entries) == 1


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40)])
async def test_a_question_shows_its_answers_however_long_it_is(size: tuple[int, int]) -> None:
    async with running(app_on(), size) as pilot:
        said = "\n".join(f"  {'word ' * 30}{number}" for number in range(20))
        pilot.app.push_screen(Question("The engine is gone", said, {"r": "restart", "q": "quit"}))
        await pilot.pause(0.1)
        assert "r restart   q quit" in screen_text(pilot)
        assert "word 19" not in screen_text(pilot)
        await pilot.press("end")
        await pilot.pause(0.1)
        assert "19" in screen_text(pilot)
        await pilot.press("r")


async def test_the_key_of_the_mouse_works_over_every_screen() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "question_mark", "f9")
        assert "there is no terminal here to leave the mouse to" in " ".join(screen_text(pilot).split())


async def test_a_measurement_that_comes_while_it_is_left_is_nothing_to_show() -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
    app._event(MetricMeasured("accuracy", 0.9, 0.9, "measured"))  # the panes are gone


async def test_an_app_that_began_without_the_focus_gets_it_where_it_would_have_been() -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.set_focus(None)  # as in a page of a browser that has not the focus when it is opened
        app.app_focus = False
        app.app_focus = True
        await settle(pilot)
        assert app.main.focused is app.main.module_tree
