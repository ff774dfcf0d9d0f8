import math

import pytest

from prune_tui.ui.numbers import bar, counted, human_count, percent, precise, significant


@pytest.mark.parametrize(
    ("n", "written"),
    [
        (0, "0"),
        (880, "880"),
        (999, "999"),
        (1_000, "1.0k"),
        (60_074, "60.1k"),
        (999_949, "999.9k"),
        (999_950, "1.0M"),
        (1_200_000, "1.2M"),
        (124_439_808, "124.4M"),
        (6_738_415_616, "6.7B"),
        (1_500_000_000_000, "1.5T"),
        (2_000_000_000_000_000, "2000.0T"),
    ],
)
def test_counts_are_short(n: int, written: str) -> None:
    assert human_count(n) == written


def test_counts_fit_in_six_cells() -> None:
    assert max(len(human_count(n)) for power in range(1, 15) for n in (10**power, 10**power - 1)) == 6


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (0, 60, "0.0%"),
        (0, 0, "0.0%"),
        (35, 60, "58.3%"),
        (35, 60_074, "0.1%"),
        (1, 3, "33.3%"),
        (1, 2_001, "<0.1%"),
        (1, 2_000, "0.1%"),
        (1, 10**12, "<0.1%"),
        (999, 1_000, "99.9%"),
        (1_999, 2_000, ">99.9%"),
        (10**17 - 1, 10**17, ">99.9%"),
        (60, 60, "100.0%"),
    ],
)
def test_percent_says_none_and_all_only_when_it_is(part: int, whole: int, written: str) -> None:
    assert percent(part, whole) == written


@pytest.mark.parametrize(
    ("part", "whole", "width", "drawn"),
    [
        (0, 54, 4, "    "),
        (0, 0, 4, "    "),
        (1, 10**9, 4, "▏   "),
        (1, 2, 4, "██  "),
        (35, 60, 4, "██▎ "),
        (10**9 - 1, 10**9, 4, "███▉"),
        (54, 54, 4, "████"),
        (1, 2, 1, "▌"),
        (1, 2, 0, ""),
    ],
)
def test_bar_is_empty_and_full_only_when_it_is(part: int, whole: int, width: int, drawn: str) -> None:
    assert bar(part, whole, width) == drawn


def test_bar_never_shrinks_while_the_part_grows() -> None:
    order = " ▏▎▍▌▋▊▉█"
    drawn = [[order.index(cell) for cell in bar(part, 100, 4)] for part in range(101)]
    assert drawn == sorted(drawn)
    assert {len(cells) for cells in drawn} == {4}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.5, "0.500"),
        (-0.00123, "-0.0012"),
        (0.0009996, "1.00e-3"),
        (12.0, "12.0"),
        (99.96, "100"),
        (-12345.6, "-12346"),
        (99999.7, "1.00e5"),
        (1.5e-5, "1.50e-5"),
        (-1.6e-15, "-2e-15"),
        (1e30, "1.00e30"),
        (math.nan, "NaN"),
        (-math.inf, "-Inf"),
    ],
)
def test_three_significant_digits_in_seven_cells(value, text):
    assert significant(value) == text
    assert len(text) <= 7


@pytest.mark.parametrize(
    ("number", "thing", "told"),
    [
        (1, "step", "1 step"),
        (2, "step", "2 steps"),
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (1200, "entry", "1,200 entries"),
        (3, "key", "3 keys"),
    ],
)
def test_one_is_one_and_several_are_several(number: int, thing: str, told: str) -> None:
    assert counted(number, thing) == told


def test_what_is_no_number_is_spelt_in_one_way() -> None:
    assert [precise(value) for value in (math.nan, math.inf, -math.inf, 0.25)] == ["NaN", "Inf", "-Inf", "0.25"]
    assert precise(0.5, "+.4g") == "+0.5"
