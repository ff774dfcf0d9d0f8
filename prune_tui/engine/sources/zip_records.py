"""The records of a zip archive: where each lies in the file, so that it can be mapped and not read."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.source_file import SourceFile

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it, whose zipfile unpacks none either
    LZMAError = zlib.error  # type: ignore[assignment,misc]  # which is caught all the same

_MAGIC = b"PK\x03\x04"
_HEADER = 30
"""Bytes before the name of a record, where it lies; its last four are two lengths."""

DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, LZMAError),
    *(OSError, ValueError, EOFError, RuntimeError, LookupError),
)
"""What zipfile raises of archives; RuntimeError where one is encrypted or packed in a way it does not know."""
_SMALL = 1_000_000
_MOST_UNPACKED = 4
"""Times the archive's size that a record may have: torch packs none."""


class Place(NamedTuple):
    """Bytes in a file.

    Attributes:
        start: The first.
        size: How many.
    """

    start: int
    size: int


class Records:
    """What is in an archive.

    Args:
        file: Holds it.
        within: Where, if the archive is a record of another.

    Raises:
        SourceError: It is no whole zip archive.

    Attributes:
        names: Of the records, in order.
    """

    def __init__(self, file: SourceFile, within: Place | None = None) -> None:
        self._file = file
        self._within = within or Place(0, file.size)
        try:
            self._archive = zipfile.ZipFile(io.BufferedReader(_Window(file, self._within)))
            self._infos = self._archive.NameToInfo
        except DAMAGED as error:
            raise SourceError(
                f"{file.path} is no whole zip archive, which torch's files are: {error}. Was it copied to the end?"
            ) from error
        self.names = tuple(self._infos)
        # An archive within one that is cut off behind it would be taken for the whole.
        if min((info.header_offset for info in self._infos.values()), default=0) != 0:
            raise SourceError(f"{file.path} is damaged: its end belongs to an archive that begins within it")

    def place(self, name: str) -> Place:
        """Where a record lies that is stored as it is.

        Raises:
            SourceError: There is none, it is compressed or cut off.
        """
        size, info = self.size_of(name), self._info(name)
        header = self._file.bytes_at(self._within.start + info.header_offset, _HEADER)
        if len(header) < _HEADER or not header.startswith(_MAGIC):
            raise SourceError(f"{self._file.path} is damaged: its record {_shown(name)} is not where it should be")
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        start = info.header_offset + _HEADER + lengths
        if start + size > self._within.size:
            raise SourceError(f"{self._file.path} is cut off within its record {_shown(name)}")
        return Place(self._within.start + start, size)

    def size_of(self, name: str) -> int:
        """Bytes of a record, as the archive's list of contents has it.

        Raises:
            SourceError: There is none, or it is compressed.
        """
        info = self._info(name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise SourceError(
                f"{self._file.path}: its record {_shown(name)} is compressed, which torch's never are;"
                " pack it again without: zip -0"
            )
        return info.file_size

    def bytes_of(self, name: str, most: int) -> bytes:
        """A record, unpacked where it is compressed.

        Args:
            name: Its name.
            most: Bytes that it may have.

        Raises:
            SourceError: There is none, it is damaged or larger.
        """
        info = self._info(name)
        if info.file_size > min(most, max(_SMALL, _MOST_UNPACKED * self._within.size)):
            raise SourceError(
                f"{self._file.path}: its record {_shown(name)} unpacks to {info.file_size:,} bytes, and no"
                " model's has so many"
            )
        try:
            with self._archive.open(info) as record:
                return record.read(most)
        except DAMAGED as error:
            raise SourceError(
                f"{self._file.path} is damaged: its record {_shown(name)} cannot be read: {error}"
            ) from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        if name not in self._infos:
            raise SourceError(f"{self._file.path} is no whole file of torch: it has no record {_shown(name)}")
        return self._infos[name]


def looks_like(path: Path) -> bool:
    """Whether a file begins as an archive."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _shown(name: str) -> str:
    return repr(name if len(name) < 100 else f"{name[:99]}…")


class _Window(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, file: SourceFile, place: Place) -> None:
        self._file, self._place, self._at = file, place, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._place.size}[whence]
        if at < 0:
            raise ValueError("a place before its beginning")
        self._at = at
        return at

    def readinto(self, into: object) -> int:
        view = memoryview(into)  # type: ignore[arg-type]  # what can be written to
        count = max(0, min(len(view), self._place.size - self._at))
        found = self._file.bytes_at(self._place.start + self._at, count)
        view[: len(found)] = found
        self._at += len(found)
        return len(found)
