"""What the tensor pane says of a tensor, of one entry, and of what is painted."""

from __future__ import annotations

import math

import msgspec
import pytest

from prune_tui.tensor_requests import Toggle
from prune_tui.tensor_views import Drafted, Entry
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import Draft
from prune_tui.ui.readout import draft_text, entry_text, statistics_text
from prune_tui.views import Statistics

AIM = Aim.first((4, 5), ("out", "in")).at((3, 0))
SCALAR = Aim.first((), ())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(0.1270001, 0.1270001), "[3, 0] 0.127  out 3 in 0"),
        (Entry(0.127, 0.127, 1.0), "[3, 0] 0.127 kept  out 3 in 0"),
        (Entry(0.0, 0.127, 0.0), "[3, 0] × 0 · orig 0.127  out 3 in 0"),
        (Entry(-0.0, -0.127, 0.0), "[3, 0] × 0 · orig -0.127  out 3 in 0"),
        (Entry(math.nan, math.nan, 0.0), "[3, 0] × NaN · orig NaN  out 3 in 0"),
        (Entry(0.25, 0.5, 0.5), "[3, 0] 0.25 · orig 0.5 · mask 0.5  out 3 in 0"),
        (Entry(math.inf, math.inf), "[3, 0] Inf  out 3 in 0"),
        (Entry(0.0, 0.5, 0.0, step=-0.5, start=-0.5), "[3, 0] × 0 · orig 0.5 · last step -0.5  out 3 in 0"),
        (Entry(0.0, 0.5, 0.0, start=-0.5), "[3, 0] × 0 · orig 0.5 · since start -0.5  out 3 in 0"),
        (Entry(note="on the meta device: no values"), "[3, 0] on the meta device: no values"),
    ],
)
def test_an_entry_is_read_out_in_all_its_layers(entry: Entry, said: str) -> None:
    assert entry_text(AIM, entry).plain == said


def test_a_scalar_has_no_index_to_name() -> None:
    assert entry_text(SCALAR, Entry(0.5, 0.5)).plain.rstrip() == "[] 0.5"


def test_what_was_looked_for_is_counted() -> None:
    assert " · masked 1,204 of 12,000" in entry_text(AIM, Entry(0.0, 0.5, 0.0), "masked 1,204 of 12,000").plain
    assert "of" not in entry_text(AIM, Entry()).plain


def test_a_note_with_control_characters_is_shown_and_not_obeyed() -> None:
    assert "\x1b" not in entry_text(AIM, Entry(note="\x1b[31mred")).plain
    assert "\x1b" not in statistics_text(Statistics(1, 0, note="\x1b[31mred")).plain


def test_one_entry_is_one_entry() -> None:
    assert statistics_text(Statistics(1, 0)).plain == "1 entry"


def test_statistics_tell_what_is_wrong_first_and_leave_out_what_is_nought() -> None:
    sound = Statistics(54, 0, minimum=-0.25, maximum=0.5, mean=0.125, std=0.75)
    assert statistics_text(sound).plain == "54 entries · min -0.25  max 0.5 · mean 0.125 · std 0.75"
    ill = Statistics(54, 16, nans=2, infinities=1, zeros=3)
    assert statistics_text(ill).plain == "2 NaN · 1 Inf · 3 zero · 54 entries · keeps 38, 29.6% masked"


ALL = Statistics(
    48000, 14400, nans=1234, infinities=2, zeros=17, minimum=-0.534, maximum=0.5624, mean=-0.001312, std=0.04561
)


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (99, "54 entries · min -0.25  max 0.5 · mean 0.125 · std 0.75"),
        (50, "min -0.25  max 0.5 · mean 0.125 · std 0.75"),
        (40, "min -0.25 max 0.5 · std 0.75"),
        (20, "min -0.25 max 0.5"),
        (10, ""),
    ],
)
def test_in_a_narrow_pane_the_least_important_goes_first(width: int, told: str) -> None:
    sound = Statistics(54, 0, minimum=-0.25, maximum=0.5, mean=0.125, std=0.75)
    assert statistics_text(sound, width=width).plain == told


def test_of_a_pruned_tensor_at_80_columns_the_range_the_share_and_std_are_left() -> None:
    pruned = Statistics(48000, 14400, minimum=-0.534, maximum=0.5624, mean=-0.001312, std=0.04561)
    assert statistics_text(pruned, width=47).plain == "30.0% masked · min -0.53 max 0.56 · std 0.04561"


@pytest.mark.parametrize("quality", ["exact", "sampled"])
def test_no_number_is_ever_cut_and_what_is_wrong_never_goes(quality: str) -> None:
    statistics = msgspec.structs.replace(ALL, quality=quality)
    whole = {"1,234 NaN", "1.2k NaN", "2 Inf", "17 zero", "48,000 entries", "keeps 33,600, 30.0% masked",
             "30.0% masked", "min -0.534  max 0.5624", "min -0.53 max 0.56", "mean -0.001312", "std 0.04561",
             "≈ of a sample, counting…", "≈ counting…", "≈"}  # fmt: skip
    for width in range(20, 160):
        told = statistics_text(statistics, width=width).plain
        assert len(told) <= width
        assert set(told.split(" · ")) <= whole, width
        assert "NaN" in told
        assert "Inf" in told
        assert ("≈" in told) == (quality == "sampled")


def test_statistics_of_a_sample_say_so_and_those_to_come_too() -> None:
    assert statistics_text(None).plain == "counting…"
    sampled = Statistics(10**8, 0, quality="sampled")
    assert statistics_text(sampled).plain == "≈ of a sample, counting… · 100,000,000 entries"


def test_a_draft_says_what_it_takes_of_what_is_left_and_how_to_go_on() -> None:
    draft = Draft("w", (Toggle((0, 0)), Toggle((1, -1))))
    assert draft_text(draft, None).plain == "painting: 2 strokes…"
    told = "painted −6, keeps 14 · enter applies, esc drops · 2 strokes"
    assert draft_text(draft, Drafted(6, 14)).plain == told
