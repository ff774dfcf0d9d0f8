"""Writing a journal: one record after the other, each on the disk before the writer goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from prune_tui.journal import Event, Header, InUseError, JournalError, Kept, Record, Together, line, read

_PATIENCE = 0.5
"""Seconds that a lock is waited for: who only asks whether a journal is in use holds it for a moment."""


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
                if not os.path.samestat(os.fstat(writer._file), path.stat()):
                    raise JournalError(f"session {path.stem} was replaced by another one; ask again")
                kept = read(path)
                if kept.damage:
                    _keep_aside(path)
                writer._good = kept.good
                os.ftruncate(writer._file, kept.good)
            except BaseException:
                writer.close()
                raise
        return writer, kept

    def append(self, *events: Event) -> None:
        """Write changes, all or none, and wait until they are on the disk.

        Raises:
            JournalError: They cannot be written; then they are no part of the journal.
        """
        with _told(self.path):
            self._write(events[0] if len(events) == 1 else Together(events))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, record: Record) -> None:
        if self._file is None:
            raise RuntimeError("the journal is closed")
        text = line(record)
        try:
            written = 0
            while written < len(text):
                written += os.pwrite(self._file, text[written:], self._good + written)
            os.fsync(self._file)
        except BaseException:
            with contextlib.suppress(OSError):  # a half record is none: the next one is written over it
                os.ftruncate(self._file, self._good)
            raise
        self._good += len(text)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be written: {error.strerror}") from error


def _lock(path: Path, file: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:  # noqa: PERF203
            if time.monotonic() > deadline:
                raise InUseError(path) from error
            time.sleep(0.02)
        except OSError:  # a file system without locks: then without
            return
        else:
            return


def _keep_aside(path: Path) -> None:
    """Keep a copy of a damaged journal before its end is cut off."""
    aside = path.with_suffix(f".{secrets.token_hex(4)}.damaged")
    copy = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(copy, "wb") as file:
        file.write(path.read_bytes())
        file.flush()
        os.fsync(copy)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The file's name must be on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
