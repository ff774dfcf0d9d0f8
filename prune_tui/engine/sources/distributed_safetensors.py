"""Pieces of tensors that `torch.distributed.checkpoint` has written in the format of safetensors.

`FileSystemWriter(serialization_format=SAFETENSORS)` puts one safetensors file behind what is no tensor, in each
file of a rank; `.metadata` tells where it begins. `HuggingFaceStorageWriter(save_distributed=True)` writes such
files alone, and nothing that describes them: each tells where its pieces begin in the whole tensors. See
`torch/distributed/checkpoint/filesystem.py` and `hf_storage.py` of torch 2.13.0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from prune_tui.engine.sources.distributed_metadata import Described, Piece
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.safetensors_file import DTYPES
from prune_tui.engine.sources.source_error import SourceError

_SHARDS = re.compile(r"shard-[0-9]+-model-[0-9]+-of-[0-9]+\.safetensors")
_STARTS, _START = "DCP_SHARDING_INFO", "saved_offsets"
_TEXTS = "__metadata__"
_LENGTH, _LONGEST = 8, 100_000_000
"""Bytes of the number that says how long a header is, and of a header, as safetensors has it."""
_MOST_DIMENSIONS = 64
_TOO_MANY = 2**60


def shards_in(folder: Path) -> list[Path]:
    """The files that ranks have written without a description; none where the folder is of another kind."""
    names = [one.name for one in folder.iterdir() if one.is_file()]
    if any(name.endswith(".index.json") for name in names):
        return []
    return [folder / name for name in sorted(names) if _SHARDS.fullmatch(name)]


class _Entry(NamedTuple):
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int


class Part:
    """A safetensors file that stands in a file of a rank, or is one.

    Args:
        file: The file.
        offset: Where it begins there.

    Raises:
        SourceError: It is damaged.
    """

    def __init__(self, file: MappedFile, offset: int = 0) -> None:
        self._file = file
        length = int.from_bytes(file.bytes_at(offset, _LENGTH), "little")
        self._data = offset + _LENGTH + length
        try:
            if length > _LONGEST:
                raise ValueError(f"it would have {length:,} bytes")
            header = json.loads(file.bytes_at(offset + _LENGTH, length))
            texts = header.pop(_TEXTS, {})
            self._starts = {name: one[_START] for name, one in json.loads(texts.get(_STARTS, "{}")).items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._damaged(f"its header at byte {offset:,} cannot be read: {error!r}") from error
        self._header: Mapping[str, Any] = header

    @staticmethod
    def is_at(file: MappedFile, offset: int) -> bool:
        """Whether one begins there, and not what `torch.save` writes."""
        return file.bytes_at(offset, _LENGTH + 1)[_LENGTH:] == b"{"

    def _damaged(self, how: str) -> SourceError:
        return SourceError(f"{self._file.path} is damaged: {how[:300]}")

    def pieces(self) -> Iterator[tuple[str, torch.dtype, Piece]]:
        """The names of its tensors, with where each piece lies in the whole."""
        for name in self._header:
            entry = self._entry(name)
            size = math.prod(entry.shape) * entry.dtype.itemsize
            start = self._start(name, (0,) * len(entry.shape))
            yield name, entry.dtype, Piece(start, entry.shape, self._file.path.name, 0, size, name)

    def tensor(self, piece: Piece) -> Tensor:
        """A piece, on the file's memory.

        Raises:
            SourceError: It is not there: of one tensor, torch keeps the last piece that it puts into a file.
        """
        entry = self._entry(piece.name)
        if self._start(piece.name, piece.start) != piece.start:
            raise self._damaged(
                f"torch has written another piece of {piece.name[:80]} over the one at {piece.start}"
            )
        return self._file.tensor(entry.dtype, entry.shape, self._data + entry.begin)

    def _start(self, name: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
        return self._numbers(name, self._starts[name]) if name in self._starts else otherwise

    def _entry(self, name: str) -> _Entry:
        held = self._header.get(name)
        told = held if isinstance(held, dict) else {}
        dtype = DTYPES.get(str(told.get("dtype")))
        shape, place = (self._numbers(name, told.get(one)) for one in ("shape", "data_offsets"))
        if dtype is None or len(place) != 2 or place[1] - place[0] != math.prod(shape) * dtype.itemsize:
            raise self._damaged(f"its header does not tell the dtype, or where the bytes are, of {name[:80]}")
        return _Entry(dtype, shape, place[0])

    def _numbers(self, name: str, found: Any) -> tuple[int, ...]:
        row = found if isinstance(found, list) and len(found) <= _MOST_DIMENSIONS else [None]
        if all(type(one) is int and 0 <= one < _TOO_MANY for one in row):
            return tuple(row)
        raise self._damaged(f"its header tells of {name[:80]} what is no row of whole numbers")


def described(files: Mapping[str, MappedFile]) -> dict[str, Described]:
    """The tensors that the shards of all ranks make up, as large as their pieces reach.

    Args:
        files: The shards, by name.

    Raises:
        SourceError: One is damaged.
    """
    dtypes: dict[str, torch.dtype] = {}
    pieces: dict[str, list[Piece]] = {}
    for file in files.values():
        for name, dtype, piece in Part(file).pieces():
            dtypes.setdefault(name, dtype)
            pieces.setdefault(name, []).append(piece)
    return {name: Described(dtypes[name], _reach(name, own), tuple(own)) for name, own in pieces.items()}


def _reach(name: str, pieces: list[Piece]) -> tuple[int, ...]:
    if len({len(axes) for piece in pieces for axes in (piece.start, piece.shape)}) > 1:
        raise SourceError(f"the pieces of {name[:80]} have not the same number of axes: a file is damaged")
    ends = [[a + b for a, b in zip(one.start, one.shape, strict=True)] for one in pieces]
    found = tuple(map(max, zip(*ends, strict=True)))
    if math.prod(max(one, 1) for one in found) >= _TOO_MANY:
        raise SourceError(f"the pieces of {name[:80]} reach further than a tensor can: a file is damaged")
    return found
