"""Histograms from tensor to cells: golden files, and what each part looks like."""

import io
import math

import pytest
import torch
from rich.console import Console
from rich.segment import Segments

from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.statistics import statistics
from prune_tui.ui.pictures.histogram import lines
from prune_tui.ui.pictures.inks import ink
from prune_tui.ui.pictures.look import Look
from prune_tui.views import Histogram, Statistics
from tests.ui.pictures.golden_files import LOOKS, check

WIDTH, HEIGHT = 46, 11
"""Of the golden pictures."""
PLAIN = Look("none")


def evenly_normal(entries):
    """What is drawn from a normal distribution, without chance."""
    return torch.special.ndtri((torch.arange(entries, dtype=torch.float64) + 0.5) / entries).float()


def told(values, kept=None):
    return statistics(Layers(values, kept, "effective"), never)


def pruned():
    values = evenly_normal(4000)
    return told(values, (values.abs() > 0.5).float())


# Name: statistics, logarithmic counts, threshold, up to which entries would go.
PICTURES = {
    "normal": lambda: (told(evenly_normal(4000)), False, None),
    "threshold": lambda: (told(evenly_normal(4000)), True, 0.75),
    "pruned": lambda: (pruned(), False, 0.9),
    "previewed": lambda: (pruned(), False, 0.9, True),
    "constant": lambda: (told(torch.full((50,), 0.25)), False, 0.1),
    "empty": lambda: (told(torch.empty(0, 5)), False, None),
    "nan-inf": lambda: (told(torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0, 2.0])), False, None),
    "only-nan": lambda: (told(torch.full((3,), math.nan)), False, None),
    "bool": lambda: (told(evenly_normal(400) > 0.5), False, None),
}


def picture(name, look):
    found, log, threshold, *previewed = PICTURES[name]()
    return lines(found, look, WIDTH, HEIGHT, log=log, threshold=threshold, previewed=bool(previewed))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PICTURES)
def test_golden(name, look):
    check(f"histogram-{name}-{look}", picture(name, LOOKS[look]))


def counted(kept, masked=(), **others):
    """Statistics with a histogram of so many bins from 0 up."""
    histogram = Histogram(0.0, float(len(kept)), tuple(kept), tuple(masked))
    return Statistics(sum(kept) + sum(masked), sum(masked), histogram=histogram, **others)


def text(found):
    return ["".join(segment.text for segment in line) for line in found]


def drawn(found, width, height, look=PLAIN, *, log=False, threshold=None, previewed=False):
    return text(lines(found, look, width, height, log=log, threshold=threshold, previewed=previewed))


def bars(found, width, rows, **others):
    """The bars alone, in so many columns and lines."""
    return [line[7:] for line in drawn(found, width + 7, rows + 2, **others)[:rows]]


def test_a_bar_is_as_tall_as_its_count_and_never_nothing_for_something():
    assert bars(counted([1000, 500, 250, 1, 0]), 5, 2) == ["█    ", "██▄▁ "]


def test_on_a_logarithmic_axis_few_are_seen_beside_many():
    assert bars(counted([10**6, 10**3, 1]), 3, 2, log=True) == ["█  ", "██▁"]
    assert "log counts" in drawn(counted([10, 1]), 40, 5, log=True)[-1]


def test_what_is_masked_is_shaded_above_what_is_kept():
    assert bars(counted([8, 4, 0], [0, 4, 8]), 3, 4) == ["█░░", "█░░", "██░", "██░"]
    assert bars(counted([8, 4, 0], [0, 4, 8]), 3, 4, look=Look(ascii=True)) == ["#::", "#::", "##:", "##:"]


def test_what_would_go_is_shaded_between_what_stays_and_what_is_masked():
    found = counted([8, 8, 8], [0, 8, 0])
    assert bars(found, 3, 4, threshold=0.5, previewed=True) == ["│░ ", "│░ ", "▒██", "███"], "half of a bin"
    assert bars(found, 3, 4, threshold=2.0, previewed=True, look=Look(ascii=True)) == [" :|", " :|", "oo#", "oo#"]
    assert drawn(found, 40, 6, threshold=0.5, previewed=True)[-1].startswith("▒ would go · ")
    assert "would go" not in drawn(found, 40, 6, threshold=0.5)[-1], "it went"
    assert "would go" not in drawn(found, 40, 6, previewed=True)[-1], "which is not known of such a step"
    few = bars(counted([1000, 1]), 2, 3, threshold=5.0, previewed=True)
    assert few == ["▒ ", "▒ ", "▒▒"], "few alone are seen"


