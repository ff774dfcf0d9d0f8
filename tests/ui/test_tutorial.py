"""The walk of the pruning tutorial by keys, compared with the same calls in plain torch."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from textual.pilot import Pilot
from torch import nn
from torch.nn.utils import prune
from torch.utils.hooks import RemovableHandle

from prune_tui.demo import lenet
from prune_tui.ui.app import PruneApp
from tests.in_process import EngineHere, app_on, press, running, screen_text, settle


@pytest.fixture(autouse=True)
def _hook_ids_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh engine; torch counts its hooks for the whole process."""
    monkeypatch.setattr(RemovableHandle, "next_id", 0)


def main_of(pilot: Pilot[None]):
    app = pilot.app
    assert isinstance(app, PruneApp)
    return app.main


def model_of(pilot: Pilot[None]) -> nn.Module:
    app = pilot.app
    assert isinstance(app, PruneApp)
    assert isinstance(app.engine, EngineHere)
    return app.engine.model


def state_bytes(model: nn.Module) -> bytes:
    stored = io.BytesIO()
    torch.save(model.state_dict(), stored)
    return stored.getvalue()


def seed_of(pilot: Pilot[None], step: int) -> int:
    return main_of(pilot).entries[step - 1].step.seed


async def fill(pilot: Pilot[None], field: str, text: str) -> None:
    main_of(pilot).query_one(f"#field-{field}").value = text
    await settle(pilot)


async def go_to_tensor(pilot: Pilot[None], name: str) -> None:
    for _ in range(10):
        if main_of(pilot).tensor.name == name:
            return
        await press(pilot, "t")
    raise AssertionError(f"t never came to {name}")


class Twin:
    """The demo in plain torch, its hooks numbered by a counter of their own."""

    def __init__(self) -> None:
        self.model = lenet.trained(torch.device("cpu"))
        self._next_id = 0

    @contextmanager
    def pruning(self) -> Iterator[lenet.LeNet]:
        ours, RemovableHandle.next_id = RemovableHandle.next_id, self._next_id
        yield self.model
        self._next_id, RemovableHandle.next_id = RemovableHandle.next_id, ours


def cells(pilot: Pilot[None]) -> list[str]:
    """The entries on the screen: numbers, and `×` with or without the number it was."""
    grid = main_of(pilot).tensor_pane.pictures.grid
    top = grid.content_region
    lines = screen_text(pilot).splitlines()[top.y + 1 : top.bottom]
    text = "\n".join(line[top.x + 2 : top.right] for line in lines)
    return re.findall(r"×-?\d*\.?\d*|-?\d+\.\d+", text)


def expected_cells(weight: torch.Tensor, mask: torch.Tensor) -> list[str]:
    """The same entries as plain torch has them, in the order the facets of 6×1×3×3 stand: two side by side."""
    written = []
    for pair in range(0, 6, 2):
        for row in range(3):
            for out in (pair, pair + 1):
                for column in range(3):
                    kept = bool(mask[out, 0, row, column])
                    written.append(f"{weight[out, 0, row, column]:.3f}" if kept else "×")
    return written


async def test_the_walk_of_the_tutorial() -> None:
    plain = Twin()
    twin = plain.model
    async with running(app_on()) as pilot:
        untouched = state_bytes(model_of(pilot))
        assert untouched == state_bytes(twin)

        await press(pilot, "j", "2")
        assert "0.3" in screen_text(pilot)
        assert "= 16 of 54 left" in screen_text(pilot)
        await press(pilot, "enter")
        with plain.pruning():
            torch.manual_seed(seed_of(pilot, 1))
            prune.random_unstructured(twin.conv1, "weight", amount=0.3)

        await go_to_tensor(pilot, "bias")
        await press(pilot, "3")
        await fill(pilot, "amount", "3")
        assert "= 3 of 6 left" in screen_text(pilot)
        await press(pilot, "enter")
        with plain.pruning():
            prune.l1_unstructured(twin.conv1, "bias", amount=3)

        text = screen_text(pilot)
        assert [name for name, _ in twin.conv1.named_parameters()] == ["weight_orig", "bias_orig"]
        assert re.search(r"parameter +weight_orig.*\n.*parameter +bias_orig", text)
        assert re.search(r"buffer +weight_mask.*\n.*buffer +bias_mask", text)
        assert re.search(r" 0  forward_pre +RandomUnstructured → weight", text)
        assert re.search(r" 1  forward_pre +L1Unstructured → bias", text)

        await go_to_tensor(pilot, "weight")
        await press(pilot, "5")
        await fill(pilot, "amount", "0.5")
        await fill(pilot, "n", "2")
        await fill(pilot, "dim", "0")
        assert "= 3 of 6 left" in screen_text(pilot)
        assert "= out (6)" in screen_text(pilot)
        await press(pilot, "enter")
        with plain.pruning():
            prune.ln_structured(twin.conv1, "weight", amount=0.5, n=2, dim=0)

        text = screen_text(pilot)
        assert re.search(r" 1  forward_pre +L1Unstructured → bias", text)
        assert re.search(r" 2  forward_pre +PruningContainer → weight", text)
        assert re.search(r"weight +1 +RandomUnstructured\(amount=0\.3\) +−16", text)
        assert re.search(r" 2 +LnStructured\(amount=0\.5, n=2, dim=0\)", text)
        assert list(model_of(pilot).conv1._forward_pre_hooks) == list(twin.conv1._forward_pre_hooks) == [1, 2]
        assert state_bytes(model_of(pilot)) == state_bytes(twin)
        shown = [cell if not cell.startswith("×") else "×" for cell in cells(pilot)]
        assert shown == expected_cells(twin.conv1.weight.detach(), twin.conv1.weight_mask)

        await press(pilot, "0", "enter")
        with plain.pruning():
            prune.remove(twin.conv1, "weight")
        assert state_bytes(model_of(pilot)) == state_bytes(twin)
        assert "weight_mask" not in screen_text(pilot)

        await press(pilot, "6")
        await fill(pilot, "amount", "0.2")
        await press(pilot, "enter")
        layers = (twin.conv1, twin.conv2, twin.fc1, twin.fc2, twin.fc3)
        with plain.pruning():
            prune.global_unstructured([(layer, "weight") for layer in layers], prune.L1Unstructured, amount=0.2)
        assert state_bytes(model_of(pilot)) == state_bytes(twin)
        assert "● 5 unsaved steps" in screen_text(pilot)

        await press(pilot, "u", "u", "u", "u", "u")
        assert state_bytes(model_of(pilot)) == untouched
        assert "unsaved" not in screen_text(pilot)

        await press(pilot, "U", "U", "U", "U", "U")
        assert state_bytes(model_of(pilot)) == state_bytes(twin)
