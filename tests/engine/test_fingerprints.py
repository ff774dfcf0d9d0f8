from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import fingerprints


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def test_the_same_model_has_the_same_fingerprint_wherever_its_strides_and_statistics_are() -> None:
    model = net()
    model(torch.randn(2, 1, 4, 4))  # moves the BatchNorm's running statistics

    assert fingerprints.of_model(model) == fingerprints.of_model(net().to(memory_format=torch.channels_last))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model[3].weight.data.mul_(1.001),
        lambda model: model[3].bias.data[1].add_(1e-6),
        lambda model: model.half(),
        lambda model: model.append(nn.Linear(2, 2)),
        lambda model: prune.identity(model[0], "weight"),
        lambda model: setattr(model[0], "bias", None),
    ],
    ids=["trained", "one entry", "retyped", "a layer more", "pruned", "no bias"],
)
def test_a_changed_model_has_another(change: object) -> None:
    model = net()
    change(model)  # type: ignore[operator]

    assert fingerprints.of_model(model) != fingerprints.of_model(net())


def test_two_masks_of_one_model_differ() -> None:
    one, other = net(), net()
    prune.l1_unstructured(one[3], "weight", amount=3)
    prune.l1_unstructured(other[3], "weight", amount=4)

    assert fingerprints.of_model(one) != fingerprints.of_model(other)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.complex64, torch.bool, torch.int8])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (100, 101)])
def test_any_tensor_has_one(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    module = nn.Module()
    module.register_parameter("weight", nn.Parameter(torch.zeros(shape).to(dtype), requires_grad=False))

    assert len(fingerprints.of_model(module)) == 64


def test_models_without_values_have_one_too() -> None:
    assert fingerprints.of_model(nn.LazyLinear(3)) != fingerprints.of_model(nn.Linear(2, 3, device="meta"))
