"""Seven pictures of tensors that are not ordinary weights: each says something sensible, and no key raises."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_tui.ui import keys
from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import PICTURE_KEYS, look_at, picture_text, readout, said

ODD = """
import torch
from torch import nn

def holding(values):
    module = nn.Module()
    if values.is_floating_point() or values.is_complex():
        module.weight = nn.Parameter(values)
    else:
        module.register_buffer("weight", values)
    return module

bad = torch.linspace(-1, 1, 12).reshape(3, 4)
bad[0, 1], bad[1, 2], bad[2, 3] = float("nan"), float("inf"), -float("inf")
torch.manual_seed(0)
net = nn.Module()
net.scalar = holding(torch.tensor(0.5))
net.one = holding(torch.tensor([0.5]))
net.vector = holding(torch.linspace(-1, 1, 7))
net.empty = holding(torch.zeros(0, 3))
net.meta = holding(torch.zeros(4, 5, device="meta"))
net.bad = holding(bad)
net.nan = holding(torch.full((3, 4), float("nan")))
net.zero = holding(torch.zeros(3, 4))
net.flags = holding(torch.arange(12).reshape(3, 4) % 3 == 0)
net.ints = holding(torch.arange(12).reshape(3, 4) - 5)
net.conv = nn.Conv3d(4, 3, (2, 3, 3), bias=False)
net.half = nn.Linear(6, 5, bias=False, dtype=torch.bfloat16)
net.float8 = holding(torch.linspace(-1, 1, 12).reshape(3, 4).to(torch.float8_e4m3fn))
net.complex = holding(torch.full((3, 4), 3 + 4j))
"""

NO_VALUES = dict.fromkeys(PICTURE_KEYS, "on the meta device: no values")
NO_ENTRIES = dict.fromkeys(PICTURE_KEYS, "0×3: no entries")
ALONE = {"f8": "no other layer has a weight like this one"}

SAID: dict[str, dict[str, str]] = {
    "scalar": {
        "f2": "a scalar",
        "f3": "a scalar",
        "f4": "a scalar",
        "f5": "0.5",
        "f6": "a scalar has no channels",
        "f7": "Kept 1 of 1",
    },
    "one": {
        "f2": "0.500",
        "f3": "→ d0 0-0",
        "f4": "→ d0 0-0",
        "f5": "0.5",
        "f6": "0 of 1 dead",
        "f7": "Kept 1 of 1",
    },
    "vector": {
        "f2": "-1.000",
        "f3": "→ d0 0-6",
        "f4": "→ d0 0-6",
        "f5": "median",
        "f6": "0 of 7 dead",
        "f7": "Kept 7 of 7",
    },
    "empty": NO_ENTRIES,
    "meta": NO_VALUES,
    "bad": {
        "f2": "NaN",
        "f3": "∞",
        "f4": "↓ d0 0-2",
        "f5": "1 NaN",
        "f6": "3 with NaN or Inf",
        "f7": "Kept 12",
    },
    "nan": {"f2": "NaN", "f3": "N", "f4": "↓ d0 0-2", "f5": "no finite value", "f6": "NaN", "f7": "Kept 12"},
    "zero": {
        "f2": "0.0",
        "f3": "↓ d0 0-2",
        "f4": "↓ d0 0-2",
        "f5": "12",
        "f6": "0 of 3 dead",
        "f7": "Kept 12",
    },
    "flags": {"f2": "1", "f3": "↓ d0 0-2", "f4": "↓ d0 0-2", "f5": "8", "f6": "1.41", "f7": "Kept 12"},
    "ints": {
        "f2": "-5",
        "f3": "↓ d0 0-2",
        "f4": "↓ d0 0-2",
        "f5": "median",
        "f6": "0 of 3 dead",
        "f7": "Kept 12",
    },
    "conv": {
        "f2": "for each ‹out 3› × in 4 × kd 2",
        "f3": "‹out 0 of 3› · in 0 of 4 · kd 0 of 2",
        "f4": "‹out 0 of 3› · in 0 of 4 · kd 0 of 2",
        "f5": "median",
        "f6": "0 of 3 dead",
        "f7": "kd",
    },
    "half": {"f2": "↓ out 0-4   → in 0-5", "f3": "→ in 0-5", "f4": "→ in 0-5", "f5": "exact", "f6": "0 of 5 dead"},
    "float8": {"f2": "-1.000", "f3": "↓ d0 0-2", "f4": "↓ d0 0-2", "f5": "median", "f6": "0 of 3 dead"},
    "complex": {"f2": "5.00", "f3": "↓ d0 0-2", "f4": "↓ d0 0-2", "f5": "5", "f6": "10.0", "f7": "Kept 12"},
}


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "odd.py").write_text(ODD)
    return f"{tmp_path}/odd.py:net"


@pytest.mark.parametrize("name", SAID)
async def test_every_picture_of_it_says_something_sensible(source: str, name: str) -> None:
    async with running(app_on(source)) as pilot:
        await look_at(pilot, f"{name}.weight")
        for key, text in (ALONE | SAID[name]).items():
            await press(pilot, key)
            assert text in picture_text(pilot), key
            assert "…" not in map(str.strip, picture_text(pilot).splitlines()), "nothing is left waiting"


@pytest.mark.parametrize("name", ["scalar", "vector", "empty", "meta", "bad", "flags", "conv", "complex"])
async def test_no_key_of_any_picture_of_it_raises_or_changes_the_model(source: str, name: str) -> None:
    async with running(app_on(source), size=(80, 24)) as pilot:
        pane = await look_at(pilot, f"{name}.weight")
        for key in PICTURE_KEYS:
            await press(pilot, key)
            for one in (one for one in keys.OURS.of("tensor") if one.id != "tensor.apply_draft"):
                await pane.run_action(one.action)
            await press(pilot, "escape", "escape", "w")
            assert picture_text(pilot).strip()
        assert len(pane.aim.index) == len(pane.tensor.shape)
        assert pane.painting.draft.toggles == ()
        assert pilot.app.main.status.summary.masked == 0


async def test_an_entry_that_is_not_finite_is_read_out(source: str) -> None:
    async with running(app_on(source)) as pilot:
        await look_at(pilot, "bad.weight", "l")
        assert readout(pilot) == "[0, 1] NaN  d0 0 d1 1"
        await look_at(pilot, "meta.weight")
        assert readout(pilot) == ""
        await look_at(pilot, "empty.weight", "l", "j", "G", "n", "x")
        assert readout(pilot) == ""


@pytest.mark.parametrize(("name", "why"), [("empty", "0×3: no entries"), ("meta", "on the meta device")])
async def test_where_there_are_no_entries_keys_say_why(source: str, name: str, why: str) -> None:
    async with running(app_on(source)) as pilot:
        await look_at(pilot, f"{name}.weight")
        for key in ("n", "f", "x", "X", "colon", "a", "i"):
            pilot.app.clear_notifications()
            await press(pilot, key)
            assert why in said(pilot), key


async def test_a_scalar_and_a_vector_can_be_painted_away(source: str) -> None:
    async with running(app_on(source)) as pilot:
        await look_at(pilot, "vector.weight", "G", "x", "enter")
        assert pilot.app.engine.model.vector.weight_mask.tolist() == [1, 1, 1, 1, 1, 1, 0]
        await look_at(pilot, "scalar.weight", "x", "enter")
        assert pilot.app.main.status.summary.masked == 2
        assert readout(pilot).startswith("[] × 0 · orig 0.5")
