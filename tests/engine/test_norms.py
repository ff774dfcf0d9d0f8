import math

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.norms import norms
from prune_tui.engine.outline import outline
from prune_tui.engine.session import Session


def by_path(model):
    return dict(zip((row.path for row in outline(model)), norms(Session(model)).norms, strict=True))


def naive(module):
    values = [one.detach().double().flatten() for one in module.parameters()]
    return float(torch.cat(values).norm()) if values else 0.0


def test_each_module_has_the_norm_of_all_that_is_in_it():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Linear(700, 700)))
    told = by_path(model)
    assert told == pytest.approx({path: naive(module) for path, module in model.named_modules()})


def test_masked_entries_add_nothing_and_what_is_not_finite_is_left_out():
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0], [math.nan, -math.inf]]))
    assert by_path(model) == {"": 5, "0": 5}
    prune.custom_from_mask(model[0], "weight", torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert by_path(model) == {"": 3, "0": 3}


def test_shared_tensors_and_modules_count_once():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.Sequential())
    model[1].weight = model[0].weight
    model[2].add_module("again", model[0])
    nn.init.ones_(model[0].weight)
    prune.l1_unstructured(model[1], "weight", 3)
    assert by_path(model) == {"": 1, "0": 2, "1": 1, "2": 2, "2.again": 2}


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.bfloat16, torch.complex64, torch.int8, torch.bool])
def test_every_dtype_has_a_norm(dtype):
    model = nn.Module()
    model.weight = nn.Parameter(torch.tensor([1, 0, 1, 1, 1]).to(dtype), requires_grad=False)
    assert by_path(model) == {"": 2}


def test_tensors_without_values_add_nothing():
    model = nn.Sequential(nn.LazyLinear(2), nn.Linear(2, 2, device="meta"), nn.Linear(2, 0))
    assert set(by_path(model).values()) == {0}


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        norms(Session(nn.Linear(2, 2)), iter([False, True]).__next__)
