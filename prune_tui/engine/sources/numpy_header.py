"""What NumPy's files say of their arrays, read without torch: one array (`.npy`) or a zip of them (`.npz`).

The formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

from __future__ import annotations

import contextlib
import io
import math
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from prune_tui.engine.sources import zip_records
from prune_tui.engine.sources.numpy_kind import LOCAL_HEADER, MAGIC, SUFFIX
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.source_file import SourceFile
from prune_tui.engine.sources.telling_names import some

_MOST = 2**62
"""Entries that torch and NumPy count up to, also where one axis is empty."""

DTYPES = {
    np.dtype(name): name
    for name in (
        *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}
"""Those of arrays that can be tensors, with torch's names."""


class Header(NamedTuple):
    """What stands before an array's entries.

    Attributes:
        dtype: Of an entry, byte order included.
        shape: Their numbers.
        turned: They stand in Fortran's order, the first axis fastest.
        length: Bytes of the header.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    turned: bool
    length: int

    @property
    def size(self) -> int:
        """Bytes of the entries."""
        return math.prod(self.shape) * self.dtype.itemsize


class Member(NamedTuple):
    """An array in a file.

    Attributes:
        name: It.
        header: What its header says.
        start: Where its entries are in the file, where they stand there uncompressed.
        read: Its entries' bytes.
    """

    name: str
    header: Header
    start: int | None
    read: Callable[[], bytes]

    @property
    def torchs_dtype(self) -> str:
        """What torch calls it; empty where it has none like it."""
        return DTYPES.get(self.header.dtype.newbyteorder("="), "")

    @property
    def can_be_mapped(self) -> bool:
        """Whether memory can look as the file does."""
        as_in_memory = self.header.dtype.isnative and not self.header.turned
        return self.start is not None and as_in_memory and self.start % self.header.dtype.itemsize == 0


class Arrays(NamedTuple):
    """What is in a file.

    Attributes:
        kind: What it is, in words.
        known: What can be a tensor.
        others: What cannot.
    """

    kind: str
    known: list[Member]
    others: list[Member]

    @property
    def told(self) -> list[str]:
        """The others for a sentence."""
        return [f"{one.name} ({_told(one.header.dtype)})" for one in self.others]


def read(file: SourceFile) -> Arrays:
    """Read the headers of a file.

    Raises:
        SourceError: It is damaged, or holds no array of numbers.
    """
    if file.bytes_at(0, len(MAGIC)) == MAGIC:
        return _sorted(file, "NumPy array", [_single(file)])
    with _whole(file.path), zipfile.ZipFile(file.path) as archive:
        return _sorted(file, "NumPy archive", [_member(file, archive, one) for one in archive.infolist()])


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What zipfile raises of damaged archives, as a sentence."""
    try:
        yield
    except zip_records.DAMAGED as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"{path} is no whole .npz file: {str(error)[:200]}. Was it copied to the end?"
        ) from error


def _sorted(file: SourceFile, kind: str, members: list[Member]) -> Arrays:
    name, count = next(iter(Counter(one.name for one in members).most_common(1)), ("", 0))
    if count > 1:
        raise SourceError(f"{file.path} holds {count} arrays of the name {name[:80]}")
    known = [one for one in members if one.torchs_dtype]
    found = Arrays(kind, known, [one for one in members if not one.torchs_dtype])
    if not known:
        raise SourceError(
            f"{file.path} holds no array that can be a tensor: {some(found.told) or 'it holds none at all'}"
        )
    return found


def _told(dtype: np.dtype[np.generic]) -> str:
    return "Python objects, which are not unpickled" if dtype.hasobject else f"dtype {str(dtype)[:40]}"


# ---------------------------------------------------------------- where the entries are


def _single(file: SourceFile) -> Member:
    header = _header(file.path, file.path.name, io.BytesIO(file.bytes_at(0, min(file.size, 1 << 20))))
    if header.length + header.size != file.size and not header.dtype.hasobject:
        raise SourceError(
            f"{file.path} has {file.size:,} bytes instead of {header.length + header.size:,}."
            " Was it copied to the end?"
        )
    name = file.path.stem.replace(".", "_") or "array"
    return Member(name, header, header.length, lambda: file.bytes_at(header.length, header.size))


def _member(file: SourceFile, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    with archive.open(info) as stream:
        header = _header(file.path, info.filename, stream)
    if header.length + header.size != info.file_size and not header.dtype.hasobject:
        raise SourceError(
            f"{file.path}: {info.filename[:80]} has {info.file_size:,} bytes instead of"
            f" {header.length + header.size:,}"
        )
    start = None
    if info.compress_type == zipfile.ZIP_STORED:
        start = _start(file, info) + header.length

    def entries() -> bytes:
        """Never more than the header says, whatever is packed there."""
        with _whole(file.path), zipfile.ZipFile(file.path) as again, again.open(info) as stream:
            stream.read(header.length)
            return stream.read(header.size)

    return Member(info.filename.removesuffix(SUFFIX), header, start, entries)


def _start(file: SourceFile, info: zipfile.ZipInfo) -> int:
    """Where a member's data begin: behind a second header of its own, whose extra field may be another."""
    local = file.bytes_at(info.header_offset, LOCAL_HEADER)
    lengths = local[26:28], local[28:30]
    return info.header_offset + LOCAL_HEADER + sum(int.from_bytes(one, "little") for one in lengths)


def _header(path: Path, name: str, stream: IO[bytes]) -> Header:
    try:
        version = np.lib.format.read_magic(stream)
        reader = _READERS[version]
        shape, turned, dtype = reader(io.BytesIO(_described(stream, 2 if version == (1, 0) else 4)))
    except KeyError:
        raise SourceError(
            f"{path}: {name[:80]} is an array of a version that NumPy {np.__version__} has not"
        ) from None
    except Exception as error:  # NumPy has Python's own tokenizer and parser read it, which raise what they like
        raise SourceError(f"{path}: {name[:80]} has no header of an array: {str(error)[:200]}") from error
    if any(length < 0 for length in shape) or math.prod(max(length, 1) for length in shape) >= _MOST:
        raise SourceError(f"{path}: {name[:80]} claims a shape of {str(shape)[:80]}")
    return Header(dtype, shape, turned, stream.tell())


def _described(stream: IO[bytes], width: int) -> bytes:
    """The header behind its length, which NumPy would believe: a few bytes can claim gigabytes."""
    length = stream.read(width)
    claimed = int.from_bytes(length, "little")
    if claimed > _LONGEST_HEADER:
        raise ValueError(f"it claims a header of {claimed:,} bytes")
    return length + stream.read(claimed)


_LONGEST_HEADER = 1 << 20
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # but that names of fields, which no tensor has, are UTF-8
}
