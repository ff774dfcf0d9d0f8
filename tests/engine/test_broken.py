import math
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import reading
from prune_tui.engine.broken import broken_tensors
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.session import Session
from tests.engine.fingerprints import fingerprint


def look(model):
    return [(one.tensor, one.what) for one in broken_tensors(Session(model)).tensors]


def holding(*values, mask=None, name="weight"):
    module = nn.Module()
    module.register_parameter(name, nn.Parameter(torch.tensor(values), requires_grad=False))
    if mask is not None:
        prune.custom_from_mask(module, name, torch.tensor(mask))
    return module


class EveryLayer(nn.Module):
    """Fresh layers of many kinds: whatever torch makes of them is not broken."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(4), nn.LayerNorm([4]), nn.GroupNorm(2, 4), nn.InstanceNorm1d(4, affine=True)]
        )
        self.attention = nn.MultiheadAttention(8, 2, add_bias_kv=True)
        self.lstm = nn.LSTM(3, 4)
        self.prelu = nn.PReLU(3)
        self.embedding = nn.Embedding(5, 3, padding_idx=0)
        self.lazy = nn.LazyLinear(3)
        self.meta = nn.Linear(2, 2, device="meta")
        for bias in (self.conv.bias, self.lstm.bias_ih_l0):
            nn.init.zeros_(bias)
        self.register_buffer("positions", torch.zeros(4, dtype=torch.int64))
        self.register_buffer("causal", nn.Transformer.generate_square_subsequent_mask(4))
        self.register_buffer("scale", torch.full((3,), 0.5))
        self.gain = nn.Parameter(torch.zeros(()))


def test_fresh_layers_are_not_broken():
    assert look(EveryLayer()) == []


def test_what_is_broken_is_told_in_the_order_of_the_model():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight[0, :2] = math.nan
        model[0].weight[1, 0] = math.inf
        model[1].running_var[1] = -math.inf
        model[1].weight.fill_(0)
        model[2].weight.fill_(0.5)
        model[2].bias.fill_(1e-3)
    assert look(model) == [
        ("0.weight", "2 NaN, 1 Inf"),
        ("1.weight", "all zero"),
        ("1.running_var", "1 Inf"),
        ("2.weight", "constant 0.5"),
        ("2.bias", "constant 0.001"),
    ]


def test_under_a_mask():
    told = {
        "a NaN that is masked is a NaN still": holding(math.nan, 1.0, 2.0, mask=[0.0, 1.0, 1.0]),
        "what the mask leaves is judged": holding(5.0, 3.0, 3.0, mask=[0.0, 1.0, 1.0]),
        "zeros that are masked are none": holding(0.0, 3.0, 4.0, mask=[0.0, 1.0, 1.0]),
        "one entry is no constant": holding(5.0, 3.0, mask=[0.0, 1.0]),
        "nothing is left": holding(5.0, 3.0, mask=[0.0, 0.0]),
        "a bias without any": holding(5.0, 3.0, mask=[0.0, 0.0], name="bias"),
        "the mask itself": holding(5.0, 3.0, mask=[math.nan, 1.0]),
    }
    assert {about: look(model) for about, model in told.items()} == {
        "a NaN that is masked is a NaN still": [("weight", "1 NaN (1 masked)")],
        "what the mask leaves is judged": [("weight", "constant 3")],
        "zeros that are masked are none": [],
        "one entry is no constant": [],
        "nothing is left": [("weight", "all masked")],
        "a bias without any": [],
        "the mask itself": [("weight", "1 made so by the mask")],
    }


def test_a_tensor_that_stands_twice_is_told_once():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    nn.init.zeros_(model[0].weight)
    assert look(model) == [("0.weight", "all zero")]


def test_a_mask_that_does_not_fit_leaves_the_values_to_be_looked_at():
    model = holding(0.0, 0.0, mask=[1.0, 1.0])
    model.weight_mask = torch.ones(3)
    assert look(model) == [("weight", "all zero")]


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.half, torch.float64, torch.complex64,
        torch.int8, torch.int64, torch.uint16, torch.bool,
    ],
)  # fmt: skip
def test_every_dtype_is_looked_at(dtype):
    model = nn.Module()
    model.zeros = nn.Parameter(torch.zeros(2, 3).to(dtype), requires_grad=False)
    model.mixed = nn.Parameter(torch.tensor([[0, 1]]).to(dtype), requires_grad=False)
    model.ones = nn.Parameter(torch.ones(2, 2).to(dtype), requires_grad=False)
    one = "constant 1+0j" if dtype.is_complex else "constant 1"
    assert look(model) == [("zeros", "all zero"), ("ones", one)]


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, math.nan, math.inf, -math.inf]), min_size=2, max_size=9),
    st.none() | st.integers(0, 2**9),
)
def test_it_tells_what_looking_at_each_entry_tells(values, mask):
    kept = [True if mask is None else bool(mask >> place & 1) for place in range(len(values))]
    model = holding(*values, mask=None if mask is None else [float(one) for one in kept])
    with patch.object(reading, "PIECE", 2):
        found = dict(look(model)).get("weight", "")
    nans, infinities = sum(map(math.isnan, values)), sum(map(math.isinf, values))
    masked = sum(not math.isfinite(value) and not one for value, one in zip(values, kept, strict=True))
    left = {value for value, one in zip(values, kept, strict=True) if one}
    if nans or infinities:
        told = ", ".join([f"{nans} NaN"] * bool(nans) + [f"{infinities} Inf"] * bool(infinities))
        assert found == (f"{told} ({masked} masked)" if masked else told)
    elif not left:
        assert found == "all masked"
    elif len(left) > 1 or sum(kept) < 2 or left == {1.0}:
        assert found == ""
    else:
        assert found == ("all zero" if left == {0.0} else "constant 2")


def test_looking_changes_nothing_and_can_be_stopped():
    model = EveryLayer()
    del model.lazy
    del model.meta
    prune.l1_unstructured(model.conv, "weight", 3)
    before = fingerprint(model)
    look(model)
    assert fingerprint(model) == before
    with pytest.raises(Cancelled):
        broken_tensors(Session(model), iter([False, True]).__next__)


def test_what_holds_one_value_only_is_told_apart_from_nan_and_inf():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
    with torch.no_grad():
        model[0].weight[1, 2] = torch.nan
        model[1].weight.fill_(2)
    assert [(one.tensor, one.one_value) for one in broken_tensors(Session(model)).tensors] == [
        ("0.weight", False),
        ("1.weight", True),
    ]
