"""How few bytes a key costs: over SSH they are what a person waits for."""

from __future__ import annotations

from tests.benchmarks.bytes_sent import measured


def test_a_move_and_a_slow_heat_map_send_a_small_part_of_a_full_one() -> None:
    figures = measured()
    assert [figure.what for figure in figures if not figure.reached or not figure.bytes] == [], figures
    assert figures[0].whole > 100_000, "each of its cells has a colour"