def test_few_masked_alone_are_seen():
    assert bars(counted([1000, 0], [0, 1]), 2, 3) == ["█ ", "█ ", "█░"]


def test_bins_are_shared_out_to_columns():
    assert bars(counted([2, 2, 4, 4, 4, 4]), 3, 2) == [" ██", "███"]
    assert bars(counted([4, 4, 4]), 2, 1) == ["██"]
    assert bars(counted([4, 2]), 4, 2) == ["██  ", "████"]


def test_without_many_glyphs_a_part_is_a_dot_or_a_whole():
    assert bars(counted([100, 30, 60]), 3, 1, look=Look(ascii=True)) == ["#.#"]


def test_the_threshold_is_a_line_at_both_signs_with_its_value_below():
    found = told(evenly_normal(4000))
    picture = drawn(found, 47, 8, threshold=2.0)
    assert [line.count("│") for line in picture[:4]] == [2, 2, 2, 2]
    left, right = (picture[0].index("│"), picture[0].rindex("│"))
    below = picture[5]
    assert below[left - 1 : left + 1] == "-2"
    assert below[right] == "2"
    (first,) = {
        segment.style for line in lines(found, PLAIN, 47, 8, log=False, threshold=2.0) for segment in line
    } & {ink("threshold", PLAIN)}
    assert first.bold


def test_a_threshold_beyond_the_values_is_not_drawn():
    assert "│" not in "".join(drawn(told(evenly_normal(50)), 47, 8, threshold=99.0))


def test_a_threshold_hides_no_bar():
    one = counted([5, 0, 0, 0])
    assert bars(one, 4, 3, threshold=0.5)[1:] == bars(one, 4, 3)[1:]


def test_how_it_was_counted_is_said():
    for spread in ("exact", "binned", "sampled"):
        assert drawn(counted([1, 2], spread=spread), 20, 5)[-1].startswith(spread)


def test_what_has_no_place_on_the_axis_is_told():
    found = counted([1, 2], nans=3, infinities=1, zeros=1500)
    assert drawn(found, 60, 5)[-1] == "exact · 3 NaN · 1 Inf · 1.5k zeros"


def test_where_there_is_little_room_the_most_wanted_quantiles_stay():
    found = told(evenly_normal(400))
    assert drawn(found, 12, 5)[-2] == "median 0"
    assert drawn(found, 20, 5)[-2] == "p1 -2.28 · median 0"
    assert [part.split()[0] for part in drawn(found, 120, 5)[-2].split(" · ")] == [
        "p1",
        "p5",
        "p25",
        "median",
        "p75",
        "p95",
        "p99",
    ]


def test_quantiles_of_a_narrow_range_have_digits_enough_to_differ():
    line = drawn(told(1 + torch.linspace(0, 1e-4, 101)), 140, 6)[-2]
    assert len({part.split()[1] for part in line.split(" · ")}) == 7


def test_the_note_stands_where_there_are_no_values():
    found = statistics(NoValues("not initialised: run one forward to give it a shape"), never)
    assert drawn(found, 20, 5) == ["not initialised: run", "one forward to give", "it a shape"]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("log", [False, True])
def test_no_size_is_too_small_or_too_large(name, log):
    found, _, threshold, *previewed = PICTURES[name]()
    for look in (PLAIN, Look(ascii=True)):
        for width, height in ((20, 5), (1, 1), (0, 0), (7, 3), (8, 40), (300, 60)):
            picture = drawn(found, width, height, look, log=log, threshold=threshold, previewed=bool(previewed))
            assert len(picture) <= height
            assert all(len(line) <= width for line in picture)
            assert not look.ascii or all(line.isascii() for line in picture)


@pytest.mark.parametrize("values", [[1.7e308, -1.7e308], [5e-324, 0.0], [1.0, math.nextafter(1, 2)]])
def test_no_range_is_too_wide_or_too_narrow(values):
    found = told(torch.tensor(values, dtype=torch.float64))
    assert len(drawn(found, 40, 8, threshold=1e-3)) == 8


def test_the_terminal_gets_what_was_drawn():
    console = Console(file=io.StringIO(), width=WIDTH, color_system="256", force_terminal=True)
    for line in picture("pruned", Look("256")):
        console.print(Segments(line))
    assert "\x1b[38;5;174m░" in console.file.getvalue()
