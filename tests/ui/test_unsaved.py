"""What is told to be unsaved."""

from __future__ import annotations

import pytest

from prune_tui.ui.unsaved import Stored, Unsaved, asked_about, in_short


@pytest.mark.parametrize(
    ("file", "state", "told"),
    [
        ((), (), ""),
        ((), (1, 2), "● 2 unsaved steps"),
        ((1, 2), (1, 2), "✓ 2 steps saved"),
        ((1, 2), (1, 2, 3), "● 1 unsaved step"),
        ((1, 2), (1,), "● 1 saved step undone"),
        ((1, 2), (), "● 2 saved steps undone"),
        ((1, 2), (1, 4), "● 1 unsaved step"),
    ],
)
def test_in_the_first_line(file: tuple[int, ...], state: tuple[int, ...], told: str) -> None:
    assert in_short(Stored("saved", file), state) == told


def test_both_ways_of_being_different_are_counted() -> None:
    assert Unsaved.since(Stored("saved", (1, 2, 3)), (1, 5)) == Unsaved(steps=1, undone=2)


def test_all_that_is_unsaved_is_asked_about_and_nothing_else() -> None:
    file = Stored("exported", (1, 2, 3))
    assert asked_about(file, (1, 2, 3), "", keeps=True) == ""
    assert asked_about(Stored(), (), "", keeps=True) == ""
    assert asked_about(file, (1, 5), "fc.weight", keeps=True).splitlines() == [
        "1 step not saved. The journal keeps them: prune-tui --resume goes on.",
        "The file that was exported last has 2 steps that are undone here.",
        "The mask that is being painted on fc.weight is not applied: leaving drops it.",
    ]
    assert asked_about(Stored(), (1,), "", keeps=False) == "1 step will be lost: there is no journal."
