"""The engine on a CUDA device; skipped where there is none."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import Layers, NoValues, layers
from prune_tui.engine.statistics import sampled, statistics
from prune_tui.engine.tensor_answers import ANSWERS
from prune_tui.steps import L1Unstructured
from prune_tui.tensor_requests import Block, GetHeatmap
from prune_tui.tensor_views import POOLS, Heatmap, Pool

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def models() -> tuple[nn.Module, nn.Module]:
    """The same model twice, on the device."""
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Flatten(), nn.Linear(64, 32), nn.LSTM(8, 8)).to("cuda")
    return model, copy.deepcopy(model)


def test_masks_are_torchs_on_the_device(models: tuple[nn.Module, nn.Module]) -> None:
    model, twin = models
    session = Session(model)
    session.apply("l1_unstructured", "0.weight", amount=0.3)
    prune.l1_unstructured(twin[0], "weight", amount=0.3)
    entry = session.apply("random_unstructured", "2.weight", amount=0.4)
    torch.manual_seed(entry.seed)
    prune.random_unstructured(twin[2], "weight", amount=0.4)
    entry = session.apply("random_structured", "0.weight", amount=0.5, dim=0)
    torch.manual_seed(entry.seed)
    prune.random_structured(twin[0], "weight", amount=0.5, dim=0)
    for name, tensor in twin.state_dict().items():
        assert tensor.equal(model.state_dict()[name]), name


def test_the_devices_generator_is_left_as_it_was(models: tuple[nn.Module, nn.Module]) -> None:
    before = torch.cuda.get_rng_state(), torch.get_rng_state()
    Session(models[0]).apply("random_unstructured", "2.weight", amount=0.4)
    assert before[0].equal(torch.cuda.get_rng_state())
    assert before[1].equal(torch.get_rng_state())


def test_undo_of_remove_is_exact_on_the_device(models: tuple[nn.Module, nn.Module]) -> None:
    model, twin = models
    session = Session(model)
    session.apply("l1_unstructured", "3.weight_ih_l0", amount=0.5)
    session.apply("remove", "3.weight_ih_l0")
    session.undo()
    session.undo()
    for (name, tensor), (_, expected) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        assert tensor.equal(expected), name
    model[3](torch.zeros(1, 1, 8, device="cuda"))


@pytest.mark.parametrize("pool", POOLS)
def test_a_picture_is_that_of_the_same_tensor_on_the_cpu(pool: Pool) -> None:
    model = nn.Linear(300, 700)
    step = L1Unstructured(targets=("weight",), amount=0.3)
    request = GetHeatmap("weight", "effective", 0, 1, Block((), (5, 699), (0, 300)), 40, 90, pool, step)
    on_cpu, on_device = (
        ANSWERS[GetHeatmap](Session(copy.deepcopy(model).to(device)), request, never) for device in ("cpu", "cuda")
    )
    assert isinstance(on_cpu, Heatmap)
    assert isinstance(on_device, Heatmap)
    assert (on_cpu.height, on_cpu.width, on_cpu.kept) == (on_device.height, on_device.width, on_device.kept)
    assert (on_cpu.marks, on_cpu.going, on_cpu.tally) == (on_device.marks, on_device.going, on_device.tally)
    values = [torch.frombuffer(bytearray(one.values), dtype=torch.float32) for one in (on_cpu, on_device)]
    torch.testing.assert_close(*values, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_statistics_are_those_of_the_same_tensor_on_the_cpu(dtype: torch.dtype) -> None:
    model, mask = nn.Linear(1000, 700).to(dtype), torch.rand(700, 1000) < 0.7

    def on(device: str) -> Layers | NoValues:
        there = copy.deepcopy(model).to(device)
        prune.custom_from_mask(there, "weight", mask.to(device))
        return layers(there, "weight", "effective")

    for count in (statistics, sampled):
        assert count(on("cpu"), never) == count(on("cuda"), never)
