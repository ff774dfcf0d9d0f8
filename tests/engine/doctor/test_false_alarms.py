"""What looks like a finding and is none."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.doctor import examine
from tests.engine.doctor.ailing import AILING, Doubling, linear


def found(model, name):
    return [one for one in examine(model).findings if one.check == name]


class Masking(nn.Sequential):
    """A person's, with a mask that torch's pruning has nothing to do with."""

    def __init__(self):
        super().__init__()
        self.w_orig = nn.Parameter(torch.ones(2, 2))
        self.register_buffer("w_mask", torch.eye(2))

    def forward(self, x):
        return x @ (self.w_orig * self.w_mask)


def test_an_original_and_a_mask_of_a_persons_own_are_no_lost_pruning():
    assert examine(Masking()).findings == ()
    Session(Masking()).apply("l1_unstructured", "w_orig", amount=1)


def test_half_pruned_is_told_by_the_attribute_or_by_what_torch_builds():
    model = Masking()
    model.w = model.w_orig * model.w_mask
    assert found(model, "half-pruned")
    model = AILING["half-pruned"][0]()
    del model.weight
    assert found(model, "half-pruned")


def test_a_hook_that_computes_otherwise_is_not_stale():
    module = linear()
    Doubling.apply(module, "weight")
    for _ in range(2):
        assert not found(module, "stale")
        prune.l1_unstructured(module, "bias", amount=1)
    prune.identity(module, "weight")  # in a container, torch multiplies
    assert not found(module, "stale")
    with torch.no_grad():
        module.weight_orig.add_(1)
    assert found(module, "stale")


def test_parameters_that_somebody_added_are_in_no_wrong_order():
    model = nn.Sequential(linear(), nn.MultiheadAttention(4, 2))
    model[0].register_parameter("lora_weight", nn.Parameter(torch.ones(2)))
    model[1].register_parameter("adapter_weight", nn.Parameter(torch.ones(2)))
    model.append(nn.ParameterDict({"bias": nn.Parameter(torch.ones(2)), "weight": nn.Parameter(torch.ones(2))}))
    assert examine(model).findings == ()
    prune.l1_unstructured(model[0], "lora_weight", amount=1)
    assert not found(model, "reordered")
    prune.l1_unstructured(model[0], "weight", amount=1)
    assert found(model, "reordered")


NORMS = {
    "fresh": (lambda: nn.BatchNorm2d(4), 0),
    "without parameters": (lambda: nn.InstanceNorm2d(4), 0),
    "bias": (lambda: filled(nn.BatchNorm2d(4), bias=1), 2),
    "mean": (lambda: filled(nn.BatchNorm2d(4, affine=False), running_mean=1), 2),
    "mean, gain of zero": (lambda: filled(nn.BatchNorm2d(4), running_mean=1, weight=0), 0),
    "mean of one channel": (lambda: filled(nn.BatchNorm2d(4), running_mean=torch.tensor([1.0, 0, 0, 0])), 1),
    "batch statistics": (lambda: filled(nn.BatchNorm2d(4, track_running_stats=False), bias=1), 2),
    "not initialised": (nn.LazyBatchNorm2d, 0),
    "meta": (lambda: nn.BatchNorm2d(4, device="meta"), 0),
}


def filled(norm, **tensors):
    with torch.no_grad():
        for name, value in tensors.items():
            getattr(norm, name).copy_(torch.as_tensor(value))
    return norm


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_is_told_where_it_makes_something_of_zeros(name):
    make, channels = NORMS[name]
    model = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), make()).eval()
    prune.custom_from_mask(model[0], "weight", torch.tensor([0, 0, 1, 1]).view(4, 1, 1, 1).expand(4, 2, 3, 3))
    told = found(model, "still-flowing")
    assert [one.means[: one.means.index(" output")] for one in told] == [f"{channels} of 4"] * bool(channels)
    if name not in {"not initialised", "meta"}:
        flows = (model(torch.randn(2, 2, 5, 5)) != 0).any(dim=3).any(dim=2).any(dim=0)
        assert int(flows[:2].sum()) == channels
