"""The metric in the first line of the screen."""

from __future__ import annotations

import pytest

from prune_tui.memory_views import DeviceMemory, MemoryUsed
from prune_tui.ui.widgets.status_line import BrokenCounts, metric_text
from prune_tui.views import MetricMeasured
from tests.in_process import app_on, press, running, screen_text, settle


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (None, ""),
        (MetricMeasured("accuracy", None, None, "measuring"), "accuracy …"),
        (MetricMeasured("accuracy", 0.972, 0.972, "measured"), "accuracy 97.2%"),
        (MetricMeasured("accuracy", 0.958, 0.972, "measured"), "accuracy 95.8% ▼1.4"),
        (MetricMeasured("accuracy", 0.98, 0.972, "measured"), "accuracy 98.0% ▲0.8"),
        (MetricMeasured("accuracy", 0.958, 0.972, "measuring"), "accuracy 95.8% …"),
        (MetricMeasured("accuracy", None, 0.972, "off"), "accuracy off"),
        (MetricMeasured("accuracy", None, 0.972, "failed", "boom"), "accuracy failed: boom"),
    ],
)
def test_what_is_told_of_the_metric(measured: MetricMeasured | None, text: str) -> None:
    assert metric_text(measured) == text


def test_the_two_numbers_on_the_screen_add_up() -> None:
    """99.96% − 98.04% is 1.92, but the screen says 100.0 and 98.0."""
    assert metric_text(MetricMeasured("accuracy", 0.9804, 0.9996, "measured")) == "accuracy 98.0% ▼2.0"


def test_broken_tensors_are_told_by_kind() -> None:
    told = {
        counts: (counts.text, counts.short)
        for counts in (BrokenCounts(), BrokenCounts(2), BrokenCounts(1, 3), BrokenCounts(0, 1))
    }
    assert told == {
        BrokenCounts(): ("", ""),
        BrokenCounts(2): ("2 tensors with NaN/Inf", "2 broken"),
        BrokenCounts(1, 3): ("1 tensor with NaN/Inf, 3 of one value", "4 broken"),
        BrokenCounts(0, 1): ("1 tensor of one value", "1 broken"),
    }


HELD = MemoryUsed(312 * 10**6, (DeviceMemory("cuda:0", 31 * 10**8, 85 * 10**9),))


@pytest.mark.parametrize(("width", "shown"), [(140, True), (80, False)])
async def test_memory_is_told_where_there_is_room_for_it(width: int, shown: bool) -> None:
    async with running(app_on(), size=(width, 24)) as pilot:
        line = screen_text(pilot).splitlines()[0]
        pilot.app._event(HELD)
        await settle(pilot)
        after = screen_text(pilot).splitlines()[0]
        assert after == (f"{line} · RAM 310 MB · cuda:0 3.1/85.0 GB" if shown else line)


async def test_memory_gives_way_to_what_the_last_key_did() -> None:
    async with running(app_on(), size=(120, 24)) as pilot:
        pilot.app._event(MemoryUsed(312 * 10**6))
        await press(pilot, "j", "3", "enter")
        assert "accuracy 99.4% ▼0.3 · RAM 310 MB " in screen_text(pilot)
        await press(pilot, "u")
        line = screen_text(pilot).splitlines()[0]
        assert "undone l1_unstructured(amount=0.3)" in line
        assert "RAM" not in line
