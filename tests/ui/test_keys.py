"""The registry of keys: no clashes, nothing a terminal swallows, and the README says the same."""

from __future__ import annotations

from collections import Counter

import pytest

from prune_tui.steps import METHODS
from prune_tui.ui import keys
from tests import readme_keys


@pytest.mark.parametrize("place", keys.PLACES)
def test_no_key_means_two_things_in_one_place(place: keys.Place) -> None:
    taken = Counter(key for row in keys.of(place) for key in row.keys)
    assert [key for key, count in taken.items() if count > 1] == []


def test_no_key_of_a_pane_hides_one_that_works_everywhere() -> None:
    everywhere = {key for row in keys.of("app") for key in row.keys}
    for place in ("tree", "module", "tensor", "findings"):
        assert not everywhere & {key for row in keys.of(place) for key in row.keys}


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
