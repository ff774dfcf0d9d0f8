"""Floats as integers: the same order, exact borders between dtypes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prune_tui.engine.selection import magnitudes
from prune_tui.engine.selection.magnitudes import KINDS

HALVES = [torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", KINDS)
def test_patterns_are_ordered_as_their_magnitudes(dtype):
    kind = KINDS[dtype]
    numbers = torch.tensor([0.0, 6e-8, 0.5, 1.0, 1.5, 60000.0, torch.inf, torch.nan], dtype=dtype)
    patterns = magnitudes.words(-numbers) & kind.most
    assert (patterns[1:] > patterns[:-1]).all()
    assert patterns[3] == kind.one
    assert patterns[6] == kind.infinite
    assert patterns[7] > kind.infinite
    assert magnitudes.number(int(patterns[4]), dtype) == 1.5


@pytest.mark.parametrize("dtype", HALVES)
@given(word=st.integers(-1, KINDS[torch.float32].infinite))
def test_a_border_in_a_wide_dtype_is_the_same_border_in_a_narrow_one(dtype, word):
    kind, found = KINDS[dtype], magnitudes.narrowed(word, torch.float32, dtype)
    if word < 0:
        assert found == -1
        return
    border = magnitudes.number(word, torch.float32)
    assert found < 0 or magnitudes.number(found, dtype) <= border
    assert found == kind.infinite or magnitudes.number(found + 1, dtype) > border


@pytest.mark.parametrize("dtype", HALVES)
def test_what_is_above_infinity_is_above_everything(dtype):
    assert magnitudes.narrowed(KINDS[torch.float32].infinite + 1, torch.float32, dtype) == KINDS[dtype].most
    assert magnitudes.narrowed(5, dtype, dtype) == 5


@pytest.mark.parametrize("dtype", HALVES)
def test_patterns_are_widened_to_the_same_numbers(dtype):
    row = torch.tensor([0.5, 3.0, torch.inf], dtype=dtype)
    wide = magnitudes.widened(magnitudes.words(row), dtype, torch.float32)
    assert [magnitudes.number(int(word), torch.float32) for word in wide] == [0.5, 3.0, torch.inf]
