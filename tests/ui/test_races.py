"""Keys that come faster than the engine answers: what is done is what the screen said, and each thing once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from textual.pilot import Pilot

from prune_tui import protocol, tensor_requests, views
from prune_tui.engine import server
from tests.in_process import app_on, press, running, screen_text, settle
from tests.ui.test_app_life import MODELS

Held = Callable[[type[protocol.Request]], "contextmanager[None]"]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Holds the engine's answers to a kind of request until the block ends."""

    @contextmanager
    def hold(kind: type[protocol.Request]) -> Iterator[None]:
        gate = threading.Event()
        answer = server._HANDLERS[kind]

        def wait(*arguments: object) -> object:
            gate.wait(timeout=20)
            return answer(*arguments)

        with monkeypatch.context() as patch:
            patch.setitem(server._HANDLERS, kind, wait)
            try:
                yield
            finally:
                gate.set()

    return hold


async def type_ahead(pilot: Pilot[None], *keys: str) -> None:
    """Press keys without waiting for the engine."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.02)


def targets(pilot: Pilot[None]) -> list[tuple[str, ...]]:
    return [entry.step.targets for entry in pilot.app.main.entries]


async def test_a_method_key_right_after_a_move_means_the_tensor_the_cursor_is_on(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        with held(protocol.GetModule):
            await type_ahead(pilot, "j", "3")
            assert pilot.app.main.form.targets == ("conv2.weight",)
        await settle(pilot)
        await press(pilot, "enter")
        assert targets(pilot) == [("conv2.weight",)]


async def test_marking_and_repeating_right_after_a_move_do_too(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter")
        with held(protocol.GetModule):
            await type_ahead(pilot, "j", "full_stop", "space")
        await settle(pilot)
        assert targets(pilot) == [("conv1.weight",), ("conv2.weight",)]
        assert pilot.app.main.marked == {"conv2.weight"}


async def test_enter_twice_applies_once(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        with held(protocol.Apply):
            await type_ahead(pilot, "enter", "enter")
            assert pilot.app.main.form is not None, "it cannot be closed as if nothing would happen"
        await settle(pilot)
        assert len(targets(pilot)) == 1
        assert pilot.app.main.form is None


async def test_three_notches_are_three_notches(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter")
        with held(protocol.Amend):
            await type_ahead(pilot, "+", "+", "+")
        await settle(pilot)
        (entry,) = pilot.app.main.entries
        assert entry.step.amount == pytest.approx(0.45)


async def test_a_corrected_field_can_be_applied_before_its_preview_is_there(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        field = pilot.app.main.query_one("#field-amount")
        field.value = ""
        await settle(pilot)
        with held(protocol.Preview):
            field.value = "3"
            await type_ahead(pilot, "enter")
        await settle(pilot)
        assert [entry.step.amount for entry in pilot.app.main.entries] == [3]


async def test_values_never_stand_under_another_views_name(held: Held) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        with held(tensor_requests.GetTile):
            await type_ahead(pilot, "w", "w")
            text = screen_text(pilot)
            assert "‹mask›" in text
            assert " … " in text
            assert "0.054" not in text
        await settle(pilot)
        assert " … " not in screen_text(pilot)


async def test_an_answer_for_a_tensor_that_is_left_is_dropped(held: Held, tmp_path) -> None:
    (tmp_path / "models.py").write_text(
        f"{MODELS}\ndef mixed():\n    return nn.Sequential(nn.Linear(40, 40), nn.LazyLinear(3))\n"
    )
    async with running(app_on(f"{tmp_path}/models.py:mixed")) as pilot:
        with held(tensor_requests.GetStatistics), held(tensor_requests.GetTile):
            await type_ahead(pilot, "j")
            await pilot.pause(0.2)
            await type_ahead(pilot, "j")
            await pilot.pause(0.2)
        await settle(pilot)
        text = screen_text(pilot)
        assert "not initialised: run one forward" in text
        assert "1,600 entries" not in text


async def test_undo_in_a_root_with_tensors_keeps_the_one_that_was_selected(tmp_path) -> None:
    (tmp_path / "flat.py").write_text(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = nn.Parameter(torch.ones(4, 4))\n"
        "        self.b = nn.Parameter(torch.ones(4, 4))\n"
    )
    async with running(app_on(f"{tmp_path}/flat.py:Net")) as pilot:
        await press(pilot, "t", "3", "enter", "u")
        assert pilot.app.main.tensor.tensor == "b"


async def test_a_bug_of_the_engine_leaves_the_screen_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("injected")

    async with running(app_on()) as pilot:
        for kind in (protocol.SetMetric, protocol.GetHistory, tensor_requests.GetStatistics):
            monkeypatch.setitem(server._HANDLERS, kind, broken)
        await press(pilot, "m", "j", "3", "enter")
        assert pilot.app.main.status.summary.steps == 1
        assert "injected" in screen_text(pilot)


async def test_a_measurement_that_comes_in_one_piece_with_the_edit_is_the_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A screen that is busy for a moment reads the answer and both events after it at once."""
    async with running(app_on()) as pilot:
        client = pilot.app.client
        take, together = client._take, []

        def at_once(answer: protocol.Answer) -> None:
            if not together and not isinstance(answer.body, views.Edited):
                take(answer)
                return
            together.append(answer)
            if isinstance(answer.body, views.MetricMeasured) and answer.body.state == "measured":
                monkeypatch.setattr(client, "_take", take)
                for one in together:
                    take(one)

        monkeypatch.setattr(client, "_take", at_once)
        await press(pilot, "j", "4", "enter")
        metric = pilot.app.main.status.metric
        assert (metric.state, metric.value == metric.start) == ("measured", False)
