"""The registry of keys: no clashes, nothing a terminal swallows, and the README says the same."""

from __future__ import annotations

from collections import Counter

import pytest

from prune_tui.steps import METHODS
from prune_tui.ui import keys
from tests import readme_keys


@pytest.mark.parametrize("place", keys.PLACES)
def test_no_key_means_two_things_in_one_place(place: keys.Place) -> None:
    taken = Counter(key for row in keys.OURS.of(place) for key in row.keys)
    assert [key for key, count in taken.items() if count > 1] == []


def test_no_key_of_a_pane_hides_one_that_works_everywhere() -> None:
    everywhere = {key for row in keys.OURS.of("app") for key in row.keys}
    for place in ("tree", "module", "tensor", "findings", "marks", "log"):
        assert not everywhere & {key for row in keys.OURS.of(place) for key in row.keys}


def test_tmux_keeps_its_keys() -> None:
    swallowed = {f"ctrl+{letter}" for letter in "hijmab"}
    assert not swallowed & {key for row in keys.KEYS for key in row.keys}


def test_ids_are_unique_and_name_the_place_or_the_subject() -> None:
    ids = [row.id for row in keys.KEYS]
    assert len(ids) == len(set(ids))
    assert all("." in identifier for identifier in ids)


def test_every_method_of_the_catalogue_with_a_key_has_its_row() -> None:
    by_id = {row.id: row for row in keys.KEYS}
    for method in METHODS:
        if not method.key:
            assert f"method.{method.name}" not in by_id
            continue
        row = by_id[f"method.{method.name}"]
        assert row.keys == (method.key,)
        assert method.name in row.sentence


def test_every_row_explains_itself_in_a_sentence() -> None:
    assert all(row.sentence.endswith(".") and row.label for row in keys.KEYS)


def test_the_readme_has_the_same_table() -> None:
    assert readme_keys.written() == readme_keys.table(), "run: python -m tests.readme_keys"


PICTURES = ("values", "heatmap", "mask", "histogram", "channels", "structure", "stack")


def line(focus: str, width: int, **how: bool) -> list[str]:
    """What the bar names in so many columns, most important first."""
    told: list[str] = []
    for named in keys.bar(focus, **how):
        word = f"{keys.shown(named.key.keys[0])} {named.label}"
        width -= len(word) + 1
        if width < 0:
            break
        told.append(word)
    return told


@pytest.mark.parametrize("focus", [*PICTURES, "findings", "marks", "log"])
def test_six_keys_of_the_focused_picture_fit_into_80_columns_with_help_undo_and_quit(focus: str) -> None:
    told = line(focus, 78)
    assert {"? help", "u undo", "q quit"} <= set(told)
    assert len(told) >= 9
    own = [named for named in keys.bar(focus)[3:9] if named.key.place != "app" or named.place < 6]
    assert len(own) == 6
    assert len({named.key.id for named in keys.bar(focus)}) == len(keys.bar(focus)), "none is named twice"


def test_in_the_tree_the_methods_are_named() -> None:
    assert {"2 random", "3 L1", "5 Ln channels", "6 global"} <= set(line("tree", 78))
    assert line("tree", 78) == line("module", 78) == line("", 78)


@pytest.mark.parametrize("focus", PICTURES)
def test_a_read_only_session_names_no_key_that_prunes_or_paints(focus: str) -> None:
    told = {named.key.id for named in keys.bar(focus, readonly=True)}
    assert not {"steps.undo", "method.l1_unstructured", "tensor.paint", "tensor.brush"} & told
    assert ("tensor.apply_draft" in told) == (focus == "stack")


def test_while_tensors_are_marked_their_list_is_named_beside_the_methods() -> None:
    told = line("tree", 67, marked=True)  # beside `4 marked: `
    assert {"3 L1", "2 random", "L marks", "? help", "u undo", "q quit"} <= set(told)
    assert "L marks" not in line("tree", 67)


def test_an_open_form_has_the_line_for_itself() -> None:
    assert line("values", 78, form=True) == ["enter apply", "esc leave", "↑ more", "↓ less", "F1 help"]
