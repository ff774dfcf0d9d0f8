"""A safetensors file: its header is read, its tensors are mapped.

The library checks the header, but reads the whole file into the page cache for each tensor handed out
(safetensors 0.8.0: 1.3 GB of 1.3 GB after `get_tensor` of all); so the places are read here and mapped.
The format: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from prune_tui.engine.sources.checkpoint import Checkpoint, in_order
from prune_tui.engine.sources.loaded import SourceError
from prune_tui.engine.sources.mapped_file import MappedFile

_LENGTH = 8
"""Bytes of the number that says how long the header is."""
_LONGEST = 100_000_000
"""Bytes of a header, as the library has it."""

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "U16": torch.uint16,
    "I16": torch.int16,
    "U32": torch.uint32,
    "I32": torch.int32,
    "U64": torch.uint64,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
    "C64": torch.complex64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": getattr(torch, "float8_e8m0fnu", None),  # since torch 2.7
}
"""What the format has, by its names; None for what this torch has not."""


def looks_like(path: Path) -> bool:
    """Whether a file begins as one: a length, then an object of JSON."""
    with path.open("rb") as file:
        start = file.read(_LENGTH + 1)
    return (
        len(start) > _LENGTH and start[_LENGTH:] == b"{" and int.from_bytes(start[:_LENGTH], "little") <= _LONGEST
    )


def read(path: Path) -> Checkpoint:
    """Open a file.

    Raises:
        SourceError: It is damaged; says how.
    """
    file = MappedFile(path)
    _check(path)
    header = _header(file)
    data = _LENGTH + int.from_bytes(file.bytes_at(0, _LENGTH), "little")
    metadata = header.pop("__metadata__", {})
    # The library sorts tensors by dtype and then as text, layers.10 before layers.2.
    entries = sorted(header.items(), key=lambda entry: in_order(entry[0]))
    return Checkpoint(
        path,
        "safetensors file",
        {name: _tensor(file, name, entry, data) for name, entry in entries},
        files=(file,),
        metadata=metadata,
    )


def _check(path: Path) -> None:
    """Have the library check the header against the file: lengths, overlaps, gaps, dtypes."""
    try:
        with safe_open(path, "numpy"):
            pass
    except (SafetensorError, OSError, ValueError) as error:
        raise SourceError(
            f"{path} is no whole safetensors file: {str(error).strip()}. Was it copied to the end?"
        ) from error


def _header(file: MappedFile) -> dict[str, Any]:
    length = int.from_bytes(file.bytes_at(0, _LENGTH), "little")
    try:
        found: dict[str, Any] = json.loads(file.bytes_at(_LENGTH, length))
    except (ValueError, RecursionError) as error:  # another one than the library has just checked
        raise SourceError(f"{file.path} is no safetensors file: its header cannot be read: {error}") from error
    return found


def _tensor(file: MappedFile, name: str, entry: dict[str, Any], data: int) -> Tensor:
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        raise SourceError(
            f"{file.path}: {name} is of dtype {entry['dtype']}, which torch {torch.__version__} has no tensor for"
        )
    return file.tensor(dtype, tuple(entry["shape"]), data + entry["data_offsets"][0])
