"""What the process sets as torch's default dtype and device changes no mask."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from prune_tui import Session
from prune_tui.engine.selection import magnitudes, product
from tests.engine.fingerprints import by_torch, like_torch

STEPS: dict[str, dict[str, Any]] = {
    "l1_unstructured": {"amount": 0.3},
    "random_unstructured": {"amount": 0.3},
    "ln_structured": {"amount": 0.3, "n": 2, "dim": 0},
    "random_structured": {"amount": 0.3, "dim": 0},
    "global_unstructured": {"amount": 0.3},
}
TARGETS = ["0.weight", "1.weight"]


def models(*dtypes: torch.dtype) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(20, 20, device="cpu", dtype=dtype) for dtype in dtypes))
    return model, copy.deepcopy(model)


@contextlib.contextmanager
def defaults(*, dtype: torch.dtype = torch.float32, device: str | None = None) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def prune_twice(model: nn.Module, twin: nn.Module, method: str) -> None:
    session = Session(model)
    for seed in range(2):  # on a mask of its own, too
        drawn = {"seed": seed} if "random" in method else {}
        session.apply(method, TARGETS, **STEPS[method], **drawn)
        by_torch(twin, method, TARGETS, STEPS[method], drawn.get("seed"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("method", STEPS)
def test_with_another_default_dtype_masks_are_torchs(method: str, dtype: torch.dtype) -> None:
    with defaults(dtype=dtype):
        model, twin = models(torch.float32, torch.float32)
        prune_twice(model, twin, method)
        like_torch(model, twin)


@pytest.mark.parametrize("method", STEPS)
@pytest.mark.parametrize("other", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_with_another_default_device_masks_are_as_without(method: str, other: torch.dtype) -> None:
    if method == "random_structured":
        other = torch.float32  # others are left to torch, which masks everything there
    model, twin = models(torch.float32, other)
    prune_once = {**STEPS[method], **({"seed": 3} if "random" in method else {})}
    with defaults(device="meta"):
        session = Session(model)
        session.apply(method, TARGETS, **prune_once)
        session.apply("remove", TARGETS[0])
        session.undo()
    Session(twin).apply(method, TARGETS, **prune_once)
    for (name, left), (_, right) in zip(model.state_dict().items(), twin.state_dict().items(), strict=True):
        assert left.device.type == "cpu", name
        assert torch.equal(left, right), name


def test_patterns_and_denormals_are_told_on_the_cpu() -> None:
    with defaults(dtype=torch.float64, device="meta"):
        assert not product.flushes()
        for dtype, kind in magnitudes.KINDS.items():
            assert magnitudes.number(kind.one, dtype) == 1
            assert magnitudes._kind(dtype) == kind
        one = magnitudes.KINDS[torch.float32].one
        assert magnitudes.narrowed(one, torch.float32, torch.float16) == magnitudes.KINDS[torch.float16].one
