"""A checkpoint in several files, by the index that says which tensor is in which."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from prune_tui.engine.sources.checkpoint import Checkpoint, in_order
from prune_tui.engine.sources.loaded import SourceError

SUFFIX = ".index.json"
_LARGEST = 200_000_000
"""Bytes of an index."""
_LONGEST_NAME = 255
"""Bytes of a file's name."""


def looks_like(path: Path) -> bool:
    """Whether a file is an index: JSON with a `weight_map`."""
    return path.suffix == ".json" and (path.name.endswith(SUFFIX) or "weight_map" in read_json(path))


def read(path: Path, read_shard: Callable[[Path], Checkpoint]) -> Checkpoint:
    """Open all files that an index names; others beside them are left alone.

    Args:
        path: The index, `model.safetensors.index.json`.
        read_shard: Opens one of them.

    Raises:
        SourceError: The index or a file is damaged or missing; names it.
    """
    index = read_json(path)
    places = index.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise SourceError(f"{path} is no index of a checkpoint: it has no weight_map")
    strange = next((shard for shard in places.values() if not isinstance(shard, str)), None)
    if strange is not None or None in places.values():
        raise SourceError(f"{path} names the file {strange!r:.80}; only files beside the index are opened")
    files = {shard: _file(path, shard) for shard in dict.fromkeys(places.values())}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        raise SourceError(
            f"{path} names {len(files)} files, and {len(missing)} of them are missing: {', '.join(missing[:5])}"
            f"{' …' if len(missing) > 5 else ''}. Fetch them into {path.parent}"
        )
    shards = {name: read_shard(file) for name, file in files.items()}
    tensors = {name: _tensor(path, name, shard, shards[shard]) for name, shard in places.items()}
    metadata = {
        name: str(text) for name, text in _object(index.get("metadata")).items() if isinstance(text, (str, int))
    }
    for shard in shards.values():
        metadata |= shard.metadata
    first = next(iter(shards.values()))
    return Checkpoint(
        path,
        f"{len(shards)} {first.kind}s",
        {name: tensors[name] for name in sorted(tensors, key=in_order)},
        shards=places,
        files=tuple(file for shard in shards.values() for file in shard.files),
        metadata=metadata,
        wrappers=first.wrappers,
        index=path,
    )


def read_json(path: Path) -> dict[str, Any]:
    """A file with one JSON object.

    Raises:
        SourceError: It holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise SourceError(f"{path} has {path.stat().st_size:,} bytes of JSON: more than any model needs")
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceError(f"{path} holds no JSON object")
    return found


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _file(index: Path, shard: str) -> Path:
    """Where a shard is: beside the index, and nowhere else."""
    usable = 0 < len(shard.encode(errors="replace")) <= _LONGEST_NAME and "\0" not in shard
    if not usable or shard != Path(shard).name or shard in {".", ".."}:
        raise SourceError(f"{index} names the file {shard[:80]!r}; only files beside the index are opened")
    if shard.endswith(".json"):
        raise SourceError(f"{index} names an index as one of its files, {shard[:80]!r}; only tensors can be there")
    return index.parent / shard


def _tensor(index: Path, name: str, shard: str, checkpoint: Checkpoint) -> Tensor:
    found = checkpoint.tensors.get(name)
    if found is None:
        raise SourceError(f"{index} says that {name} is in {shard}, which holds no such tensor")
    return found
