"""Moments: of numbers or of counts the same, whole or in pieces."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune_tui.engine.counting.moments import Moments, finite_ones

numbers = st.lists(st.integers(-50, 50) | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=40)


def of_numbers(values):
    return Moments.of_numbers(np.array(values, dtype=np.float64))


def of_counts(values):
    distinct, counts = np.unique(np.array(values, dtype=np.float64), return_counts=True)
    return Moments.of_counts(distinct, counts)


def figures(moments):
    return (moments.nans, moments.infinities, moments.finite, moments.minimum, moments.maximum)


@given(numbers, numbers)
def test_of_counts_in_pieces_or_whole_they_are_the_same(some, others):
    whole, pieces = of_numbers(some + others), of_numbers(some)
    pieces.add(of_numbers(others))
    for told in (pieces, of_counts(some + others)):
        assert figures(told) == figures(whole)
        assert told.rms == (None if whole.rms is None else pytest.approx(whole.rms, abs=1e-9))
        assert told.std == (None if whole.std is None else pytest.approx(whole.std, abs=1e-9))


def test_of_values_that_occur_often():
    told = Moments.of_counts(np.array([-1.0, 0.0, 3.0]), np.array([3_000_000, 0, 1_000_000]))
    assert (told.mean, told.minimum, told.maximum, told.finite) == (0, -1, 3, 4_000_000)
    assert told.rms == pytest.approx(math.sqrt(3))


def test_the_finite_ones_of_nothing_have_the_ends_the_wrong_way_round():
    for values in ([], [math.nan], [math.inf, -math.inf]):
        found, low, high = finite_ones(np.array(values))
        assert (found.size, low, high) == (0, math.inf, -math.inf)
