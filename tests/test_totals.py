"""Amounts that name a total, read, written and spread over a schedule."""

import math
from fractions import Fraction

import hypothesis.strategies as st
import pytest
from hypothesis import given

from prune_tui import totals
from prune_tui.totals import Total


@pytest.mark.parametrize(
    ("text", "written", "now"),
    [
        ("to 80%", "to 80%", Fraction(4, 5)),
        (" to .8 ", "to 80%", Fraction(4, 5)),
        ("=80%", "to 80%", Fraction(4, 5)),
        ("to 33.3%", "to 33.3%", Fraction(333, 1000)),
        ("to 1", "to 100%", 1),
        ("to 0", "to 0%", 0),
        ("to 80% 2/5", "to 80% 2/5", Fraction(4, 5) * (1 - Fraction(27, 125))),
        ("to 80% 5 / 5", "to 80% 5/5", Fraction(4, 5)),
        ("to 80% 1/1", "to 80%", Fraction(4, 5)),
    ],
)
def test_totals_are_read_and_written(text, written, now):
    total = totals.read(text)
    assert (str(total), total.after(0, 1)) == (written, now)
    assert totals.read(str(total)) == total


@pytest.mark.parametrize("text", ["80%", "to", "to 80 %x", "half", "to -1", "to 80% 2", "", "to ٣%"])
def test_what_is_no_total(text):
    assert totals.read(text) is None


@pytest.mark.parametrize("text", ["to 2", "to 101%", "to 80% 0/5", "to 80% 6/5", "to 80% 0/0"])
def test_totals_that_cannot_be(text):
    with pytest.raises(ValueError, match=r"a total lies between|has no step"):
        totals.read(text)


def test_notches():
    assert [str(Total(Fraction(9, 10)).nudged(direction)) for direction in (1, -1)] == ["to 95%", "to 85%"]
    assert str(Total(Fraction(1)).nudged(1)) == "to 100%"
    assert [str(Total(Fraction(4, 5), 2, 3).nudged(direction)) for direction in (1, -1)] == [
        "to 80% 3/3",
        "to 80% 1/3",
    ]
    assert str(Total(Fraction(4, 5), 3, 3).nudged(1)) == "to 80% 3/3"


def now(text):
    """The share that a total names, of entries of which none is masked."""
    return float(totals.read(text).after(0, 10**6))


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 40))
def test_a_schedule_begins_at_what_is_masked_when_it_begins(one, other, steps):
    start, end = sorted((one, other))
    masked = start * 1000
    for step, amount in enumerate(totals.cubic(end / 100, steps, start / 100), start=1):
        total = totals.read(f"to {end}% {step}/{steps}")
        masked = max(masked, math.ceil(total.after(masked, 100_000) * 100_000))
        assert masked == pytest.approx(now(amount) * 100_000, abs=1 + steps)  # each rounds up
    assert masked == end * 1000


def test_a_later_step_on_what_is_not_pruned_is_that_of_a_schedule_from_none():
    assert totals.read("to 80% 3/5").after(0, 100) == Fraction(4, 5) * (1 - Fraction(8, 125))


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100), st.integers(1, 9), st.integers(1, 9))
def test_more_masked_before_is_never_less_afterwards(share, masked, more, step, steps):
    total = Total(Fraction(share, 100), min(step, steps), steps)
    assert total.after(masked, 100) <= total.after(min(100, masked + more), 100)
    assert total.after(masked, 100) <= total.share


def test_channels_that_come_to_more_than_a_step_wanted_do_not_hurry_the_next():
    total = totals.read("to 80% 2/5")  # the first comes to 39.04%, which takes 3 channels of 6
    assert total.after(300, 600, unit=100) == total.after(0, 600)
    assert total.after(300, 600) > total.after(0, 600)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 40))
def test_the_cubic_schedule_is_that_of_its_paper(one, other, steps):
    start, end = sorted((one / 100, other / 100))
    amounts = [now(text) for text in totals.cubic(end, steps, start)]
    for step, share in enumerate(amounts, start=1):
        assert share == pytest.approx(end + (start - end) * (1 - step / steps) ** 3, abs=1e-9)
    assert amounts == sorted(amounts)
    assert amounts[-1] == pytest.approx(end)


def test_a_step_of_a_schedule_is_that_of_the_whole_one():
    for step, text in enumerate(totals.cubic(0.8, 5), start=1):
        assert float(totals.read(f"to 80% {step}/5").after(0, 100)) == pytest.approx(now(text))


@pytest.mark.parametrize(("share", "steps", "start"), [(1.1, 3, 0), (0.5, 0, 0), (0.5, 3, 0.6), (0.5, 3, -0.1)])
def test_schedules_that_cannot_be(share, steps, start):
    with pytest.raises(ValueError, match="0 <= start <= share <= 1"):
        totals.cubic(share, steps, start)


@pytest.mark.parametrize("text", ["to 0.00001%", "to 0.000000012%", "to 0.00001% 2/3"])
def test_small_totals_are_written_as_they_are_read(text):
    assert str(totals.read(text)) == text


def test_a_small_schedule_can_be_read():
    assert all(totals.read(text) is not None for text in totals.cubic(1e-6, 3))
