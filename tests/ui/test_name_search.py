"""Names found by some of their letters, in order."""

from __future__ import annotations

import re

import pytest

from prune_tui.ui.name_search import NameSearch

NAMES = [
    "wte",
    "layers",
    *(f"layers.{layer}.attn.{proj}" for layer in (1, 11, 101) for proj in ("q_proj", "k_proj")),
    "layers.11.mlp.weight",
    "lm_head",
    "lm_head.weight",
    "head",
]


def found(typed: str, most: int = 50) -> list[str]:
    return [NAMES[one.at] for one in NameSearch(NAMES).find(typed, most)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("l11q", "layers.11.attn.q_proj"),
        ("L11Q", "layers.11.attn.q_proj"),
        ("layers 11 k", "layers.11.attn.k_proj"),
        ("lmh", "lm_head"),
        ("head", "lm_head.weight"),
        ("lhw", "lm_head.weight"),
        ("l1w", "layers.11.mlp.weight"),
    ],
)
def test_the_best_comes_first(typed: str, first: str) -> None:
    if typed == "head":  # the very name before what only holds it
        assert found(typed)[0] == "head"
    else:
        assert found(typed)[0] == first


def test_all_that_hold_the_letters_in_order_are_found_and_nothing_else() -> None:
    for typed in ("l1q", "w", "proj", "e.w", "zz", "11"):
        wanted = re.compile(".*".join(map(re.escape, typed)))
        assert set(found(typed)) == {name for name in NAMES if wanted.search(name)}


def test_what_holds_it_as_typed_comes_before_its_letters_in_between() -> None:
    assert found("att")[0].endswith("attn.q_proj")
    assert found("q_p")[:3] == [f"layers.{layer}.attn.q_proj" for layer in (1, 11, 101)]


def test_typing_on_and_back_finds_what_it_finds_at_once() -> None:
    search = NameSearch(NAMES)
    for typed in ("l", "l1", "l11", "l11q", "l11", "l1k", "w", "lm"):
        assert [NAMES[one.at] for one in search.find(typed, 50)] == found(typed)


def test_no_more_than_wanted_and_none_of_nothing() -> None:
    assert len(found("l", most=3)) == 3
    assert found("  ") == []
    assert NameSearch([]).find("x", 5) == []


def test_a_name_of_any_characters() -> None:
    search = NameSearch(["a\nb.İx", "a[b].*c"])
    assert [one.at for one in search.find("a b", 5)] == [1, 0] or [one.at for one in search.find("ab", 5)]
    assert [one.at for one in search.find("[b].*", 5)] == [1]
    assert [one.at for one in search.find("x", 5)] == [0]
