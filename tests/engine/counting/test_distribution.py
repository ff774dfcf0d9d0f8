"""What follows from knowing how many values lie where: quantiles as torch has them, and a histogram."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prune_tui.engine.counting.distribution import BINS, Distribution
from prune_tui.views import QUANTILES


def of_values(*values, gone=None):
    row = np.array(values, dtype=np.float64)
    return Distribution.of_values(row, np.zeros(row.size, np.bool_) if gone is None else np.array(gone))


def ranges(lowest, highest, kept):
    counts = np.array(kept)
    return Distribution(np.array(lowest, float), np.array(highest, float), counts, np.zeros_like(counts))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_quantiles_are_those_of_torch(values):
    at = torch.tensor(QUANTILES, dtype=torch.float64)
    expected = torch.quantile(torch.tensor(values, dtype=torch.float64), at).tolist()
    assert of_values(*values).quantiles(min(values), max(values)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_quantile_of_a_range_is_its_middle_but_never_beyond_the_ends():
    told = ranges([0, 4], [2, 6], [100, 100]).quantiles(0.5, 4.5)
    assert dict(zip(QUANTILES, told, strict=True))[0.25] == 1
    assert dict(zip(QUANTILES, told, strict=True))[0.75] == 4.5


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60))
def test_each_value_is_in_the_bin_it_belongs_to(values):
    low, high = min(values), max(values)
    histogram = of_values(*values).histogram(low, high)
    if low == high:
        assert histogram.kept == (len(values),)
        return
    expected = [0] * BINS
    for value in values:
        expected[min((value - low) * BINS // (high - low), BINS - 1)] += 1
    # A value on a border may be put on either side of it.
    assert np.abs(np.cumsum(histogram.kept) - np.cumsum(expected)).max() <= max(map(values.count, values))
    assert sum(histogram.kept) == len(values)


def test_kept_and_masked_have_bins_of_their_own():
    histogram = of_values(0, 0, 1, gone=[True, False, True]).histogram(0, 1)
    assert (histogram.kept[0], histogram.masked[0], histogram.masked[-1]) == (1, 1, 1)
    assert (sum(histogram.kept), sum(histogram.masked)) == (1, 2)


def test_nothing_masked_has_no_row_of_zeros():
    assert of_values(1, 2).histogram(1, 2).masked == ()


def test_a_range_wider_than_a_bin_fills_all_it_covers():
    histogram = ranges([0, 0.5], [0.5, 1], [12_800, 1_280]).histogram(0, 1)
    assert set(histogram.kept[: BINS // 2]) == {100}
    assert set(histogram.kept[BINS // 2 :]) == {10}


def test_no_entry_is_lost_by_sharing_out():
    histogram = ranges([0, 0.1, 0.7], [0.1, 0.3, 1.5], [1, 1, 1]).histogram(0, 1)
    assert sum(histogram.kept) == 3


def test_nothing_has_neither():
    assert of_values(np.nan, np.inf).quantiles(0, 0) == ()
    assert of_values().histogram(0, 0) is None


def test_neighbouring_numbers_have_a_histogram():
    low, high = 1.0, np.nextafter(1.0, 2)
    assert sum(of_values(low, high).histogram(low, high).kept) == 2
