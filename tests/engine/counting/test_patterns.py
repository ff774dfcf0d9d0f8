"""Counting by bit patterns: every one of 8 and 16 bits stands for itself, of float32 for what is within 0.4%."""

import math

import numpy as np
import pytest
import torch

from prune_tui.engine.counting import patterns

OF_ALL_BITS = [
    torch.bool,
    torch.int8,
    torch.uint8,
    torch.int16,
    torch.uint16,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2,
    torch.float8_e5m2fnuz,
]


def every_entry(dtype):
    """Each value of a dtype, as many times as it has patterns."""
    if dtype is torch.bool:
        return torch.tensor([False, True])
    integers = torch.int8 if dtype.itemsize == 1 else torch.int16
    return torch.arange(1 << 8 * dtype.itemsize).to(integers).view(dtype)


@pytest.mark.parametrize("dtype", OF_ALL_BITS, ids=str)
def test_each_pattern_stands_for_its_value(dtype):
    entries = every_entry(dtype)
    coding = patterns.coding(dtype)
    assert coding.exact
    found = coding.distribution(np.pad(patterns.counts(entries, None, coding.size), ((0, 1), (0, 0))))
    values = entries.double().numpy()
    finite = np.sort(values[np.isfinite(values)])
    assert np.repeat(found.lowest, found.kept).tolist() == finite.tolist()
    assert found.highest.tolist() == found.lowest.tolist()


def test_a_float32_lies_within_half_a_percent_of_the_middle_of_its_pattern():
    entries = torch.randn(5000) * 10.0 ** torch.linspace(-30, 30, 5000)
    coding = patterns.coding(torch.float32)
    for entry in entries[::50]:
        counts = np.pad(patterns.counts(entry.reshape(1), None, coding.size), ((0, 1), (0, 0)))
        found = coding.distribution(counts)
        (low,), (high,) = found.lowest, found.highest
        assert low <= float(entry) <= high
        assert (low + high) / 2 == pytest.approx(float(entry), rel=0.004)


def test_patterns_of_float32_ascend_and_do_not_overlap():
    coding = patterns.coding(torch.float32)
    lowest, highest = coding.lowest[coding.ascending], coding.highest[coding.ascending]
    assert (lowest <= highest).all()
    assert (highest[:-1] <= lowest[1:]).all()
    assert {float(coding.lowest[zero]) for zero in coding.zeros} == {0.0}


def test_wider_numbers_are_counted_as_float32():
    coding = patterns.coding(torch.float64)
    wide = torch.tensor([1.5, -2.0, 0.0, math.nan, math.inf], dtype=torch.float64)
    found, expected = (patterns.counts(values, None, coding.size) for values in (wide, wide.float()))
    assert found.tolist() == expected.tolist()


def test_kept_and_masked_are_counted_apart():
    values, gone = torch.tensor([1, 1, 2, 1], dtype=torch.uint8), np.array([False, True, True, False])
    kept, masked = patterns.counts(values, gone, 256)
    assert {at: n for at, n in enumerate(kept) if n} == {1: 2}
    assert {at: n for at, n in enumerate(masked) if n} == {1: 1, 2: 1}


@pytest.mark.parametrize("dtype", [*OF_ALL_BITS, torch.float32], ids=str)
def test_what_is_multiplied_with_zero_becomes_zero_or_nan(dtype):
    coding = patterns.coding(dtype)
    entries = torch.tensor([0, 1]).to(dtype)
    if dtype.is_floating_point:
        entries = torch.tensor([0.0, -3.0, math.inf, math.nan]).to(dtype)
    product = (entries.float() * 0).to(dtype)
    (before,), (after,) = (patterns.counts(values, None, coding.size) for values in (entries, product))
    values = coding.lowest[coding.masked(before) > 0]
    assert np.isnan(values).any() == np.isnan(coding.lowest[after > 0]).any()
    assert int(coding.masked(before)[list(coding.zeros)].sum()) == int(after[list(coding.zeros)].sum())


def test_any_byte_but_zero_is_true():
    entries = torch.tensor([0, 1, 2, 255], dtype=torch.uint8).view(torch.bool)
    coding = patterns.coding(torch.bool)
    found = coding.distribution(np.pad(patterns.counts(entries, None, coding.size), ((0, 1), (0, 0))))
    assert np.repeat(found.lowest, found.kept).tolist() == [0, 1, 1, 1]
