"""How much memory this process and the model's devices hold, told whenever another figure would be seen."""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from prune_tui.memory_views import DeviceMemory, MemoryUsed

_STATUS = Path("/proc/self/status")
_BETWEEN = 2.0
"""Seconds, at least, between two figures."""


def of_process(status: Path = _STATUS) -> tuple[int | None, bool]:
    """Bytes that this process holds, without files that are mapped, and whether that is the most it ever held.

    Linux tells what is now; others the peak, with mapped files.
    """
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return _peak(), True
    kilobytes = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return (int(kilobytes[0]) * 1024, False) if kilobytes else (None, False)


def _peak() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # getrusage(2): kilobytes, but for macOS


def of_devices(devices: Iterable[torch.device]) -> tuple[DeviceMemory, ...]:
    """What is used of those that tell."""
    told = []
    for device in devices:
        if device.type == "cuda":
            try:
                free, total = torch.cuda.mem_get_info(device)
            except RuntimeError:  # the driver tells nothing any more: whoever works there next is told why
                continue
            told.append(DeviceMemory(str(device), total - free, total))
    return tuple(told)


class MemoryTelling:
    """Tells what is held, no more often than somebody would want to know, and not what is told already.

    Args:
        tell: Sends an event.

    Attributes:
        devices: Those that the model is on.
    """

    def __init__(self, tell: Callable[[MemoryUsed], None]) -> None:
        self._tell = tell
        self._wanted = threading.Event()
        self._told = ""
        self.devices: tuple[torch.device, ...] = ()

    def start(self) -> None:
        """Begin, in a thread of its own; before, nothing is told."""
        threading.Thread(target=self._run, name="prune-tui memory", daemon=True).start()

    def look(self) -> None:
        """Something was done: there may be another figure."""
        self._wanted.set()

    def once(self) -> None:
        """Tell the figure now, if it is another one than was told last."""
        process, peak = of_process()
        used = MemoryUsed(process, of_devices(self.devices), peak)
        if used.text != self._told:
            self._told = used.text
            self._tell(used)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self.once()
            pause.wait(_BETWEEN)
