"""How much memory a step needs beyond what the model has, and whether there is so much.

The estimates are pure functions of counts; `check` compares them with what is free and refuses before anything
happens.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from prune_tui.step_settings import StepError

_MEMINFO = Path("/proc/meminfo")
_MOST = 0.75
"""The share of what is free above which a person is told before."""
_CGROUPS = Path("/proc/self/cgroup")
_CGROUP_FILES = Path("/sys/fs/cgroup")


class PerEntry(NamedTuple):
    """Bytes for each entry of a tensor.

    Attributes:
        fixed: Whatever its dtype.
        values: So many times the size of an entry.
        scores: So many times the size of a magnitude: 4, or 8 where float32 does not hold it.
    """

    fixed: int
    values: int
    scores: int

    def of(self, tensor: Tensor) -> int:
        """Bytes for a whole tensor."""
        wide = not tensor.is_floating_point() or tensor.dtype is torch.float64
        return tensor.numel() * (self.fixed + self.values * tensor.itemsize + self.scores * (8 if wide else 4))


class Working(NamedTuple):
    """What working out masks takes at the peak.

    Attributes:
        every: Kept or gone through at once for all targets, the masks themselves included.
        largest: Needed for one target at a time, and so for the largest.
    """

    every: PerEntry
    largest: PerEntry


WORKING = {
    "identity": Working(PerEntry(0, 1, 0), PerEntry(0, 1, 0)),
    "custom_from_mask": Working(PerEntry(1, 1, 0), PerEntry(1, 1, 0)),
    # The scores are in float64, and sorted with their places.
    "lamp": Working(PerEntry(22, 1, 0), PerEntry(10, 1, 0)),
    "global_unstructured with a floor": Working(PerEntry(2, 1, 2), PerEntry(8, 0, 0)),
    "importance_scores across all": Working(PerEntry(2, 1, 3), PerEntry(8, 0, 2)),
    "importance_scores": Working(PerEntry(1, 1, 0), PerEntry(9, 0, 5)),
    "global_structured": Working(PerEntry(2, 1, 0), PerEntry(1, 1, 0)),
    "semi_structured": Working(PerEntry(2, 0, 0), PerEntry(2, 1, 1)),
    # Of a plugin's own work nothing is known.
    "a plugin's": Working(PerEntry(0, 1, 0), PerEntry(2, 3, 0)),
}
"""Of each method that works out whole masks; what is planned by threshold takes nothing to speak of."""


def free(device: torch.device) -> int | None:
    """Bytes that can still be had on a device; None where nobody tells."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + reserved
    if device.type != "cpu":
        return None
    return min((size for size in (_available(), *_left_by_cgroups()) if size is not None), default=None)


def _available() -> int | None:
    """What Linux says can be had without swapping."""
    available = [line.split()[1] for line in _lines(_MEMINFO) if line.startswith("MemAvailable:")]
    return int(available[0]) * 1024 if available else None


def _left_by_cgroups() -> list[int]:
    """What each cgroup around this process leaves of its limit, version 2 or 1; page cache makes room."""
    return [size for files in _limits(_CGROUP_FILES, *_lines(_CGROUPS)) for size in _left_in(*files)]


@functools.lru_cache(maxsize=1)
def _limits(files: Path, *lines: str) -> tuple[tuple[Path, str, str, str], ...]:
    """The folders that may set a limit, with the names of what is in them."""
    found = []
    for line in lines:  # `0::/a/b`, or of version 1 `4:memory:/a/b`
        _, kinds, path = line.split(":", 2)
        if kinds == "":
            root, limit, usage, cache = files, "memory.max", "memory.current", "inactive_file"
        elif "memory" in kinds.split(","):
            root, limit, usage = files / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        within = root / path.strip("/")
        inside = (folder for folder in (within, *within.parents) if folder == root or root in folder.parents)
        found += [(folder, limit, usage, cache) for folder in inside]
    return tuple(found)


