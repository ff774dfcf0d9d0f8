"""How much memory a step needs beyond what the model has, and whether there is so much.

The estimates are pure functions of counts; `check` compares them with what is free and refuses before anything
happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from prune_tui.step_settings import StepError

_MEMINFO = Path("/proc/meminfo")


def free(device: torch.device) -> int | None:
    """Bytes that can still be had on a device; None where nobody tells."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + reserved
    if device.type != "cpu":
        return None
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:  # not on Linux
        return None
    available = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(available[0]) * 1024 if available else None


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


def readable(size: int) -> str:
    """`1.5 GB`, `20 MB`: in powers of a thousand, as disks and `free --si` count."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


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
