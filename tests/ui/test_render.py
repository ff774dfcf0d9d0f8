"""How one entry is written."""

from __future__ import annotations

import math

import pytest

from prune_tui.ui.render import NumberFormat, cell, number_format
from prune_tui.views import ALIVE, MASKED, NEWLY_MASKED, WOULD_GO, Statistics

THREE = NumberFormat(digits=6, decimals=3)


def statistics(minimum: float, maximum: float, rms: float) -> Statistics:
    return Statistics(elements=10, masked=0, minimum=minimum, maximum=maximum, rms=rms)


@pytest.mark.parametrize(
    ("state", "written"),
    [(ALIVE, "-0.127"), (WOULD_GO, "(-0.127)"), (NEWLY_MASKED, "×-0.127"), (MASKED, "×")],
)
def test_the_four_states_differ_without_colour(state: int, written: str) -> None:
    value = -0.127 if state in {ALIVE, WOULD_GO} else 0.0
    text = cell(value, -0.127, state, "effective", THREE)
    assert text.strip() == written
    assert len(text) == THREE.cell


def test_a_natural_zero_is_a_number_and_a_masked_entry_is_not() -> None:
    assert cell(0.0, 0.0, ALIVE, "effective", THREE).strip() == "0.000"
    assert cell(0.0, 0.0, MASKED, "effective", THREE).strip() == "×"


def test_the_original_of_a_masked_entry_is_a_number_in_the_view_of_originals() -> None:
    assert cell(0.25, None, MASKED, "orig", THREE).strip() == "0.250"


def test_the_mask_is_ones_and_crosses() -> None:
    form = number_format(None, "float32", "mask")
    assert cell(1.0, None, ALIVE, "mask", form).strip() == "1"
    assert cell(0.0, None, MASKED, "mask", form).strip() == "×"
    assert cell(1.0, None, WOULD_GO, "mask", form).strip() == "(1)"


def test_no_change_is_a_dot() -> None:
    assert cell(0.0, None, ALIVE, "step", THREE).strip() == "·"
    assert cell(-0.25, None, MASKED, "step", THREE).strip() == "-0.250"


@pytest.mark.parametrize(("value", "written"), [(math.nan, "NaN"), (math.inf, "Inf"), (-math.inf, "-Inf")])
def test_what_is_no_number_says_so(value: float, written: str) -> None:
    assert cell(value, None, ALIVE, "effective", THREE).strip() == written


@pytest.mark.parametrize(
    ("minimum", "maximum", "rms", "value", "written"),
    [
        (-0.3, 0.7, 0.25, 0.12345, "0.123"),
        (-0.03, 0.07, 0.02, 0.012345, "0.0123"),
        (-120.0, 80.0, 40.0, 12.345, "12.35"),
        (-1e-6, 1e-6, 1e-7, 1.5e-7, "1.50e-07"),
        (-1e9, 1e9, 1e8, -1.5e8, "-1.50e+08"),
        (0.0, 0.0, 0.0, 0.0, "0.00"),
    ],
)
def test_the_typical_entry_has_three_significant_digits(minimum, maximum, rms, value, written) -> None:
    form = number_format(statistics(minimum, maximum, rms), "float32", "effective")
    text = cell(value, None, ALIVE, "effective", form)
    assert text.strip() == written
    assert len(text) == form.cell


def test_the_longest_entry_fits_its_cell_in_brackets() -> None:
    form = number_format(statistics(-99_999.0, 10.0, 3.0), "float32", "effective")
    assert len(cell(-99_999.0, None, WOULD_GO, "effective", form)) == form.cell


def test_integers_have_no_decimals() -> None:
    form = number_format(statistics(-3, 1200, 500), "int64", "effective")
    assert cell(1200, None, ALIVE, "effective", form).strip() == "1200"


def test_a_tiny_negative_number_is_not_written_as_a_negative_zero() -> None:
    assert THREE.text(-0.0001) == "0.000"
