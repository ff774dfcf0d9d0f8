"""N:M against the same said plainly in `tests.engine.naive`."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.step_settings import StepError
from tests.engine import naive

SHAPES = [(8, 8), (4, 8, 3, 3), (2, 16), (8, 4, 2)]


def linear(weight):
    module = nn.Linear(1, 1, bias=False)
    module.weight = nn.Parameter(weight, requires_grad=weight.is_floating_point())
    return module


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("pattern", "dim"), [("2:4", 1), ("1:2", 0), ("1:2", -1), ("3:4", 1), ("4:8", 1)])
def test_the_n_largest_of_every_m_stay(shape, dtype, pattern, dim):
    torch.manual_seed(1)
    # Few distinct values: half of them are ties.
    model = linear(torch.randint(-3, 4, shape).to(dtype))
    expected = naive.seen(model, "weight")
    if shape[dim] % int(pattern[-1]):
        with pytest.raises(StepError, match="is not a multiple of"):
            Session(model).apply("semi_structured", "weight", pattern=pattern, dim=dim)
        return
    (mask,) = naive.semi_structured([expected], pattern, dim)
    entry = Session(model).apply("semi_structured", "weight", pattern=pattern, dim=dim)
    assert torch.equal(model.weight_mask, mask)
    assert model.weight_mask.dtype is dtype
    assert entry.took == {"weight": int((mask == 0).sum())}


def test_2_of_4_is_what_sparse_tensor_cores_take():
    model = linear(torch.tensor([[1.0, -4.0, 3.0, 2.0, 0.1, 0.1, 0.1, 0.1]]))
    Session(model).apply("semi_structured", "weight")
    assert model.weight_mask.tolist() == [[0, 1, 1, 0, 0, 0, 1, 1]]  # of equal ones the first go


def test_masked_entries_count_among_those_that_go_and_stay_masked():
    model = linear(torch.tensor([[9.0, 8.0, 1.0, 2.0], [9.0, 8.0, 7.0, 1.0]]))
    prune.custom_from_mask(model, "weight", torch.tensor([[0, 1, 1, 1], [0, 0, 0, 1]]))
    Session(model).apply("semi_structured", "weight")
    assert model.weight_mask.tolist() == [[0, 1, 0, 1], [0, 0, 0, 1]]


def test_nan_and_infinity_stay_before_numbers():
    model = linear(torch.tensor([[torch.nan, 1.0, torch.inf, 2.0], [torch.nan, torch.nan, torch.nan, 5.0]]))
    Session(model).apply("semi_structured", "weight")
    assert model.weight_mask.tolist() == [[1, 0, 1, 0], [0, 1, 1, 0]]


def test_the_history_is_torchs_and_ours_remembers_the_method():
    session = Session(nn.Linear(8, 2))
    session.apply("semi_structured", "weight", pattern="1:4")
    (hook,) = session.model._forward_pre_hooks.values()
    assert type(hook) is prune.CustomFromMask
    row = session.recorded()[hook]
    assert (row.method, row.settings, row.took) == ("CustomFromMask", "semi_structured(pattern=1:4, dim=1)", 12)


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (
            "weight",
            {},
            "weight is 2×6; axis 1 has 6, which is not a multiple of 4. Choose another dim or patt",
        ),
        ("weight", {"dim": 2}, "weight is 2×6; it has no axis 2, choose 0 to 1"),
        ("bias", {}, "bias is 2; it has no axis 1, choose 0"),
        ("weight", {"pattern": "4:2"}, "of N:M, N must be at least 1 and less than M"),
    ],
)
def test_what_cannot_be_grouped_says_so(target, settings, message):
    with pytest.raises(StepError, match=message):
        Session(nn.Linear(6, 2)).apply("semi_structured", target, **settings)


def test_an_empty_tensor_keeps_its_nothing():
    model = linear(torch.zeros(0, 4))
    Session(model).apply("semi_structured", "weight")
    assert model.weight_mask.shape == (0, 4)


def test_what_a_mask_scales_is_ranked_by_what_is_left_of_it():
    model = linear(torch.tensor([[8.0, 7.0, 3.0, 2.0]]))
    prune.custom_from_mask(model, "weight", torch.tensor([[0.25, 1.0, 1.0, 0.5]]))
    Session(model).apply("semi_structured", "weight")
    assert model.weight_mask.tolist() == [[0, 1, 1, 0]]