def _left_in(folder: Path, limit: str, usage: str, cache: str) -> list[int]:
    numbers = [line for name in (limit, usage) for line in _lines(folder / name)]
    if len(numbers) != 2 or not all(map(str.isdecimal, numbers)):  # `max`: no limit; or not there at all
        return []
    reclaimable = [line.split()[1] for line in _lines(folder / "memory.stat") if line.startswith(f"{cache} ")]
    return [max(0, int(numbers[0]) - int(numbers[1]) + sum(map(int, reclaimable)))]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:  # not on Linux, or not for us
        return []


def of_working(method: str, originals: Sequence[Tensor]) -> dict[torch.device, int]:
    """Bytes that working out the masks of a step takes at the peak, by device.

    Args:
        method: A key of `WORKING`.
        originals: The tensors it works on.
    """
    every, largest = WORKING[method]
    needed: dict[torch.device, int] = {}
    for device in {original.device for original in originals}:
        here = [original for original in originals if original.device == device]
        needed[device] = sum(map(every.of, here)) + max(map(largest.of, here))
    return needed


def of_masks(originals: Iterable[Tensor]) -> dict[torch.device, int]:
    """Bytes that the masks of a step and their products with the values take at the peak, by device.

    Each tensor gets a mask and a product in its own dtype. Those it had are kept until the whole step is done, for
    the case that it fails: they make no room.
    """
    needed: dict[torch.device, int] = {}
    for original in originals:
        size = 2 * original.numel() * original.itemsize
        needed[original.device] = needed.get(original.device, 0) + size
    return needed


def of_topk(living: int, count: int, itemsize: int, *, gathered: bool) -> int:
    """Bytes that asking torch which of several equal magnitudes go takes at its peak.

    `topk` on the CPU queues a value with its index, sixteen bytes an entry, for the magnitudes it is given, and
    returns values and indices of those that go.

    Args:
        living: Entries that are ranked.
        count: Those that go.
        itemsize: Bytes of an entry.
        gathered: The living have to be gathered first: of several tensors, or from under masks.
    """
    positions = 8 * living if gathered else 0
    copies = itemsize * living * (2 if gathered else 1)
    return copies + positions + 16 * living + (8 + itemsize) * count


def of_one_vector(elements: int, living: int, count: int, itemsize: int) -> int:
    """Bytes that ranking tensors as torch's `global_unstructured` does takes at its peak, joined end to end.

    Args:
        elements: Of all of them.
        living: Entries that are ranked.
        count: Those that go.
        itemsize: Bytes of an entry.
    """
    return 5 * itemsize * elements + of_topk(living, count, itemsize, gathered=True)


def give_back() -> None:
    """Give memory that is free in this process back to the system, now and then.

    Of tensors up to 32 MB the C library keeps the room for the next ones, and small things that lie between them
    can make the next one not fit: a step that makes one after the other would end up with room for all of them.
    """
    global _given_back  # noqa: PLW0603 - the C library has one heap for the whole process
    now = time.monotonic()
    if now - _given_back >= _BETWEEN:
        _trim()
        _given_back = time.monotonic()


_BETWEEN = 0.005
"""Seconds; it takes less than one of its ten parts."""
_given_back = 0.0


def _trim() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # of the GNU library alone
        trim(0)


def readable(size: int) -> str:
    """`1.5 GB`, `20 MB`: in powers of a thousand, as disks and `free --si` count."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def cautions(needed: Mapping[torch.device, int]) -> tuple[str, ...]:
    """What to say before something that takes most of what is free.

    Args:
        needed: Bytes by device.
    """
    told = []
    for device, size in needed.items():
        there = free(device)
        if there is not None and there >= size > _MOST * there:
            told.append(f"needs about {readable(size)} more memory on {device}, {readable(there)} is free")
    return tuple(told)


def check(what: str, needed: Mapping[torch.device, int], instead: str = "") -> None:
    """Refuse what would need more memory than is free.

    Args:
        what: The step and its targets, as the person knows them.
        needed: Bytes by device.
        instead: What needs less.

    Raises:
        StepError: There is not so much; says how much it needs and how much there is.
    """
    for device, size in needed.items():
        there = free(device)
        if there is not None and size > there:
            advice = f"; {instead}" if instead else ""
            raise StepError(
                f"{what} needs {readable(size)} more memory on {device}, {readable(there)} is free{advice}"
            )
