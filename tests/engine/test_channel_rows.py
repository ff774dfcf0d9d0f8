from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import boxes, channel_rows
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.channel_rows import channels
from prune_tui.engine.layers import layers
from prune_tui.tensor_views import HAS_INF, HAS_NAN, PROFILE
from prune_tui.view_rows import VIEWS


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return module


def rows(module, dim=0, view="effective"):
    return channels(layers(module, "weight", view), dim, never)


def floats(data):
    return np.frombuffer(data, "<f4").tolist()


def profiles(told):
    return np.frombuffer(told.profiles, np.uint8).reshape(-1, min(PROFILE, told.entries)).tolist()


def test_the_rows_of_a_pruned_matrix():
    values = torch.tensor([[3.0, 4.0], [1.0, -8.0], [2.0, 5.0]])
    told = rows(holding(values, torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])))
    assert (told.dim, told.entries, told.note) == (0, 2, "")
    assert floats(told.norms) == [5, 1, 0]
    assert floats(told.kept) == [1, 0.5, 0]
    assert floats(told.minima) == [3, 0, 0]
    assert floats(told.maxima) == [4, 1, 0]
    assert profiles(told) == [[192, 255], [64, 0], [0, 0]]
    orig = rows(holding(values, torch.zeros(3, 2)), 1, "orig")
    assert floats(orig.minima) == [1, -8]
    assert floats(orig.kept) == [0, 0]
    assert floats(rows(holding(values), 1, "start").norms) == [0, 0]


def test_nan_and_inf_are_told_of_and_left_out():
    told = rows(holding(torch.tensor([[math.nan, 3.0, -4.0], [-math.inf, math.inf, math.nan], [0.0, 0.0, 1.0]])))
    assert list(told.bad) == [HAS_NAN, HAS_NAN | HAS_INF, 0]
    assert floats(told.norms) == [5, 0, 1]
    assert floats(told.minima)[::2] == [-4, 0]
    assert math.isnan(floats(told.minima)[1])
    assert math.isnan(floats(told.maxima)[1])
    assert profiles(told) == [[0, 192, 255], [0, 0, 0], [0, 0, 64]]


def test_nearly_all_is_not_all_and_the_least_is_not_none():
    mask = torch.ones(1, 2**25, dtype=torch.bool)
    mask[0, 7] = False
    told = rows(holding(torch.full((1, 2**25), 1e-9, dtype=torch.half) + torch.tensor([[1.0]]), mask))
    assert 0.9999999 < floats(told.kept)[0] < 1
    assert profiles(rows(holding(torch.tensor([[1000.0, 0.001, 0.0]])))) == [[255, 1, 0]]


@pytest.mark.parametrize(
    ("shape", "dim", "note"),
    [
        ((), 0, "a scalar has no channels"),
        ((2, 3), 2, "the shape is 2×3: it has no axis 2"),
        ((2, 3), -1, "the shape is 2×3: it has no axis -1"),
    ],
)
def test_an_axis_that_is_not_there_is_noted(shape, dim, note):
    told = rows(holding(torch.ones(shape)), dim)
    assert (told.note, told.norms) == (note, b"")


def test_more_channels_than_can_be_told_are_noted(monkeypatch):
    monkeypatch.setattr(channel_rows, "MOST", 10)
    assert "at most 10" in rows(holding(torch.ones(11, 2))).note
    assert rows(holding(torch.ones(11, 2)), 1).note == ""


def test_a_tensor_without_values_says_why():
    assert rows(nn.Linear(2, 3, device="meta")).note == "on the meta device: no values"
    assert rows(nn.ReLU()).note == "ReLU has no tensor weight"


numbers = st.floats(width=32, min_value=-1e6, max_value=1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 0])


@st.composite
def tensors(draw):
    """A tensor of any shape and layout, and a mask."""
    shape = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    count = math.prod(shape)
    values = torch.tensor(draw(st.lists(numbers, min_size=count, max_size=count)), dtype=torch.float32)
    kept = torch.tensor(draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=torch.float32)
    order = draw(st.permutations(range(len(shape))))
    return values.reshape(shape).permute(order), kept.reshape(shape).permute(order)


