"""A file mapped into memory: read where it is looked at, and never written to."""

from __future__ import annotations

import contextlib
import math
import mmap
import sys
from pathlib import Path

import torch
from torch import Tensor

from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.source_file import SourceFile, unreadable

_MADV_COLD = 20  # linux/mman.h; Python's mmap does not name it


class MappedFile(SourceFile):
    """A file, mapped privately: pages come from the disk as they are read, and go again when memory is scarce.

    Args:
        path: An ordinary file.

    Raises:
        SourceError: It cannot be opened or mapped.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            # Copied on write: torch can be given memory that it may write to, and the file never changes.
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY) if self.size else None
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error

    def tensor(self, dtype: torch.dtype, shape: tuple[int, ...], start: int) -> Tensor:
        """A tensor on its memory, of its own storage; read and copied where its place is not aligned.

        Args:
            dtype: Of its entries.
            shape: Their numbers.
            start: Offset of the first in bytes.

        Raises:
            SourceError: The file ends before the tensor does.
        """
        count = math.prod(shape)
        size = count * dtype.itemsize
        if start < 0 or start + size > self.size:
            raise SourceError(f"{self.path} is cut off: a tensor ends at byte {start + size:,} of {self.size:,}")
        if self._map is None or not count:
            return _empty(shape, dtype, self.path)
        if start % dtype.itemsize:
            copied = torch.frombuffer(bytearray(self.bytes_at(start, size)), dtype=torch.uint8)
            return copied.view(dtype).view(shape)
        entries = torch.frombuffer(self._map, dtype=dtype, count=count, offset=start)
        return entries if len(shape) == 1 else entries.view(shape)

    def forget(self) -> None:
        """Have what was read be the first to go where memory gets scarce.

        Nothing is lost of what somebody has written to a tensor of the file: `MADV_DONTNEED` would undo that.
        """
        if self._map is not None and sys.platform == "linux":
            with contextlib.suppress(OSError):  # before Linux 5.4
                self._map.madvise(_MADV_COLD)


def _empty(shape: tuple[int, ...], dtype: torch.dtype, path: Path) -> Tensor:
    try:
        return torch.empty(shape, dtype=dtype)
    except (
        RuntimeError,
        TypeError,
        OverflowError,
    ) as error:  # no entries, and yet an axis longer than torch counts
        raise SourceError(f"{path}: a tensor of shape {shape} cannot be made") from error
