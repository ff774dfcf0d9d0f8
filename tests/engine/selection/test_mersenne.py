"""numpy draws what torch would, and leaves torch's generator where it would be."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prune_tui.engine.selection import mersenne


def test_this_torch_draws_so() -> None:
    assert mersenne.usable()


@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    before=st.integers(0, 1300),
    sizes=st.lists(st.integers(0, 1300), min_size=1, max_size=4),
)
def test_the_same_numbers_and_the_same_state_afterwards(seed: int, before: int, sizes: list[int]) -> None:
    kept = torch.get_rng_state()
    try:
        torch.manual_seed(seed)
        torch.rand(before)
        state = torch.get_rng_state()
        wanted = [torch.rand(size) for size in sizes]
        after, normal = torch.get_rng_state(), torch.randn(3)
        torch.set_rng_state(state)
        found = [torch.empty(size) for size in sizes]
        with mersenne.Mersenne() as drawing:
            for out in found:
                drawing.rand(out)
        assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
        assert torch.equal(torch.get_rng_state(), after)
        assert torch.equal(torch.randn(3), normal)
    finally:
        torch.set_rng_state(kept)


def test_a_torch_that_draws_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mersenne, "_BITS", 23)
    before = torch.get_rng_state()

    assert not mersenne.usable.__wrapped__()
    assert torch.equal(torch.get_rng_state(), before)
