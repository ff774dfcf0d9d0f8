"""A checkpoint in several files, by the index that says which tensor is in which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from prune_tui.engine.sources import shard_index
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.tensor_names import in_order


def read(path: Path, read_shard: Callable[[Path], Checkpoint]) -> Checkpoint:
    """Open all files that an index names; others beside them are left alone.

    Args:
        path: The index, `model.safetensors.index.json`.
        read_shard: Opens one of them.

    Raises:
        SourceError: The index or a file is damaged or missing; names it.
    """
    index = shard_index.read(path)
    shards = {name: read_shard(file) for name, file in index.files.items()}
    tensors = {name: _tensor(path, name, shard, shards[shard]) for name, shard in index.places.items()}
    metadata = dict(index.metadata)
    for shard in shards.values():
        metadata |= shard.metadata
    first = next(iter(shards.values()))
    return Checkpoint(
        path,
        f"{len(shards)} {first.kind}s",
        {name: tensors[name] for name in sorted(tensors, key=in_order)},
        shards=index.places,
        files=tuple(file for shard in shards.values() for file in shard.files),
        metadata=metadata,
        wrappers=first.wrappers,
        index=path,
    )


def _tensor(index: Path, name: str, shard: str, checkpoint: Checkpoint) -> Tensor:
    found = checkpoint.tensors.get(name)
    if found is None:
        raise shard_index.lacks(index, name, shard)
    return found
