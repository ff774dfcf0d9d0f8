from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import pooling, stack
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.columns import columns
from prune_tui.engine.layers import Layers, layers
from prune_tui.engine.pooling import whole as pooled
from prune_tui.engine.stack import siblings
from prune_tui.engine.targets import locate
from prune_tui.step_settings import StepError
from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_ZERO, Heatmap


def naive(found, height, width):
    """Pooled as plainly as can be: cell by cell."""
    shown = found.shown().reshape(-1, found.values.shape[-1] if found.values.dim() else 1)
    kept = torch.ones_like(shown) if found.kept is None else found.kept.double().reshape(shown.shape)
    rows, columns = shown.shape
    height, width = min(height, rows), min(width, columns)
    values, shares, marks = [], [], []
    for down in range(height):
        for across in range(width):
            cell = (
                slice(down * rows // height, (down + 1) * rows // height),
                slice(across * columns // width, (across + 1) * columns // width),
            )
            entries, alive = shown[cell].flatten(), kept[cell].flatten()
            finite = entries[entries.isfinite()]
            at = finite.abs().argmax() if finite.numel() else None
            values.append(math.nan if at is None else abs(float(finite[at])))
            share = float(alive.mean())
            shares.append(round(share * 255) if share in (0, 1) else min(max(round(share * 255), 1), 254))
            marks.append(
                bool(entries.isnan().any()) * HAS_NAN
                | bool(entries.isinf().any()) * HAS_INF
                | bool(((entries == 0) & (alive != 0)).any()) * HAS_ZERO
            )
    return height, width, values, shares, marks


def unpacked(told):
    values = np.frombuffer(told.values, "<f4")
    return told.height, told.width, np.abs(values).tolist(), list(told.kept), list(told.marks)


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return layers(module, "weight", "effective")


def test_the_extreme_keeps_its_sign():
    told = pooled(holding(torch.tensor([[1.0, -3.0, 2.0, 5.0]])), 1, 2, never)
    assert np.frombuffer(told.values, "<f4").tolist() == [-3, 5]


def test_all_leading_axes_run_down():
    told = pooled(holding(torch.arange(24.0).reshape(2, 3, 4)), 99, 99, never)
    assert (told.height, told.width) == (6, 4)
    assert np.frombuffer(told.values, "<f4").tolist() == list(range(24))
    assert pooled(holding(torch.tensor(7.0)), 9, 9, never).height == 1
    assert pooled(holding(torch.tensor([7.0, 8.0])), 9, 9, never).width == 2


ORDERS = list(itertools.permutations(range(4)))


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float8_e5m2, torch.uint16, torch.complex64]
)
def test_the_order_of_the_memory_changes_no_picture(order, dtype, monkeypatch):
    monkeypatch.setattr(pooling, "_BAND", 16)
    values = (torch.arange(2 * 3 * 4 * 5) * 7 % 41).reshape(2, 3, 4, 5).to(dtype)
    lying = values.permute(order).contiguous().permute([order.index(axis) for axis in range(4)])
    mask = (
        None if dtype is torch.uint16 else (torch.arange(values.numel()).reshape(values.shape) % 3 != 0).to(dtype)
    )
    for size in ((5, 2), (99, 99)):
        found = pooled(Layers(lying, mask, "effective"), *size, never)
        assert found == pooled(Layers(values, mask, "effective"), *size, never)


def test_no_copy_is_larger_than_a_band(monkeypatch):
    monkeypatch.setattr(pooling, "_BAND", 64)
    values = torch.randn(8, 16, 32).permute(0, 2, 1)
    copied = []

    def watched(layers, marked, cut, pool):
        band = cut(layers.values)
        copied.append(band.untyped_storage().nbytes() // 4)
        return columns(layers, marked, cut, pool)

    monkeypatch.setattr(pooling, "columns", watched)
    pooled(Layers(values, None, "effective"), 4, 4, never)
    assert copied
    assert max(copied) <= 64


# Which tensors are siblings


def transformer(count=4):
    model = nn.Module()
    model.layers = nn.ModuleList(
        nn.ModuleDict({"up": nn.Linear(4, 8), "norm": nn.LayerNorm(4)}) for _ in range(count)
    )
    model.head = nn.Linear(4, 8)
    return model


def test_the_same_tensor_of_all_layers():
    found = siblings(transformer(), "layers.2.up.weight")
    assert found == ("layers.*.up.weight", tuple(f"layers.{at}.up.weight" for at in range(4)), 0)


def test_the_shape_has_to_be_the_same():
    model = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 2), nn.Linear(2, 3)])
    assert siblings(model, "0.weight").paths == ("0.weight", "2.weight")
    assert siblings(model, "1.weight") == ("1.weight", ("1.weight",), 0)


def test_of_several_numbers_the_first_that_will_do_is_taken():
    model = nn.Module()
    model.stages = nn.ModuleList(nn.ModuleList(nn.Linear(size, size) for _ in range(3)) for size in (2, 2, 5))
    assert siblings(model, "stages.0.2.weight") == (
        "stages.*.2.weight",
        ("stages.0.2.weight", "stages.1.2.weight"),
        0,
    )
    assert siblings(model, "stages.2.1.weight").pattern == "stages.2.*.weight"
    model.stages = nn.ModuleList([nn.ModuleList([nn.Linear(2, 2)]), nn.ModuleList([nn.ReLU(), nn.Linear(2, 2)])])
    assert siblings(model, "stages.0.0.weight") == (
        "stages.*.*.weight",
        ("stages.0.0.weight", "stages.1.1.weight"),
        0,
    )


