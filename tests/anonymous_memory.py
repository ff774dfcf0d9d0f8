"""The most memory of its own that this process holds while something is done: pages of mapped files are not in it.

The kernel keeps no record of that peak, so a thread looks every millisecond; what is measured lets go of the
interpreter lock while it works on tensors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")


class Peak:
    """Bytes held at the peak beyond those at the start."""

    bytes = 0


def anonymous() -> int:
    """Bytes now."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@contextmanager
def peak_of_anonymous_memory() -> Iterator[Peak]:
    """Yield what is known once the block has ended."""
    found, before, ended = Peak(), anonymous(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            found.bytes = max(found.bytes, anonymous() - before)
            time.sleep(0.001)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield found
    finally:
        ended.set()
        watching.join()
