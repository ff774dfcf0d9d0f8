"""A file of a checkpoint, open for reading, that notices when it is not the one any more that was opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from prune_tui.engine.sources.source_error import SourceError

_SMALL = 4096
"""Bytes that are read in one piece."""


class FileChangedError(SourceError):
    """A file is not the one any more that was opened: what is mapped of it may be gone."""


class SourceFile:
    """An open file.

    Args:
        path: An ordinary file.

    Raises:
        SourceError: It cannot be opened.

    Attributes:
        path: The file.
        size: Its bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: IO[bytes] = path.open("rb")
            self._as_opened = _condition(self._file)
            self.size = os.fstat(self._file.fileno()).st_size
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error

    def bytes_at(self, start: int, count: int) -> bytes:
        """Some of its bytes, read: where it is mapped, no page of the map is touched."""
        if count <= _SMALL:  # without the eight kilobytes that a buffered file reads for thirty bytes
            return os.pread(self._file.fileno(), count, start)
        self._file.seek(start)
        return self._file.read(count)

    def check(self) -> None:
        """Make sure that what is mapped is still what was opened: reading past a new end would end the process.

        Raises:
            FileChangedError: It has another size, or was written to.
        """
        if _condition(self._file) != self._as_opened:
            size = os.fstat(self._file.fileno()).st_size
            now = f"it has {size:,} bytes instead of {self.size:,}" if size != self.size else "it was written to"
            raise FileChangedError(
                f"{self.path} has changed since it was opened: {now}. What is shown of it may be wrong;"
                " open it again"
            )


def unreadable(path: Path, error: OSError | ValueError) -> SourceError:
    """What to raise of a file that cannot be opened or mapped."""
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return SourceError(f"{path} cannot be read: {why}")


def _condition(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns
