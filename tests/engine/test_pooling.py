"""Pooled pictures against pooling entry by entry on Python numbers."""

import math
import struct
from types import SimpleNamespace

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import columns, pooling
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.earlier import Earlier
from prune_tui.engine.layers import Layers, layers
from prune_tui.engine.pooling import heatmap
from prune_tui.engine.selection.planned_masks import Whole
from prune_tui.engine.tensor_answers import ANSWERS
from prune_tui.engine.tiles import Pruning
from prune_tui.protocol import Answer
from prune_tui.steps import L1Unstructured
from prune_tui.tensor_requests import Block, GetHeatmap
from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED, HAS_ZERO, POOLS, Tally
from prune_tui.view_rows import VIEWS

INF, NAN = math.inf, math.nan


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return module


def unpacked(picture):
    """A heat map as lists of numbers."""
    count = picture.height * picture.width
    return SimpleNamespace(
        size=(picture.height, picture.width),
        values=struct.unpack(f"<{count}f", picture.values),
        kept=tuple(picture.kept),
        marks=tuple(picture.marks),
        going=tuple(picture.going),
        tally=picture.tally,
        note=picture.note,
    )


def pool(module, *, cells=(9, 9), view="effective", kind="extreme", axes=(0, 1), block=None, pruning=None):
    block = block or Block((), (0, 10**9), (0, 10**9))
    request = GetHeatmap("weight", view, *axes, block, *cells, kind)
    return unpacked(heatmap(layers(module, "weight", view), request, pruning or Pruning(), never))


def test_a_rectangle_that_is_smaller_than_the_cells_is_shown_entry_by_entry():
    shown = pool(holding(torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]])))
    assert shown.size == (2, 2)
    assert shown.values == (1, -2, 0, 0)
    assert shown.kept == (255, 255, 255, 0)
    assert shown.marks == (0, 0, HAS_ZERO, 0)


def test_cells_are_as_small_as_they_can_be_and_hold_every_entry_once():
    shown = pool(holding(torch.ones(5, 7)), cells=(2, 3), kind="mean")
    assert shown.size == (2, 3)  # of 3×3 entries, those at the ends of 2 rows and 1 column
    shown = pool(holding(torch.ones(4, 9)), cells=(3, 4))
    assert shown.size == (2, 3)


def test_the_extreme_keeps_its_sign_and_the_mean_does_not_count_what_is_not_finite():
    module = holding(torch.tensor([[1.0, -3.0, NAN, 2.0], [2.0, 0.0, INF, NAN]]))
    assert pool(module, cells=(1, 2)).values == (-3, 2)
    assert pool(module, cells=(1, 2), kind="mean").values == (0, 2)
    assert pool(module, cells=(1, 2)).marks == (HAS_ZERO, HAS_NAN | HAS_INF)


def test_of_two_of_the_same_magnitude_the_positive_one_is_the_extreme():
    assert pool(holding(torch.tensor([[-1.0, 1.0]])), cells=(1, 1)).values == (1,)


def test_a_cell_without_finite_values_has_none():
    shown = pool(holding(torch.tensor([[NAN, -INF]])), cells=(1, 1))
    assert math.isnan(shown.values[0])
    assert shown.marks == (HAS_NAN | HAS_INF,)
    assert math.isnan(pool(holding(torch.tensor([[NAN, -INF]])), cells=(1, 1), kind="mean").values[0])


def test_a_share_is_rounded_but_never_to_none_or_all():
    kept = torch.ones(3, 1000)
    kept[0], kept[1, 0], kept[2, 1:] = 0, 0, 0
    assert pool(holding(torch.ones(3, 1000), kept), cells=(3, 1)).kept == (0, 254, 1)


