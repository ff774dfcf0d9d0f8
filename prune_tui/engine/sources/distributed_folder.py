"""A folder that `torch.distributed.checkpoint` wrote: tensors in pieces, in a file for each rank."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.sources import distributed_metadata, distributed_safetensors, enough_memory, parts
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.distributed_metadata import Described, Piece
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.telling_names import some

_NOT_COUNTED = "put together from {:,} files of ranks; whether there were more of them stands in none"


def looks_like(folder: Path) -> bool:
    """Whether there is a description of pieces in a folder, or files of pieces that need none."""
    return (folder / distributed_metadata.NAME).is_file() or bool(distributed_safetensors.shards_in(folder))


def read(folder: Path, key: str) -> Checkpoint:
    """Open a folder; its tensors are read, as the pieces do not lie in the files as in memory.

    Args:
        folder: With `.metadata` and the files it names, or with the shards of ranks alone.
        key: Which part of a trainer's dictionary is wanted; empty leaves that to the names.

    Raises:
        SourceError: It is damaged, or does not fit into memory.
    """
    metadata = folder / distributed_metadata.NAME
    shards = [] if metadata.is_file() else distributed_safetensors.shards_in(folder)
    try:
        held = _held(shards) if shards else distributed_metadata.read(metadata)
        part = parts.choose(held, key, lambda one: isinstance(one, Described), lambda _: False)
    except parts.NoPartError as error:
        raise SourceError(f"{folder}: {error}") from error
    except OSError as error:
        raise SourceError(f"{metadata} cannot be read: {error.strerror or error}") from error
    described: dict[str, Described] = dict(part.tensors)
    for name, one in described.items():
        _check_whole(folder if shards else metadata, name, one)
    files = _files(folder, described)
    longest = max((piece.length for one in described.values() for piece in one.pieces), default=0)
    enough_memory.check(f"reading {folder}", sum(one.size for one in described.values()) + 2 * longest)
    pieces = _Pieces(files)
    return Checkpoint(
        folder,
        "distributed checkpoint",
        {name: _tensor(pieces, name, one) for name, one in described.items()},
        shards={} if shards else {name: one.pieces[0].file for name, one in described.items() if one.pieces},
        chosen=part.key,
        others=part.others,
        left_out=part.left_out,
        notes=(*part.notes, *([_NOT_COUNTED.format(len(shards))] if shards else [])),
    )


def _held(shards: Sequence[Path]) -> Mapping[str, Described]:
    return distributed_safetensors.described({shard.name: MappedFile(shard) for shard in shards})


def _check_whole(metadata: Path, name: str, described: Described) -> None:
    """Make sure that every entry of a tensor is in one piece, and no piece beyond it."""
    axes = len(described.shape)
    boxes = [(piece.start, piece.shape) for piece in described.pieces]
    within = all(
        len(start) == len(shape) == axes
        and all(a + b <= size for a, b, size in zip(start, shape, described.shape, strict=True))
        for start, shape in boxes
    )
    counted = sum(_count(shape) for _, shape in boxes) if within else -1
    if counted != _count(described.shape) or _overlap(boxes, axes):
        raise SourceError(
            f"{metadata} is damaged: the pieces of {name[:80]} do not make up a tensor of {described.shape}"
        )


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _overlap(boxes: list[tuple[tuple[int, ...], tuple[int, ...]]], axes: int) -> bool:
    if len(boxes) < 2 or not axes:
        return len(boxes) > 1
    starts = np.array([start for start, _ in boxes], np.int64)
    ends = starts + np.array([shape for _, shape in boxes], np.int64)
    return any(
        bool(((starts[at] < ends[at + 1 :]) & (starts[at + 1 :] < ends[at])).all(axis=1).any())
        for at in range(len(boxes) - 1)
    )


def _files(folder: Path, described: Mapping[str, Described]) -> dict[str, MappedFile]:
    """The files of all pieces, which must be there and long enough before anything is read."""
    pieces = list(itertools.chain.from_iterable(one.pieces for one in described.values()))
    names = list(dict.fromkeys(piece.file for piece in pieces))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SourceError(
            f"{folder} lacks {len(missing)} of {len(names)} files: {some(missing)}. Copy them from the other ranks"
        )
    files = {name: MappedFile(folder / name) for name in names}
    for piece in pieces:
        file = files[piece.file]
        if piece.offset + piece.length > file.size:
            raise SourceError(
                f"{file.path} is cut off: a piece ends at byte {piece.offset + piece.length:,} of {file.size:,}"
            )
    return files


class _Pieces:
    """The pieces of tensors in files.

    Args:
        files: By name.
    """

    def __init__(self, files: Mapping[str, MappedFile]) -> None:
        self.files = files
        self._parts: dict[tuple[str, int], distributed_safetensors.Part] = {}

    def tensor(self, name: str, piece: Piece) -> Tensor:
        """One of them."""
        file, place = self.files[piece.file], (piece.file, piece.offset)
        if place not in self._parts:
            if not distributed_safetensors.Part.is_at(file, piece.offset):
                return _unpickled(file, name, piece)
            self._parts[place] = distributed_safetensors.Part(file, piece.offset)
        return self._parts[place].tensor(piece)


def _tensor(pieces: _Pieces, name: str, described: Described) -> Tensor:
    whole = torch.empty(described.shape, dtype=described.dtype)
    for piece in described.pieces:
        found = pieces.tensor(name, piece)
        if found.dtype != described.dtype or tuple(found.shape) != piece.shape:
            raise SourceError(
                f"{pieces.files[piece.file].path} is damaged: a piece of {name[:80]} is {found.dtype} of"
                f" {tuple(found.shape)} instead of {described.dtype} of {piece.shape}"
            )
        place = tuple(slice(start, start + size) for start, size in zip(piece.start, piece.shape, strict=True))
        whole[place] = found
    return whole


def _unpickled(file: MappedFile, name: str, piece: Piece) -> Tensor:
    """A tensor as `torch.save` wrote it; its pickle may name nothing but what tensors are made of."""
    content = io.BytesIO(file.bytes_at(piece.offset, piece.length))
    try:
        with zipfile.ZipFile(content) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > piece.length:  # torch packs nothing: this would be made to fill the memory
            raise ValueError(f"its {piece.length:,} bytes would become {unpacked:,}")
        content.seek(0)
        found = torch.load(content, map_location="cpu", weights_only=True)
        if type(found) is not Tensor or found.layout is not torch.strided or found.is_quantized:
            raise TypeError("it is no ordinary tensor")
    except Exception as error:  # what torch.load raises of damaged bytes has no common class
        raise SourceError(
            f"{file.path}: a piece of {name[:80]}, at byte {piece.offset:,}, cannot be read: {str(error)[:200]}"
        ) from error
    return found
