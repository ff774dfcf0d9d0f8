import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import reading, telling
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.layers import layers
from prune_tui.engine.statistics import SAMPLE, sampled, statistics
from prune_tui.view_rows import VIEWS
from prune_tui.views import QUANTILES


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


def finite_ones(values):
    """The finite ones in float64: a complex number by its magnitude, a bool as 0 or 1."""
    values = values.abs().double() if values.is_complex() else values.double()
    return values[values.isfinite()]


def assert_as_float64(told, values):
    """Equal to what torch says of the finite values in float64."""
    finite, values = finite_ones(values), values.abs() if values.is_complex() else values.double()
    assert told.nans == int(values.isnan().sum())
    assert told.infinities == int(values.isinf().sum())
    if not finite.numel():
        assert (told.mean, told.quantiles) == (None, ())
        return
    scale = float(finite.abs().max())
    assert told.minimum == float(finite.min())
    assert told.maximum == float(finite.max())
    assert told.mean == pytest.approx(float(finite.mean()), rel=1e-9, abs=1e-12 * scale)
    assert told.rms == pytest.approx(float((finite**2).mean().sqrt()), rel=1e-9)
    if finite.numel() > 1:
        assert told.std == pytest.approx(float(finite.std()), rel=1e-9, abs=1e-12 * scale)
    within = {"exact": 1e-12, "binned": 0.004}[told.spread]
    expected, low, high = (
        np.quantile(finite.numpy(), QUANTILES, method=method) for method in ("linear", "lower", "higher")
    )
    # Both entries between which a quantile lies may be so far off; beside 0 numbers are as good as 0.
    assert (np.abs(np.array(told.quantiles) - expected) <= within * np.maximum(abs(low), abs(high)) + 1e-37).all()


def assert_histogram(told, before, gone, *, within=0):
    """Each entry lies in its bin, or `within` of it.

    Args:
        told: The statistics.
        before: The values before masking.
        gone: Which the mask takes.
        within: How far an entry may be from its bin.
    """
    values = before.abs().double() if before.is_complex() else before.double()
    finite = values.isfinite()
    histogram = told.histogram
    if not finite.any():
        assert histogram is None
        return
    assert (histogram.low, histogram.high) == (float(values[finite].min()), float(values[finite].max()))
    edges = np.linspace(histogram.low, histogram.high, len(histogram.kept) + 1)
    for which, counts in ((finite & ~gone, histogram.kept), (finite & gone, histogram.masked)):
        entries = values[which].numpy()
        assert sum(counts) == entries.size
        if counts:
            up_to = np.cumsum(counts)[:-1]
            assert (up_to >= [np.count_nonzero(entries < edge - within) for edge in edges[1:-1]]).all()
            assert (up_to <= [np.count_nonzero(entries <= edge + within) for edge in edges[1:-1]]).all()


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
    largest = float(values.abs().nan_to_num(0, 0).max())
    for view in ("orig", "effective"):
        assert_histogram(told[view], values, mask == 0, within=0.01 * largest)
    assert_histogram(told["mask"], mask, mask == 0)
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
    told = count(holding(values, mask))
    assert_as_float64(told, values * mask)
    assert_histogram(told, values, mask == 0, within=0.01 * told.maximum)
    assert (told.quality, told.spread) == ("exact", "binned")


# Of float8 torch cannot fill all, and of the unsigned ones it can do little.
DTYPES = [
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.bfloat16,
    torch.half,
    torch.float32,
    torch.float64,
    torch.complex32,
    torch.complex64,
    torch.complex128,
    torch.int8,
    torch.uint8,
    torch.int16,
    torch.uint16,
    torch.int32,
    torch.uint32,
    torch.int64,
    torch.uint64,
    torch.bool,
]
E8M0 = [torch.float8_e8m0fnu] if hasattr(torch, "float8_e8m0fnu") else []


