"""How much memory the engine holds, as it tells the screen; rounded so that it is told when it matters."""

from __future__ import annotations

import msgspec

from prune_tui.views import Body


class DeviceMemory(msgspec.Struct, frozen=True):
    """The memory of one device.

    Attributes:
        device: `cuda:0`.
        used: Bytes, by whatever process: what is left for us is the rest.
        total: Bytes.
    """

    device: str
    used: int
    total: int


class MemoryUsed(Body, frozen=True):
    """An event: what the engine holds.

    Attributes:
        process: Bytes of its own, without what is mapped from files; None where nobody tells.
        devices: Those that the model is on, but for the CPU.
        peak: `process` is the most there was, and not what is now.
    """

    process: int | None
    devices: tuple[DeviceMemory, ...] = ()
    peak: bool = False

    @property
    def text(self) -> str:
        """`RAM 310 MB · cuda:0 3.1/85.0 GB`; of several devices the fullest."""
        told = []
        if self.process is not None:
            told.append(f"RAM {rounded(self.process)}{' at most' if self.peak else ''}")
        if self.devices:
            fullest = max(self.devices, key=lambda one: one.used / max(one.total, 1))
            told.append(f"{fullest.device} {fullest.used / 10**9:.1f}/{fullest.total / 10**9:.1f} GB")
        return " · ".join(told)


def rounded(size: int) -> str:
    """`310 MB`, `2.4 GB`: as little as matters, in powers of a thousand, as refusals count."""
    return f"{size / 10**9:.1f} GB" if size >= 995 * 10**6 else f"{round(size / 10**7) * 10} MB"
