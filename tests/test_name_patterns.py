"""Patterns of names, as recipes and marks have them."""

from __future__ import annotations

import pytest

from prune_tui import name_patterns

NAMES = ("conv1.weight", "conv1.bias", "layers.0.attn.q.weight", "layers.1.attn.q.weight", "odd[0].weight")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("*.attn.*.weight", ["layers.0.attn.q.weight", "layers.1.attn.q.weight"]),
        ("conv?.*", ["conv1.weight", "conv1.bias"]),
        ("layers.[1-9].*", ["layers.1.attn.q.weight"]),
        ("*.BIAS", []),
        ("conv1", []),
        ("conv1.bias", ["conv1.bias"]),
        ("odd[0].weight", ["odd[0].weight"]),
    ],
)
def test_what_a_pattern_stands_for(pattern: str, meant: list[str]) -> None:
    assert name_patterns.meant(pattern, NAMES) == meant


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        ("*.attn.*.wieght", "*.attn.*.w"),
        ("covn1.weight", "co"),
        ("xyz", ""),
        ("conv1", "conv1"),
        ("layers.[2-9].*", "layers."),
    ],
)
def test_as_much_as_is_right_of_one_that_stands_for_nothing(pattern: str, right: str) -> None:
    assert name_patterns.longest_beginning(pattern, NAMES) == right


def test_only_these_are_wildcards() -> None:
    assert [text for text in ("a*", "a?", "[a]", "a.b", "a]") if name_patterns.has_wildcards(text)] == [
        "a*", "a?", "[a]",
    ]  # fmt: skip