def drawn(dtype, shape):
    """Random numbers of a dtype, NaN and infinities among them where it has such."""
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(shape, generator=generator) * 20
    if not (dtype.is_floating_point or dtype.is_complex):
        signed = values if dtype in {torch.int8, torch.int16, torch.int32, torch.int64} else values.abs()
        return (signed > 10 if dtype is torch.bool else signed.round().to(torch.int64)).to(dtype)
    flat = values.view(-1)
    flat[:5] = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0])
    return values.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("piece", [400, 2**18], ids=["in pieces", "in one piece"])
@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "pruned"])
def test_every_dtype_in_one_piece_and_in_many(dtype, piece, pruned, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", piece)
    values = drawn(dtype, (3, 4, 5, 2, 17))
    mask = torch.rand(values.shape, generator=torch.Generator().manual_seed(4)) < 0.6
    module = nn.Module()
    module.register_buffer("weight", values)
    kept = torch.ones_like(mask)
    if pruned:
        kept = mask
        module = holding(torch.zeros(values.shape), mask.float())
        module.weight_orig.data, module.weight_mask = values, mask
    told = {view: count(module, view) for view in ("effective", "orig")}
    wide = values.to(torch.complex128) if dtype.is_complex else values.double()
    assert_as_float64(told["orig"], wide)
    assert_as_float64(told["effective"], wide * kept)
    for one in told.values():
        assert_histogram(one, wide, ~kept, within=0 if one.spread == "exact" else 1.0)
        assert one.zeros == int(((wide == 0) & kept).sum())
    of_all_bits = dtype.itemsize <= 2
    assert told["orig"].spread == ("exact" if of_all_bits or piece > values.numel() else "binned")


def test_values_that_float32_cannot_hold_are_told_as_well(monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 50)
    for size in (1e300, 1e-300, 1e38):
        values = torch.randn(1000, dtype=torch.float64) * size
        told = count(holding(values))
        assert told.quantiles == pytest.approx(np.quantile(values.numpy(), QUANTILES), rel=0.01)
        assert_histogram(told, values, values.isnan(), within=0.05 * size)
        assert (told.minimum, told.maximum) == (float(values.min()), float(values.max()))
        assert told.std == pytest.approx(float((values / size).std()) * size, rel=1e-9)


def test_the_greatest_numbers_of_float64_do_not_overflow():
    told = count(holding(torch.tensor([1.7e308, -1.7e308], dtype=torch.float64)))
    assert told.rms == pytest.approx(1.7e308)
    assert told.quantiles[QUANTILES.index(0.5)] == 0


def test_numbers_smaller_than_a_pattern_can_tell_are_no_zeros(monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 2)
    told = count(holding(torch.tensor([1e-44, 0.0, -1e-44, 1.0])))
    assert told.zeros == 1


@pytest.mark.parametrize("piece", [3, 2**18])
def test_a_mask_of_other_numbers_than_zeros_and_ones(piece, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", piece)
    values, mask = torch.tensor([1.0, -2.0, 3.0, 4.0, -5.0]), torch.tensor([0.5, 2.0, 0.0, 1.0, 1.0])
    told = count(holding(values, mask))
    assert_as_float64(told, values * mask)
    assert_histogram(told, values, mask == 0, within=0.05)
    assert (told.masked, told.zeros) == (1, 0)


@pytest.mark.parametrize(
    "dtype", [dtype for dtype in DTYPES + E8M0 if dtype.is_floating_point and dtype.itemsize <= 2]
)
@pytest.mark.parametrize("elements", [10, 2**19])
@pytest.mark.parametrize("value", [1e37, 1e-33])
def test_numbers_of_8_and_16_bits_are_told_as_they_are_however_large_or_small(dtype, elements, value):
    values = torch.full((elements,), value).to(dtype)
    told = count(holding(values))
    assert_as_float64(told, values)
    if told.histogram is not None:
        assert told.histogram.low == told.histogram.high == float(values[0])


@pytest.mark.skipif(not hasattr(torch, "float8_e8m0fnu"), reason="this torch has no float8_e8m0fnu")
@pytest.mark.parametrize("piece", [2, 2**18])
def test_a_dtype_without_a_zero(piece, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", piece)
    module = holding(torch.zeros(3), torch.tensor([1.0, 0.0, 1.0]))
    module.weight_orig.data = torch.tensor([2.0, 4.0, 0.5]).to(torch.float8_e8m0fnu)
    told = count(module)
    product = module.weight_mask.to(torch.float8_e8m0fnu).float() * module.weight_orig.float()
    assert_as_float64(told, product.to(torch.float8_e8m0fnu))
    assert (told.masked, told.zeros) == (1, 0)


def test_a_histogram_tells_kept_from_masked_by_the_values_before():
    told = count(holding(torch.tensor([0.0, 1.0, 2.0, 4.0]), torch.tensor([1.0, 0.0, 0.0, 1.0])))
    assert (told.histogram.low, told.histogram.high) == (0, 4)
    assert {at: n for at, n in enumerate(told.histogram.kept) if n} == {0: 1, 255: 1}
    assert {at: n for at, n in enumerate(told.histogram.masked) if n} == {64: 1, 128: 1}
    assert told.quantiles[QUANTILES.index(0.5)] == 0  # of the effective values: 0, 0, 0, 4


def test_all_equal_is_one_bin():
    histogram = count(holding(torch.full((2**19,), -0.3))).histogram
    assert (histogram.low, histogram.high) == (pytest.approx(-0.3), pytest.approx(-0.3))
    assert (histogram.kept, histogram.masked) == ((2**19,), ())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_a_sample_of_every_dtype_is_near(dtype, view):
    values = drawn(dtype, (3, 5, 50, 2, 400)).transpose(1, 4)
    module = holding(torch.zeros(values.shape), torch.ones(values.shape))
    mask = torch.rand(values.shape, generator=torch.Generator().manual_seed(4)) < 0.6
    module.weight_orig.data, module.weight_mask = values, mask
    told, exact = sampled(layers(module, "weight", view), never), count(module, view)
    assert (told.quality, told.spread, told.elements) == ("sampled", "sampled", values.numel())
    assert told.masked == pytest.approx(exact.masked, rel=0.05)
    assert told.rms == pytest.approx(exact.rms, rel=0.1)
    assert exact.minimum <= told.minimum <= told.maximum <= exact.maximum
    assert told.quantiles == pytest.approx(exact.quantiles, abs=0.2 * (exact.maximum - exact.minimum))
    assert sum(told.histogram.kept) == pytest.approx(sum(exact.histogram.kept), rel=0.05)


def test_a_sample_reads_one_entry_of_each_stretch():
    values = torch.arange(SAMPLE * 20, dtype=torch.float64)
    told = sampled(layers(holding(values), "weight", "orig"), never)
    assert told.quantiles == pytest.approx(np.array(QUANTILES) * values.numel(), abs=40)


def test_what_is_small_is_told_exactly_though_a_sample_was_asked_for():
    module = holding(torch.arange(10.0))
    assert sampled(layers(module, "weight", "effective"), never) == count(module)
    nothing = layers(nn.LazyLinear(2), "weight", "effective")
    assert sampled(nothing, never).note == statistics(nothing, never).note


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
        return len(asked) == 3  # another thread may ask once more

    with pytest.raises(Cancelled):
        statistics(layers(holding(torch.ones(2**20)), "weight", "effective"), stop)
    assert len(asked) in {3, 4}


def test_where_the_counting_stands_is_told(monkeypatch):
    monkeypatch.setattr(telling, "EVERY", 0)
    monkeypatch.setattr(reading, "PIECE", 10)
    seen = []
    statistics(layers(holding(torch.ones(100)), "weight", "effective"), never, seen.append)
    assert seen == [f"counting {percent}%" for percent in range(10, 101, 10)]


def test_buffers_have_statistics_too():
    assert count(nn.BatchNorm1d(4), name="running_var").mean == 1
