"""The quick choice of the smallest magnitudes is torch's, equal ones and NaN included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import selection
from prune_tui.engine.selection import smallest_masked


@pytest.fixture(autouse=True)
def _however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "SMALLEST", 1)
    monkeypatch.setattr(selection, "_PIECE", 7)
    monkeypatch.setattr(selection, "_SAMPLE", 16)


def torchs(values: torch.Tensor, mask: torch.Tensor | None, count: int) -> torch.Tensor:
    """The mask by torch's own classes."""
    module = nn.Module()
    module.register_parameter("weight", nn.Parameter(values.clone()))
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return prune.l1_unstructured(module, "weight", count).weight_mask


SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 0.25, -0.5, 3e38]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(
    entries=st.lists(st.sampled_from(SPECIAL) | st.floats(width=32), min_size=2, max_size=60),
    kept=st.lists(st.booleans(), min_size=60, max_size=60) | st.none(),
    share=st.floats(0, 1),
)
def test_the_mask_is_torchs(dtype, entries, kept, share) -> None:
    values = torch.tensor(entries, dtype=dtype)
    mask = None if kept is None else torch.tensor(kept[: len(entries)]).to(dtype)
    living = len(entries) if mask is None else int(mask.sum())
    count = int(share * living)
    # What is pruned already counts as 0 in the weight, but only the living are ranked.
    found = smallest_masked(values, mask, count)
    assert (found is None) == (count in {0, living})
    if found is not None:
        assert torch.equal(found, torchs(values, mask, count))
        assert found.dtype == dtype


def test_distinct_magnitudes_never_need_torch() -> None:
    values = torch.tensor(np.random.default_rng(1).permutation(5000) + 0.5, dtype=torch.float32).view(50, 100)
    for count in (1, 2, 100, 2500, 4998, 4999):
        assert torch.equal(smallest_masked(values, None, count), torchs(values, None, count))


@pytest.mark.parametrize("count", [0, 4])
def test_nothing_and_everything_are_left_to_torch(count: int) -> None:
    assert smallest_masked(torch.tensor([1.0, 2.0, 3.0, 4.0]), None, count) is None


@pytest.mark.parametrize("count", [10, 1000, 5000, 9000])
@pytest.mark.parametrize("masked", [False, True])
def test_among_equal_magnitudes_the_choice_is_topks(count: int, masked: bool) -> None:
    torch.manual_seed(count)
    values = torch.randint(-20, 20, (100, 100)).float()
    mask = (torch.rand(100, 100) < 0.95).float() if masked else None
    assert torch.equal(smallest_masked(values, mask, count), torchs(values, mask, count))


def test_a_sample_that_misleads_costs_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_bracket", lambda *_: (0, 0))
    values = torch.arange(1.0, 101.0)
    assert torch.equal(smallest_masked(values, None, 30), torchs(values, None, 30))


def test_other_dtypes_are_left_to_torch() -> None:
    assert smallest_masked(torch.ones(9, dtype=torch.bfloat16), None, 3) is None


def test_the_processs_generators_are_left_alone() -> None:
    state, numpys = torch.get_rng_state(), np.random.get_state()[1].tolist()
    smallest_masked(torch.randn(1000), None, 300)
    torch.set_rng_state(state)
    assert np.random.get_state()[1].tolist() == numpys


def test_sessions_use_it_on_tensors_of_any_size_with_torchs_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    torch.manual_seed(0)
    model, twin = nn.Linear(512, 512), nn.Linear(512, 512)
    twin.load_state_dict(model.state_dict())
    used = []
    quick = selection.smallest_masked
    monkeypatch.setattr(selection, "smallest_masked", lambda *given: used.append(quick(*given)) or used[-1])
    session = Session(model)
    for amount in (0.3, 0.5, 1000):
        session.apply("l1_unstructured", "weight", amount=amount)
        prune.l1_unstructured(twin, "weight", amount=amount)
        assert torch.equal(model.weight_mask, twin.weight_mask)
    session.apply("global_unstructured", ["weight", "bias"], amount=0.2)
    prune.global_unstructured([(twin, "weight"), (twin, "bias")], prune.L1Unstructured, amount=0.2)
    assert torch.equal(model.weight_mask, twin.weight_mask)
    assert torch.equal(model.bias_mask, twin.bias_mask)
    assert any(mask is not None for mask in used)