def test_what_a_step_took_and_what_one_would_take_is_marked_in_the_masked_and_in_the_living():
    module = holding(torch.ones(1, 4), torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    pruning = Pruning(torch.tensor([[True, True, True, False]]), Whole(torch.tensor([[0.0, 0.0, 1.0, 1.0]])))
    shown = pool(module, pruning=pruning)
    assert (shown.marks, shown.going) == ((0, HAS_NEWLY_MASKED, 0, 0), (255, 0, 0, 0))
    shown = pool(module, cells=(1, 1), pruning=pruning)
    assert (shown.marks, shown.going) == ((HAS_NEWLY_MASKED,), (128,)), "one of two that are alive"


def test_without_a_preview_nothing_is_told_of_one():
    assert pool(holding(torch.ones(2, 2))).going == ()


def test_rows_and_columns_that_are_wholly_masked_are_counted_however_much_is_pooled():
    kept = torch.ones(40, 30)
    kept[[3, 4, 39]], kept[:, [0, 7]] = 0, 0
    for cells in ((1, 1), (7, 4), (40, 30)):
        tally = pool(holding(torch.ones(40, 30), kept), cells=cells).tally
        assert tally == Tally(1200, kept=37 * 28, dead_rows=3, dead_columns=2)
    lying = holding(torch.ones(40, 30).t(), kept.t())
    assert pool(lying, cells=(7, 4)).tally == Tally(1200, kept=37 * 28, dead_rows=2, dead_columns=3)
    inside = Block((), (0, 5), (0, 7))
    assert pool(holding(torch.ones(40, 30), kept), cells=(2, 2), block=inside).tally == Tally(35, 18, 0, 2, 1)


def test_numbers_beyond_float32_are_told_as_the_greatest_it_has():
    module = holding(torch.tensor([[1e300, 1e300], [-1e308, -1e308]], dtype=torch.float64))
    most = torch.finfo(torch.float32).max
    for kind in POOLS:
        shown = pool(module, cells=(2, 1), kind=kind)
        assert shown.values == (most, -most)
        assert shown.marks == (0, 0)


def test_one_axis_is_a_row_and_a_scalar_a_cell():
    assert pool(holding(torch.tensor([1.0, -4.0, 2.0])), cells=(5, 2), axes=(-1, 0)).values == (-4, 2)
    shown = pool(holding(torch.tensor(7.0)), axes=(-1, -1))
    assert (shown.size, shown.values) == ((1, 1), (7,))


def test_nothing_to_show_is_an_empty_picture():
    assert pool(holding(torch.empty(0, 3))).size == (0, 0)
    assert pool(holding(torch.ones(2, 2)), cells=(0, 5)).size == (0, 0)
    assert pool(holding(torch.ones(2, 2)), block=Block((), (2, 2), (0, 2))).size == (0, 0)
    assert pool(holding(torch.ones(2, 2, 2)), axes=(1, 2), block=Block((5,), (0, 2), (0, 2))).size == (0, 0)


def test_axes_that_do_not_fit_are_noted():
    assert "2×2" in pool(holding(torch.ones(2, 2)), axes=(0, 2)).note
    module = nn.Module()
    module.weight = nn.UninitializedParameter()
    request = GetHeatmap("weight", "effective", 0, 1, Block((), (0, 1), (0, 1)), 1, 1)
    assert "not initialised" in heatmap(layers(module, "weight", "effective"), request, Pruning(), never).note


def test_a_huge_tensor_is_read_within_the_rectangle_only():
    module = nn.Module()
    module.register_buffer("weight", torch.ones(1).expand(2**20, 2**20))  # 4 TiB, if anything walked through it
    shown = pool(module, cells=(2, 2), block=Block((), (2**19, 2**19 + 8), (7, 19)))
    assert (shown.size, set(shown.values)) == ((2, 2), {1.0})


def test_it_stops_between_bands(monkeypatch):
    monkeypatch.setattr(pooling, "_BAND", 10)
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 3

    request = GetHeatmap("weight", "effective", 0, 1, Block((), (0, 50), (0, 10)), 1, 1)
    with pytest.raises(Cancelled):
        heatmap(layers(holding(torch.ones(50, 10)), "weight", "effective"), request, Pruning(), stop)
    assert len(asked) < 10


# ---------------------------------------------------------------- against the naive way


def shown_entry(view, value, kept, before):
    """What a view shows of one entry, from Python numbers."""
    if view == "mask":
        return kept
    if view == "orig":
        return value
    if view == "effective":
        return value * kept
    now, then = value * kept, before[0] * before[1]
    return 0.0 if now == then or (math.isnan(now) and math.isnan(then)) else now - then


def cell_of(entries, kind):
    """One cell, of entries (shown, kept, newly, would go)."""
    finite = [shown for shown, *_ in entries if math.isfinite(shown)]
    value = NAN
    if finite:
        value = max(finite, key=lambda x: (abs(x), x)) if kind == "extreme" else math.fsum(finite) / len(finite)
    kept_ones = sum(kept != 0 for _, kept, *_ in entries)
    share = round(255 * kept_ones / len(entries))
    told = {0: 0, len(entries): 255}.get(kept_ones, min(max(share, 1), 254))
    marks = 0
    for shown, kept, newly, _ in entries:
        marks |= HAS_NAN * math.isnan(shown) | HAS_INF * math.isinf(shown)
        marks |= HAS_ZERO * (shown == 0 and kept != 0)
        marks |= HAS_NEWLY_MASKED * bool(newly and not kept)
    going = sum(bool(goes and kept) for _, kept, _, goes in entries)
    share = round(255 * going / max(kept_ones, 1))
    going = {0: 0, kept_ones: 255}.get(going, min(max(share, 1), 254)) if going else 0
    return value, told, marks, going


@st.composite
def pictures(draw):
    """A tensor of up to four axes, its marks, a rectangle and cells."""
    shape = draw(st.lists(st.integers(1, 7), max_size=4))
    order = draw(st.permutations(range(len(shape))))
    rows, columns_ = (order[0], order[1]) if len(order) > 1 else (-1, len(order) - 1)
    spans = [sorted(draw(st.tuples(st.integers(0, 8), st.integers(0, 8)))) for _ in range(2)]
    facet = tuple(
        draw(st.integers(0, size - 1)) for axis, size in enumerate(shape) if axis not in (rows, columns_)
    )
    return SimpleNamespace(
        shape=shape,
        axes=(rows, columns_),
        block=Block(facet, *map(tuple, spans)),
        cells=draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
        kind=draw(st.sampled_from(POOLS)),
        view=draw(st.sampled_from(VIEWS)),
        dtype=draw(st.sampled_from(DTYPES)),
        pruned=draw(st.sampled_from(["no", "plain", "other numbers"])),
        odd=draw(st.booleans()),
        changed=draw(st.booleans()),
        lying=draw(st.booleans()),
        seed=draw(st.integers(0, 99)),
        band=draw(st.sampled_from([1, 5, 2**17])),
    )


DTYPES = [
    torch.float32,
    torch.float64,
    torch.bfloat16,
    torch.float16,
    torch.float8_e4m3fn,
    torch.int8,
    torch.int64,
    torch.bool,
    torch.complex64,
]


def random_tensor(asked):
    """Multiples of a quarter, so that their sums are exact; some are zero, some NaN or Inf."""
    shape = asked.shape[::-1] if asked.lying else asked.shape
    values = torch.randint(-8, 9, shape) / 4
    if asked.odd and asked.dtype.is_floating_point and asked.dtype.itemsize > 1:
        values = values.masked_fill(torch.rand(shape) < 0.1, NAN).masked_fill(torch.rand(shape) < 0.1, -INF)
    values = values.to(asked.dtype)
    return values.permute(tuple(reversed(range(len(shape))))) if asked.lying else values


def by_hand(asked, *tensors):
    """The picture, by loops over Python numbers.

    Args:
        asked: What for.
        tensors: Values, mask, values and mask earlier, what was taken newly, what would go.
    """
    facets = [axis for axis in range(len(asked.shape)) if axis not in asked.axes]
    order = [*facets, *(axis for axis in asked.axes if axis >= 0)]
    spans = [slice(*span) for axis, span in zip(asked.axes, (asked.block.rows, asked.block.columns), strict=True)
             if axis >= 0]  # fmt: skip
    index = (*asked.block.facet, *spans)
    numbers = []
    for tensor in tensors:
        cut = tensor.permute(order)[index]
        cut = cut.reshape((1,) * (2 - cut.dim()) + tuple(cut.shape))
        numbers.append((cut.abs() if cut.is_complex() else cut.double()).tolist())
    rows, width = len(numbers[0]), len(numbers[0][0]) if numbers[0] else 0
    if not rows * width:
        return (0, 0), []
    tall, wide = -(-rows // asked.cells[0]), -(-width // asked.cells[1])
    cells = []
    for top in range(0, rows, tall):
        for left in range(0, width, wide):
            entries = []
            for row in range(top, min(top + tall, rows)):
                for column in range(left, min(left + wide, width)):
                    value, mask, then, its_mask, new, go = (layer[row][column] for layer in numbers)
                    entries.append((shown_entry(asked.view, value, mask, (then, its_mask)), mask, new, go))
            cells.append(cell_of(entries, asked.kind))
    return (-(-rows // tall), -(-width // wide)), cells


@given(pictures())
def test_a_picture_is_what_loops_over_its_entries_give(asked):
    torch.manual_seed(asked.seed)
    values = random_tensor(asked)
    kept = torch.ones(asked.shape)
    if asked.pruned != "no":
        kept = (torch.rand(asked.shape) < 0.5).float() * (0.5 if asked.pruned == "other numbers" else 1)
    if asked.dtype is torch.complex64 or not asked.dtype.is_floating_point:
        kept = kept.ceil()
    before = (torch.rand(asked.shape) < 0.7).float()
    earlier = Earlier(values, before) if asked.changed and asked.dtype is not torch.complex64 else None
    newly, goes = torch.rand(asked.shape) < 0.3, torch.rand(asked.shape) < 0.3
    found = Layers(values, None if asked.pruned == "no" else kept.to(asked.dtype), asked.view, earlier)
    request = GetHeatmap("weight", asked.view, *asked.axes, asked.block, *asked.cells, asked.kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "_BAND", asked.band)
        shown = unpacked(heatmap(found, request, Pruning(newly, Whole(~goes)), never))
    then = (values, before) if earlier else (values, kept)
    size, cells = by_hand(asked, values, kept, *then, newly, goes)
    assert shown.size == size
    assert shown.values == pytest.approx([value for value, *_ in cells], rel=1e-6, nan_ok=True)
    assert shown.kept == tuple(share for _, share, *_ in cells)
    assert shown.marks == tuple(marks for _, _, marks, _ in cells)
    assert shown.going == tuple(going for *_, going in cells)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", POOLS)
def test_both_ways_to_read_a_band_agree(dtype, kind, monkeypatch):
    torch.manual_seed(3)
    module = holding(torch.randn(700, 300).to(dtype), (torch.rand(700, 300) < 0.5).to(dtype))
    by_numpy = pool(module, cells=(13, 29), kind=kind)
    monkeypatch.setattr(columns, "_plain", lambda _: False)
    by_torch = pool(module, cells=(13, 29), kind=kind)
    assert by_numpy.values == pytest.approx(by_torch.values, rel=1e-6)
    assert (by_numpy.kept, by_numpy.marks, by_numpy.tally) == (by_torch.kept, by_torch.marks, by_torch.tally)


# ---------------------------------------------------------------- through a session


def asked_of(session, preview=None, view="effective"):
    request = GetHeatmap("weight", view, 0, 1, Block((), (0, 4), (0, 4)), 4, 4, preview=preview)
    return unpacked(ANSWERS[GetHeatmap](session, request, never))


def test_a_sessions_steps_are_seen_in_its_picture():
    session = Session(holding(torch.arange(1.0, 17).reshape(4, 4)))
    half = L1Unstructured(targets=("weight",), amount=8)
    assert asked_of(session, half).going == (255,) * 8 + (0,) * 8
    session.do(half, never)
    after = asked_of(session)
    assert after.marks == (HAS_NEWLY_MASKED,) * 8 + (0,) * 8
    assert after.kept == (0,) * 8 + (255,) * 8
    assert asked_of(session, view="step").values == tuple(map(float, [*range(-1, -9, -1), *[0] * 8]))


def test_a_picture_travels_as_bytes():
    session = Session(holding(torch.ones(4, 4)))
    request = GetHeatmap("weight", "effective", 0, 1, Block((), (0, 4), (0, 4)), 4, 4)
    answer = Answer(1, 0, ANSWERS[GetHeatmap](session, request, never))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer) == answer


def test_a_preview_whose_ties_torch_decides_is_made_once():
    session = Session(holding(torch.ones(4, 4)))
    shown = asked_of(session, L1Unstructured(targets=("weight",), amount=5))
    assert shown.going.count(255) == shown.tally.going == 5
