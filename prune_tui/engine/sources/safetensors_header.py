"""What the header of a safetensors file says of its tensors, read without torch.

The format: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from prune_tui.engine.sources.dtype_names import ITEMSIZES
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.source_file import SourceFile
from prune_tui.engine.sources.tensor_names import in_order

_LENGTH = 8
"""Bytes of the number that says how long the header is."""
_LONGEST = 100_000_000
"""Bytes of a header, as the library has it."""
_MOST_DIMENSIONS = 64

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}
"""What the format has, by its names; with torch's."""


class Entry(NamedTuple):
    """A tensor in the file.

    Attributes:
        dtype: As the format calls it.
        shape: Its sizes.
        start: Its first byte in the file.
        bytes: Of its entries.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    bytes: int


class Header(NamedTuple):
    """What a header says.

    Attributes:
        tensors: By name, in the order that people count in.
        metadata: What the file says of itself.
    """

    tensors: Mapping[str, Entry]
    metadata: Mapping[str, str]


def looks_like(path: Path) -> bool:
    """Whether a file begins as one: a length, then an object of JSON."""
    with path.open("rb") as file:
        start = file.read(_LENGTH + 1)
    return (
        len(start) > _LENGTH and start[_LENGTH:] == b"{" and int.from_bytes(start[:_LENGTH], "little") <= _LONGEST
    )


def length_of(file: SourceFile) -> int:
    """Bytes of the header."""
    return int.from_bytes(file.bytes_at(0, _LENGTH), "little")


def read(file: SourceFile) -> Header:
    """Read a header, after the library has checked it against the file: lengths, overlaps, gaps, dtypes.

    Raises:
        SourceError: The file is damaged; says how.
    """
    _check(file.path)
    return parsed(file)


def parsed(file: SourceFile) -> Header:
    """What a header says, whether that is so or not.

    Raises:
        SourceError: It is no header.
    """
    length = length_of(file)
    try:
        header: dict[str, Any] = json.loads(file.bytes_at(_LENGTH, length))
        metadata, data = header.pop("__metadata__", None) or {}, _LENGTH + length
        if not isinstance(metadata, dict):
            raise TypeError("its metadata are no object")
        # The library sorts tensors by dtype and then as text, layers.10 before layers.2.
        names = sorted(header, key=in_order)
        return Header({name: _entry(header[name], data) for name in names}, metadata)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise SourceError(f"{file.path} is no safetensors file: its header cannot be read: {error}") from error


def _entry(told: Mapping[str, Any], data: int) -> Entry:
    start, end = told["data_offsets"]
    if type(start) is not int or type(end) is not int or not isinstance(told["dtype"], str):
        raise TypeError("a tensor's dtype is no text, or where it lies no whole number")
    return Entry(told["dtype"], tuple(told["shape"]), data + start, end - start)


def is_whole(file: SourceFile, header: Header) -> bool:
    """Whether a file looks to be what its header says: the library knows better, but imports NumPy for it.

    Every tensor's bytes follow those of the one before, and the last one's end the file.
    """
    at, tensors = (
        _LENGTH + length_of(file),
        sorted(header.tensors.values(), key=lambda one: (one.start, one.bytes)),
    )
    for one in tensors:
        itemsize = ITEMSIZES.get(DTYPES.get(one.dtype, ""), 0)
        counts = len(one.shape) <= _MOST_DIMENSIONS and all(type(size) is int and size >= 0 for size in one.shape)
        if not counts or one.start != at or not itemsize or math.prod(one.shape) * itemsize != one.bytes:
            return False
        at += one.bytes
    return at == file.size and all(isinstance(text, str) for text in header.metadata.values())


def _check(path: Path) -> None:
    try:
        with safe_open(path, "numpy"):
            pass
    except (SafetensorError, OSError, ValueError) as error:
        raise SourceError(
            f"{path} is no whole safetensors file: {str(error).strip()}. Was it copied to the end?"
        ) from error