def assert_naive(told, values, kept):
    """What torch says of each channel by itself, in float64."""
    moved, alive = (one.double().movedim(told.dim, 0)[..., None].flatten(1) for one in (values, kept))
    entries = moved.shape[1]
    assert told.entries == entries
    stretches = min(PROFILE, entries)
    finite = [channel[channel.isfinite()] for channel in moved]
    greatest = max((float(channel.abs().max()) for channel in finite if channel.numel()), default=0.0)
    for at, channel in enumerate(moved):
        usual = finite[at]
        bad = bool(channel.isnan().any()) * HAS_NAN + bool(channel.isinf().any()) * HAS_INF
        assert told.bad[at] == bad
        assert floats(told.norms)[at] == pytest.approx(float(usual.norm()), rel=1e-6)
        assert floats(told.kept)[at] == pytest.approx(float(alive[at].mean()) if entries else 1, rel=1e-6)
        extremes = (float(usual.min()), float(usual.max())) if usual.numel() else (math.nan, math.nan)
        assert (floats(told.minima)[at], floats(told.maxima)[at]) == pytest.approx(extremes, nan_ok=True)
        for stretch in range(stretches):
            part = channel[stretch * entries // stretches : (stretch + 1) * entries // stretches]
            part = part[part.isfinite()].abs()
            magnitude = float(part.max()) if part.numel() else 0.0
            assert profiles(told)[at][stretch] == math.ceil(magnitude / (greatest or 1) * 255)


@given(tensors(), st.integers(1, 40), st.integers(1, 5), st.data())
def test_rows_are_those_of_naive_torch(tensor, piece, run, data):
    values, kept = tensor
    dim = data.draw(st.integers(0, values.dim() - 1))
    module = holding(values, kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "PIECE", piece)
        patch.setattr(boxes, "_RUN", run)
        told = {view: rows(module, dim, view) for view in ("effective", "orig", "mask")}
    assert_naive(told["effective"], values * kept, kept)
    assert_naive(told["orig"], values, kept)
    assert_naive(told["mask"], kept, kept)


@given(tensors(), st.integers(1, 40), st.integers(1, 4), st.data())
def test_boxes_have_each_entry_once(tensor, piece, multiple, data):
    values = tensor[0]
    dim = data.draw(st.integers(0, values.dim() - 1))
    numbered = torch.arange(values.numel()).reshape(values.shape)
    channelwise = numbered.movedim(dim, 0).reshape(values.shape[dim], -1) if values.numel() else None
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "PIECE", piece)
        for box in boxes.boxes(values, dim, multiple):
            assert box.channels.start % multiple == 0
            assert channelwise is not None
            assert torch.equal(box.cut(numbered), channelwise[box.channels, box.entries])
            seen += box.cut(numbered).flatten().tolist()
    assert sorted(seen) == list(range(values.numel()))


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided", "channels_last"])
def test_large_tensors_of_any_layout(layout):
    values = {
        "contiguous": torch.randn(3, 7, 200, 180),
        "transposed": torch.randn(900, 800).t(),
        "strided": torch.randn(1500, 1200)[::2, 1::2],
        "channels_last": torch.randn(4, 8, 150, 160).to(memory_format=torch.channels_last),
    }[layout]
    module = holding(values, (torch.rand(values.shape) < 0.7).float())
    for dim in range(values.dim()):
        norms = torch.tensor(floats(rows(module, dim).norms))
        others = [axis for axis in range(values.dim()) if axis != dim]
        expected = torch.linalg.vector_norm((values * module.weight_mask).double(), dim=others)
        assert torch.allclose(norms, expected.float(), rtol=1e-6)


DTYPES = [
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.bfloat16,
    torch.half,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.int8,
    torch.int64,
    torch.uint16,
    torch.bool,
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0,), (), (3,), (4, 0), (2, 1, 2, 3, 2)])
@pytest.mark.parametrize("filled", [0, 1, math.nan, math.inf])
def test_no_dtype_and_shape_raises(dtype, shape, filled):
    values = torch.full(shape, float(filled))
    wide = dtype.is_floating_point or dtype.is_complex
    values = values if wide else values.nan_to_num(1, 1, 1).to(dtype)
    module = holding(values, torch.ones(shape))
    if wide:
        module.to(dtype)  # after pruning, for torch cannot multiply float8 scalars
    for view in VIEWS:
        for dim in range(len(shape)):
            told = rows(module, dim, view)
            assert told.note == ""
            assert len(told.bad) == len(told.norms) // 4 == shape[dim]


def test_complex_entries_are_measured_by_their_magnitude():
    assert floats(rows(holding(torch.tensor([[3 + 4j, 0j]]))).maxima) == [5]


def test_beyond_float32_it_is_infinite_and_said_without_a_warning(recwarn):
    told = rows(holding(torch.tensor([[1e200, -1e200]], dtype=torch.float64)))
    assert floats(told.norms) == floats(told.maxima) == [math.inf]
    assert list(told.bad) == [0]
    assert not recwarn.list


def test_walking_stops_between_boxes():
    asked = []

    def stop():
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        channels(layers(holding(torch.ones(2**10, 2**10)), "weight", "effective"), 0, stop)
    assert len(asked) == 3


def test_rows_of_a_huge_tensor_are_walked_without_a_copy():
    huge = torch.ones(1, dtype=torch.int8).expand(64, 2**17)
    module = nn.Module()
    module.register_buffer("weight", huge)
    told = channels(layers(module, "weight", "orig"), 0, never)
    assert floats(told.norms) == pytest.approx([math.sqrt(2**17)] * 64)


def test_many_channels_take_little_memory_beside_the_answer():
    count = 2**16
    found = layers(holding(torch.ones(count, 16)), "weight", "effective")
    tracemalloc.start()
    channels(found, 0, never)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200 * count


@pytest.mark.parametrize(
    ("values", "dtype", "profile"),
    [
        ([1e300, 2e300], torch.float64, [128, 255]),
        ([1e-300, 2e-300], torch.float64, [128, 255]),
        ([7 * 2.0**-149, 14 * 2.0**-149], torch.float32, [128, 255]),
        ([2**60 + 1, 2**60], torch.int64, [255, 255]),
        ([1, 2**60], torch.int64, [1, 255]),
    ],
)
def test_the_profile_of_very_large_and_very_small_numbers(values, dtype, profile):
    assert profiles(rows(holding(torch.tensor([values], dtype=dtype)))) == [profile]
