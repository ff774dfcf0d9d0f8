import math
from itertools import product
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import reading
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.earlier import Earlier
from prune_tui.engine.layers import layers
from prune_tui.engine.locating import EXTREMES, locate
from prune_tui.step_settings import StepError
from prune_tui.tensor_requests import Locate

KINDS = ("nan", "inf", "not_finite", "extreme", "masked")


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return module


def find(module, kind, after=None, *, view="effective", forward=True):
    return locate(layers(module, "weight", view), Locate("weight", view, kind, after, forward))


def naive(shown, mask, kind):
    """The indices of a kind in the order they are gone through, one entry at a time."""
    indices = list(product(*map(range, shown.shape)))
    values = {index: shown[index].item() for index in indices}
    if kind == "extreme":
        sizes = {index: abs(value) for index, value in values.items() if math.isfinite(abs(value)) and value}
        return sorted(sizes, key=lambda index: (-sizes[index], index))[:EXTREMES]
    holds = {
        "nan": lambda index: math.isnan(values[index]),
        "inf": lambda index: math.isinf(values[index]),
        "not_finite": lambda index: not math.isfinite(values[index]),
        "masked": lambda index: mask is not None and mask[index].item() == 0,
    }[kind]
    return [index for index in indices if holds(index)]


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(1, 7), min_size=0, max_size=4))
    order = draw(st.permutations(range(len(shape))))
    seed = draw(st.integers(0, 2**16))
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn([shape[axis] for axis in order], generator=generator).mul(draw(st.sampled_from([1, 3])))
    values = values.round(decimals=draw(st.sampled_from([0, 4])))
    odd = torch.rand(values.shape, generator=generator)
    rare = draw(st.sampled_from([0.0, 0.02, 0.3]))
    values = values.where(odd >= rare, math.nan).where(odd < 1 - rare, -math.inf)
    values = values.permute([order.index(axis) for axis in range(len(shape))])
    share = draw(st.sampled_from([None, 0.0, 0.1, 0.9, 1.0]))
    mask = None if share is None else (torch.rand(values.shape, generator=generator) < share).float()
    after = draw(st.none() | st.tuples(*(st.integers(0, size - 1) for size in shape)))
    return values, mask, after


@given(tensors(), st.sampled_from(KINDS), st.booleans(), st.sampled_from(["effective", "orig", "mask"]))
def test_it_finds_what_looking_at_each_entry_finds(asked, kind, forward, view):
    values, mask, after = asked
    shown = {"orig": values, "mask": torch.ones_like(values) if mask is None else mask}.get(view)
    if shown is None:
        shown = values if mask is None else values * mask
    expected = naive(shown, mask, kind)
    with patch.object(reading, "PIECE", 5):
        found = find(holding(values, mask), kind, after, view=view, forward=forward)
    if not expected:
        assert (found.index, found.number, found.of) == (None, 0, 0)
        assert found.note
        return
    if kind == "extreme":
        at = (expected.index(after) + (1 if forward else -1)) % len(expected) if after in expected else 0
        index = expected[at]
    elif forward:
        following = [index for index in expected if after is None or index > after] or expected
        index = following[0]
    else:
        earlier = [index for index in expected if after is not None and index < after] or expected
        index = earlier[-1]
    assert (found.index, found.number, found.of) == (index, expected.index(index) + 1, len(expected))
    assert found.value == shown[index].item() or math.isnan(found.value)
    assert found.note == ""


def test_it_goes_round_and_tells_which_of_how_many():
    module = holding(torch.tensor([[math.nan, 1.0], [2.0, math.nan]]))
    first = find(module, "nan")
    second = find(module, "nan", first.index)
    assert [(one.index, one.number, one.of) for one in (first, second)] == [((0, 0), 1, 2), ((1, 1), 2, 2)]
    assert find(module, "nan", second.index).index == (0, 0)
    assert find(module, "nan", first.index, forward=False).index == (1, 1)


def test_the_only_one_is_found_from_itself():
    module = holding(torch.tensor([1.0, -math.inf]))
    assert [find(module, "inf", (1,), forward=forward).index for forward in (True, False)] == [(1,), (1,)]


