"""Writing a journal: one record after the other, each on the disk before the writer goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from prune_tui.journal import Event, Header, JournalError, Kept, Record, read


class Writer:
    """A journal that is being written. Every record is on the disk when `append` returns.

    Args:
        path: A file that does not exist yet, or whose session is gone on with.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._good = 0

    @classmethod
    def begin(cls, path: Path, header: Header) -> Writer:
        """Start a new journal.

        Raises:
            JournalError: The file cannot be made.
        """
        writer = cls(path)
        with _told(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            writer._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _lock(path, writer._file)
                writer._write(header)
                _sync_folder(path.parent)
            except BaseException:
                writer.close()
                path.unlink(missing_ok=True)
                raise
        return writer

    @classmethod
    def go_on(cls, path: Path) -> tuple[Writer, Kept]:
        """Take a journal over, and say what it holds. What follows damage is kept beside it, in a copy.

        Raises:
            JournalError: It is in use, damaged before its first step, or cannot be written.
        """
        writer = cls(path)
        with _told(path):
            writer._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                _lock(path, writer._file)
                kept = read(path)
                if kept.damage:
                    path.with_suffix(".damaged").write_bytes(path.read_bytes())
                writer._good = kept.good
                os.ftruncate(writer._file, kept.good)
            except BaseException:
                writer.close()
                raise
        return writer, kept

    def append(self, event: Event) -> None:
        """Write one record and wait until it is on the disk; after a failure the file is as before.

        Raises:
            JournalError: It cannot be written.
        """
        with _told(self.path):
            self._write(event)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, record: Record) -> None:
        if self._file is None:
            raise RuntimeError("the journal is closed")
        body = msgspec.json.encode(record)
        line = b"%08x %s\n" % (zlib.crc32(body), body)
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._file, line[written:], self._good + written)
            os.fsync(self._file)
        except BaseException:
            with contextlib.suppress(OSError):  # a half record is none: the next one is written over it
                os.ftruncate(self._file, self._good)
            raise
        self._good += len(line)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be written: {error.strerror}") from error


def _lock(path: Path, file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(f"{path.stem} is in use by another prune-tui; leave that first") from error
    except OSError:  # a file system without locks: then without
        return


def _sync_folder(folder: Path) -> None:
    """The file's name must be on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
