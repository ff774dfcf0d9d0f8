"""The index of a checkpoint in several files: which tensor is in which. Read without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from prune_tui.engine.sources.source_error import SourceError

SUFFIX = ".index.json"
_LARGEST = 200_000_000
"""Bytes of an index."""
_LONGEST_NAME = 255
"""Bytes of a file's name."""


class Index(NamedTuple):
    """What an index says.

    Attributes:
        places: The file that each tensor is in, by the tensor's name.
        files: Where these files are, by their names; all of them are there.
        metadata: What the index says of itself.
    """

    places: Mapping[str, str]
    files: Mapping[str, Path]
    metadata: Mapping[str, str]


def looks_like(path: Path) -> bool:
    """Whether a file is an index: JSON with a `weight_map`."""
    return path.suffix == ".json" and (path.name.endswith(SUFFIX) or "weight_map" in read_json(path))


def read(path: Path) -> Index:
    """Read an index.

    Args:
        path: `model.safetensors.index.json`.

    Raises:
        SourceError: It is damaged, or a file that it names is missing; names it.
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
    metadata = {
        name: str(text) for name, text in _object(index.get("metadata")).items() if isinstance(text, (str, int))
    }
    return Index(places, files, metadata)


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


def lacks(index: Path, name: str, shard: str) -> SourceError:
    """What to raise where a file has not what the index says that it has."""
    return SourceError(f"{index} says that {name} is in {shard}, which holds no such tensor")