def test_buffers_and_pruned_tensors_are_siblings_too():
    model = nn.ModuleList(nn.BatchNorm1d(3) for _ in range(3))
    assert len(siblings(model, "1.running_var").paths) == 3
    prune.random_unstructured(model[1], "weight", 1)
    assert siblings(model, "0.weight").paths == ("0.weight", "1.weight", "2.weight")


def test_no_more_than_can_be_shown_and_the_one_asked_for_among_them(monkeypatch):
    monkeypatch.setattr(stack, "MOST", 3)
    found = siblings(transformer(6), "layers.4.up.weight")
    assert [path.split(".")[1] for path in found.paths] == ["2", "3", "4"]
    assert found.left_out == 3
    assert siblings(transformer(6), "layers.0.up.weight").paths[0] == "layers.0.up.weight"


def test_a_second_place_of_a_shared_module_is_among_its_siblings():
    model = transformer(2)
    model.layers.append(model.layers[0])
    assert siblings(model, "layers.2.up.weight").paths[-1] == "layers.2.up.weight"


def test_a_path_that_is_not_there_is_refused():
    with pytest.raises(StepError, match="has no module"):
        siblings(transformer(), "layers.9.up.weight")
    assert siblings(transformer(), "layers.1.up.nothing").paths == ("layers.1.up.nothing",)


# The stack


def stacked(model, path, stop=never):
    def look(tensor):
        return layers(*locate(model, tensor), "effective")

    return stack.stack(siblings(model, path), look, (2, 3), lambda *asked: pooled(*asked, stop), stop)


def test_one_layer_unlike_the_others_is_odd():
    model = transformer(7)
    for at, layer in enumerate(model.layers):
        nn.init.constant_(layer["up"].weight, 1 + at / 100)
    nn.init.constant_(model.layers[5]["up"].weight, 2.0)
    told = stacked(model, "layers.0.up.weight")
    assert (told.pattern, told.left_out, told.note) == ("layers.*.up.weight", 0, "")
    assert [round(one.rms, 6) for one in told.members] == [1, 1.01, 1.02, 1.03, 1.04, 2, 1.06]
    # The median is 1.03, the median deviation from it 0.02.
    assert told.members[5].rms_oddness == told.members[5].oddness == pytest.approx(0.97 / 0.02)
    assert [one.kept_oddness for one in told.members] == [0] * 7, "nothing is masked in any"
    assert max(one.oddness for at, one in enumerate(told.members) if at != 5) < 3.5
    assert (told.members[0].picture.height, told.members[0].picture.width) == (2, 2), "two of four columns a cell"


def test_one_layer_pruned_more_is_odd():
    model = transformer(5)
    for at, layer in enumerate(model.layers):
        nn.init.constant_(layer["up"].weight, 1.0)
        prune.random_unstructured(layer["up"], "weight", 30 if at == 3 else 16)
    told = stacked(model, "layers.0.up.weight")
    assert [one.kept for one in told.members] == [16, 16, 16, 2, 16]
    assert [one.kept_oddness for one in told.members] == [0, 0, 0, math.inf, 0]
    assert [one.oddness for one in told.members] == [0, 0, 0, math.inf, 0]


def test_equal_layers_are_not_odd():
    told = stacked(transformer(3), "layers.0.norm.weight")
    assert [one.oddness for one in told.members] == [0, 0, 0]


def test_values_that_are_not_finite_are_left_out_of_the_rms():
    model = nn.ModuleList(nn.Linear(2, 1) for _ in range(3))
    for layer in model:
        nn.init.constant_(layer.weight, 3.0)
    with torch.no_grad():
        model[1].weight[0, 0] = math.nan
        model[2].weight.fill_(math.inf)
    told = stacked(model, "0.weight")
    assert [one.rms for one in told.members] == [3, 3, None]
    assert [one.oddness for one in told.members] == [0, 0, math.inf]


def test_nothing_to_stack_says_why():
    assert stacked(nn.Linear(2, 3), "weight").note == "no other layer has a weight like this one"


def test_layers_without_values_say_why():
    told = stacked(nn.ModuleList(nn.Linear(2, 3, device="meta") for _ in range(2)), "0.weight")
    assert [(one.elements, one.rms, one.oddness) for one in told.members] == [(6, None, 0)] * 2
    assert told.members[0].picture == Heatmap(0, 0, note="on the meta device: no values")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.complex64, torch.int8, torch.bool])
@pytest.mark.parametrize("shape", [(0,), (), (3,), (4, 0), (2, 1, 2, 3, 2)])
def test_no_dtype_and_shape_raises(dtype, shape):
    model = nn.ModuleList(nn.Module() for _ in range(2))
    for module in model:
        module.weight = nn.Parameter(torch.ones(shape).to(dtype), requires_grad=False)
    told = stacked(model, "0.weight")
    assert [one.elements for one in told.members] == [math.prod(shape)] * 2
    assert told.members[0].rms == (1 if math.prod(shape) else None)


def test_stacking_stops_between_boxes():
    with pytest.raises(Cancelled):
        stacked(transformer(3), "layers.0.up.weight", stop=lambda: True)
