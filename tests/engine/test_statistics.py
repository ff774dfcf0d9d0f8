import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import reading
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.layers import layers
from prune_tui.engine.statistics import statistics
from prune_tui.view_rows import VIEWS


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return module


def count(module, view="effective", name="weight"):
    return statistics(layers(module, name, view), never)


def test_a_pruned_tensor_in_numbers():
    module = holding(torch.tensor([0.0, 1.0, -2.0, 3.0]), torch.tensor([1.0, 1.0, 0.0, 1.0]))
    told = count(module)
    assert (told.elements, told.masked, told.zeros) == (4, 1, 1)
    assert (told.minimum, told.maximum, told.mean) == (0, 3, 1)
    assert told.std == pytest.approx(math.sqrt(2))
    assert told.rms == pytest.approx(math.sqrt(10 / 4))
    assert (count(module, "orig").minimum, count(module, "orig").zeros) == (-2, 1)
    assert (count(module, "mask").mean, count(module, "mask").zeros) == (0.75, 0)
    assert (count(module, "start").maximum, count(module, "start").minimum) == (0, 0)


def test_nan_and_inf_are_counted_and_left_out_of_the_moments():
    told = count(holding(torch.tensor([math.nan, math.inf, -math.inf, 1.0, 3.0])))
    assert (told.nans, told.infinities) == (1, 2)
    assert (told.minimum, told.maximum, told.mean, told.std) == (1, 3, 2, pytest.approx(math.sqrt(2)))


def test_a_masked_nan_is_a_nan_still():
    told = count(holding(torch.tensor([math.nan, 1.0]), torch.tensor([0.0, 1.0])))
    assert (told.nans, told.masked, told.zeros) == (1, 1, 0)


def test_equal_values_deviate_by_nothing():
    told = count(holding(torch.full((2**19 + 5,), 0.1)))
    assert told.std == 0
    assert told.mean == told.minimum == told.maximum


@pytest.mark.parametrize(
    ("values", "std", "rms"), [([], None, None), ([2.0], None, 2.0), ([math.nan], None, None), ([1.0, 1.0], 0, 1)]
)
def test_there_is_no_std_of_fewer_than_two_values(values, std, rms):
    told = count(holding(torch.tensor(values)))
    assert (told.std, told.rms) == (std, rms)


def assert_as_float64(told, values):
    """Equal to what torch says of the finite values in float64."""
    values = values.double()
    finite = values[values.isfinite()]
    assert told.nans == int(values.isnan().sum())
    assert told.infinities == int(values.isinf().sum())
    if not finite.numel():
        assert told.mean is None
        return
    scale = float(finite.abs().max())
    assert told.minimum == float(finite.min())
    assert told.maximum == float(finite.max())
    assert told.mean == pytest.approx(float(finite.mean()), rel=1e-9, abs=1e-12 * scale)
    assert told.rms == pytest.approx(float((finite**2).mean().sqrt()), rel=1e-9)
    if finite.numel() > 1:
        assert told.std == pytest.approx(float(finite.std()), rel=1e-9, abs=1e-12 * scale)


numbers = st.floats(width=32, min_value=-1e6, max_value=1e6) | st.sampled_from(
    [math.nan, math.inf, -math.inf, 0.0]
)


@given(st.lists(numbers, min_size=1, max_size=60), st.integers(1, 7), st.data())
def test_statistics_are_those_of_float64_torch(values, piece, data):
    values = torch.tensor(values)
    mask = torch.tensor(
        data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(values), max_size=len(values)))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PIECE", piece)
        told = {view: count(holding(values, mask), view) for view in VIEWS}
    assert_as_float64(told["orig"], values)
    assert_as_float64(told["effective"], values * mask)
    assert_as_float64(told["mask"], mask)
    assert {one.masked for one in told.values()} == {int((mask == 0).sum())}
    assert told["effective"].zeros == told["orig"].zeros == int(((values == 0) & (mask != 0)).sum())


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 9), st.data())
def test_pieces_of_any_layout_have_each_entry_once(shape, piece, data):
    whole = torch.arange(math.prod(shape) * 2).reshape([*shape, 2])[..., 0]
    order = data.draw(st.permutations(range(len(shape))))
    walked, beside = whole.permute(order), whole.permute(order).contiguous()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PIECE", piece)
        seen = list(reading.pieces(walked, beside))
    assert all(torch.equal(left, right) and left.numel() <= piece for left, right in seen)
    assert sorted(entry for left, _ in seen for entry in left.flatten().tolist()) == sorted(
        whole.flatten().tolist()
    )


def test_a_large_mean_costs_no_digits():
    values = torch.randn(2**19, dtype=torch.float64) + 1e8
    told = count(holding(values))
    assert told.std == pytest.approx(float(values.std()), rel=1e-9)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided", "channels_last"])
def test_large_tensors_of_any_layout(layout):
    values = {
        "contiguous": torch.randn(3, 7, 200, 180),
        "transposed": torch.randn(900, 800).t(),
        "strided": torch.randn(1500, 1200)[::2, 1::2],
        "channels_last": torch.randn(4, 8, 150, 160).to(memory_format=torch.channels_last),
    }[layout]
    mask = (torch.rand(values.shape) < 0.7).float()
    assert_as_float64(count(holding(values, mask)), values * mask)


DTYPES = [
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.bfloat16,
    torch.half,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.int8,
    torch.uint16,
    torch.bool,
]
SHAPES = [(0,), (), (3,), (2, 1, 2, 3, 2)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("filled", [0, 1, math.nan, math.inf])
def test_no_dtype_and_shape_raises(dtype, shape, view, filled):
    values = torch.full(shape, float(filled))
    wide = dtype.is_floating_point or dtype.is_complex
    module = holding(values if wide else values.nan_to_num(1, 1, 1).to(dtype), torch.ones(shape))
    if wide:
        module.to(dtype)  # after pruning, for torch cannot multiply float8 scalars
    told = count(module, view)
    assert (told.elements, told.masked) == (values.numel(), 0)
    assert count(holding(module.weight_orig), view).elements == values.numel()


def test_complex_tensors_tell_of_their_magnitudes():
    told = count(holding(torch.tensor([3 + 4j, 0j])))
    assert (told.maximum, told.zeros, told.note) == (5, 1, "magnitudes")


@pytest.mark.parametrize(
    ("module", "elements"), [(nn.Linear(2, 3, device="meta"), 6), (nn.LazyLinear(2), 0), (nn.ReLU(), 0)]
)
def test_a_tensor_without_values_says_why(module, elements):
    told = count(module)
    assert told.elements == elements
    assert told.mean is None
    assert told.note


def test_a_pruned_meta_tensor_says_why():
    module = nn.Linear(2, 3, device="meta")
    prune.l1_unstructured(module, "weight", amount=1)
    assert count(module).note == "on the meta device: no values"


def test_counting_stops_between_pieces():
    asked = []

    def stop():
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        statistics(layers(holding(torch.ones(2**20)), "weight", "effective"), stop)
    assert len(asked) == 3


def test_buffers_have_statistics_too():
    assert count(nn.BatchNorm1d(4), name="running_var").mean == 1
