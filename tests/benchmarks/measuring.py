"""Two ways to the same end, run in turns: medians of their times, and of the most memory each held."""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.anonymous_memory import peak_of_anonymous_memory

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclasses.dataclass(frozen=True)
class Contest:
    """What is compared.

    Attributes:
        prepare: Makes what one run works on; not timed.
        torch: Plain torch, given that.
        ours: prune-tui, given that.
        parameters: Entries, for the memory by parameter.
        anonymous: Memory is what the process holds of its own; pages of mapped files are left out.
    """

    prepare: Callable[[], Any]
    torch: Callable[[Any], object]
    ours: Callable[[Any], object]
    parameters: int
    anonymous: bool = False


@dataclasses.dataclass(frozen=True)
class Run:
    """Medians of some runs.

    Attributes:
        seconds: Time.
        peak: Bytes held at the peak beyond those at the start; None where the kernel does not tell.
    """

    seconds: float
    peak: int | None


def in_turns(contest: Contest, rounds: int) -> tuple[Run, Run]:
    """Torch, ours, torch, ours, and so on; one round of ours before, for what is imported on first use."""
    once = _once_by_itself if contest.anonymous else _once
    once(contest.prepare, contest.ours)
    runs: list[tuple[Run, Run]] = [
        (once(contest.prepare, contest.torch), once(contest.prepare, contest.ours)) for _ in range(rounds)
    ]
    return _median([torchs for torchs, _ in runs]), _median([ours for _, ours in runs])


def _once(prepare: Callable[[], Any], work: Callable[[Any], object]) -> Run:
    given = prepare()
    gc.collect()
    gc.disable()
    before = _peak_from_here()
    start = time.perf_counter()
    result = work(given)
    seconds = time.perf_counter() - start
    peak = None if before is None else max(_memory("VmHWM") - before, 0)
    gc.enable()
    del result
    return Run(seconds, peak)


def _once_by_itself(prepare: Callable[[], Any], work: Callable[[Any], object]) -> Run:
    given = prepare()
    gc.collect()
    start = time.perf_counter()
    with peak_of_anonymous_memory() as peak:
        result = work(given)
    del result
    return Run(time.perf_counter() - start, peak.bytes)


def _median(runs: list[Run]) -> Run:
    peaks = [run.peak for run in runs if run.peak is not None]
    seconds = statistics.median(run.seconds for run in runs)
    return Run(seconds, int(statistics.median(peaks)) if peaks else None)


def _peak_from_here() -> int | None:
    """Set the kernel's record of the peak back to now; returns what is held now."""
    try:
        _CLEAR.write_text("5")
        return _memory("VmRSS")
    except OSError:
        return None


def _memory(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024
