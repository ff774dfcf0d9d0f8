"""Checkpoints in pieces, as several ranks write them, made in one process."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)


def write(folder: Path, tensors: dict[str, list[tuple[tuple[int, ...], Tensor]]], **changes: Any) -> Path:
    """Write pieces by name: where each begins, and it. The pieces of one tensor go to a file each.

    Args:
        folder: It is made.
        tensors: The pieces.
        changes: Fields of the metadata.
    """
    folder.mkdir(exist_ok=True)
    described: dict[str, Any] = {}
    places: dict[MetadataIndex, _StorageInfo] = {}
    streams: dict[str, io.BytesIO] = {}
    for name, pieces in tensors.items():
        ends = [[a + b for a, b in zip(start, piece.shape, strict=True)] for start, piece in pieces]
        size = torch.Size(max(column) for column in zip(*ends, strict=True))
        chunks = [ChunkStorageMetadata(torch.Size(start), piece.shape) for start, piece in pieces]
        described[name] = TensorStorageMetadata(TensorProperties(pieces[0][1].dtype), size, chunks)
        for rank, (start, piece) in enumerate(pieces):
            stream = streams.setdefault(f"__{rank}_0.distcp", io.BytesIO())
            offset = stream.tell()
            content = io.BytesIO()
            torch.save(piece.clone(), content)
            stream.write(content.getvalue())
            places[MetadataIndex(name, start)] = _StorageInfo(f"__{rank}_0.distcp", offset, stream.tell() - offset)
    described["epoch"] = BytesStorageMetadata()
    metadata = Metadata(described, {name: (name,) for name in described}, places)
    for field, value in changes.items():
        setattr(metadata, field, value)
    for file, stream in streams.items():
        (folder / file).write_bytes(stream.getvalue())
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    return folder