def test_extreme_are_the_hundred_greatest_of_equal_ones_the_first_and_no_zero():
    equal = holding(torch.full((20, 20), -3.0))
    assert find(equal, "extreme").of == EXTREMES
    assert find(equal, "extreme", (0, 0), forward=False).index == (4, 19)
    few = holding(torch.tensor([0.0, 5.0, math.inf, -7.0]), torch.tensor([1.0, 0.0, 1.0, 1.0]))
    assert [(one.index, one.of) for one in (find(few, "extreme"), find(few, "extreme", view="orig"))] == [
        ((3,), 1),
        ((3,), 2),
    ]


def test_extremes_are_gone_through_from_the_greatest_down_and_back():
    module = holding(torch.tensor([[1.0, -9.0], [4.0, 4.0]]))
    ranked = [(0, 1), (1, 0), (1, 1), (0, 0)]
    for rank, index in enumerate(ranked):
        found = find(module, "extreme", index)
        assert (found.index, found.number, found.of) == (ranked[(rank + 1) % 4], (rank + 1) % 4 + 1, 4)
        assert find(module, "extreme", index, forward=False).index == ranked[rank - 1]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("after", [None, (0, 0), (20, 0)])
def test_from_what_is_no_extreme_the_way_leads_to_the_greatest(after, forward):
    values = torch.arange(2.0, 402).reshape(20, 20)
    module = holding(torch.cat([values, torch.zeros(1, 20)]))
    assert find(module, "extreme", after, forward=forward).index == (19, 19)


def test_an_infinity_that_is_masked_is_a_nan():
    module = holding(torch.tensor([math.inf, 1.0]), torch.tensor([0.0, 1.0]))
    assert find(module, "nan").index == (0,)
    assert find(module, "inf", view="orig").index == (0,)


def test_the_change_since_an_earlier_moment_is_looked_through_too():
    now = layers(holding(torch.tensor([[1.0, 2.0], [3.0, 4.0]])), "weight", "step")
    now = now._replace(
        earlier=Earlier(torch.tensor([[1.0, 2.0], [3.0, 9.0]]), torch.tensor([[1, 0], [1, 1]]) == 1)
    )
    found = locate(now, Locate("weight", "step", "extreme", None))
    assert (found.index, found.value, found.number, found.of) == ((1, 1), -5, 1, 2)


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.half, torch.float64, torch.complex64,
        torch.int8, torch.int64, torch.uint16, torch.bool,
    ],
)  # fmt: skip
def test_every_dtype_can_be_looked_through(dtype):
    module = holding(torch.tensor([[0, 1], [1, 0]]).to(dtype), torch.eye(2))
    assert [find(module, kind).of for kind in KINDS] == [0, 0, 0, 0, 2]
    assert [find(module, kind, view="orig").index for kind in KINDS] == [None, None, None, (0, 1), (0, 1)]


def test_what_has_no_entries_or_no_values_says_so():
    assert find(holding(torch.empty(0, 3)), "nan").note == "no NaN here"
    assert find(holding(torch.empty(0, 3)), "extreme").index is None
    assert "meta" in find(holding(torch.empty(2, 2, device="meta")), "nan").note


@pytest.mark.parametrize("after", [(0,), (0, 2), (-1, 0), (0, 0, 0)])
def test_an_entry_that_is_not_there_is_refused(after):
    with pytest.raises(StepError, match="the shape is 2×2"):
        find(holding(torch.eye(2)), "masked", after)


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_stopped(kind):
    module = holding(torch.eye(9), torch.eye(9))
    request = Locate("weight", "effective", kind, None)
    with patch.object(reading, "PIECE", 9), pytest.raises(Cancelled):
        locate(layers(module, "weight", "effective"), request, iter([False, False, *[True] * 99]).__next__)


def test_looking_changes_nothing_and_needs_no_room():
    huge = torch.ones(1).expand(2**13, 2**13)
    module = nn.Module()
    module.register_buffer("weight", huge)
    assert find(module, "extreme", (2**13 - 1, 0)).index == (0, 0)
