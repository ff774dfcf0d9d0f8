"""How much memory is told of, and in how few words."""

from __future__ import annotations

import pytest

from prune_tui.memory_views import DeviceMemory, MemoryUsed, rounded

HALF_FULL = DeviceMemory("cuda:0", 40 * 10**9, 85 * 10**9)
FULLER = DeviceMemory("cuda:1", 81 * 10**9, 85 * 10**9)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 MB"),
        (312_345_678, "310 MB"),
        (994 * 10**6, "990 MB"),
        (995 * 10**6, "1.0 GB"),
        (24 * 10**8, "2.4 GB"),
    ],
)
def test_no_more_digits_than_matter(size: int, text: str) -> None:
    assert rounded(size) == text


@pytest.mark.parametrize(
    ("used", "text"),
    [
        (MemoryUsed(10**8), "RAM 100 MB"),
        (MemoryUsed(10**8, peak=True), "RAM 100 MB at most"),
        (MemoryUsed(10**8, (HALF_FULL, FULLER)), "RAM 100 MB · cuda:1 81.0/85.0 GB"),
        (MemoryUsed(None, (HALF_FULL,)), "cuda:0 40.0/85.0 GB"),
        (MemoryUsed(None), ""),
    ],
)
def test_the_process_and_the_fullest_device(used: MemoryUsed, text: str) -> None:
    assert used.text == text
