"""What `torch.distributed.checkpoint` writes of a checkpoint beside it: which piece of which tensor is where.

The file `.metadata` is a pickle; it is not unpickled, but read as an outline: nothing is imported or called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from prune_tui.engine.sources import described_tensors, pickle_outline
from prune_tui.engine.sources.pickled_objects import Entries, Global, Made
from prune_tui.engine.sources.source_error import SourceError

NAME = ".metadata"
_PACKAGE = "torch.distributed.checkpoint."
_LARGEST = 500_000_000
"""Bytes of the file."""
_MOST_DIMENSIONS = 64
_OTHERS = {"torch.Size", "torch.serialization._get_layout"}
_PATHS = {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"}
"""What else the file names, beside dtypes: `torch.Size`, the layout of tensors, and the path it was saved to."""


class Piece(NamedTuple):
    """A part of a tensor, or all of it.

    Attributes:
        start: Index of its first entry, along each axis.
        shape: Its numbers of entries.
        file: The name of the file it is in, beside `.metadata`.
        offset: Of its first byte there.
        length: Its bytes, in torch's format.
        name: Of its tensor, as it was written.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    file: str
    offset: int
    length: int
    name: str


class Described(NamedTuple):
    """A tensor.

    Attributes:
        dtype: Of its entries.
        shape: Their numbers.
        pieces: Which make it up.
    """

    dtype: torch.dtype
    shape: tuple[int, ...]
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of its entries."""
        return math.prod(self.shape) * self.dtype.itemsize


OTHER = object()
"""Stands for what is no tensor."""


def read(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, nested as it was saved.

    Args:
        path: The file.

    Returns:
        Dictionaries by name, of `Described` tensors and `OTHER`.

    Raises:
        SourceError: It is damaged, or names what torch does not write there.
    """
    if path.stat().st_size > _LARGEST:
        raise SourceError(f"{path} has {path.stat().st_size:,} bytes: more than any model needs")
    with path.open("rb") as stream:
        outline = pickle_outline.read(stream, str(path))
    strange = [str(name) for name in outline.names if not _is_known(name)]
    if strange:
        raise SourceError(
            f"{path} names {strange[0][:100]}, which is none of torch.distributed.checkpoint's classes;"
            " save the checkpoint without it"
        )
    metadata = _fields(path, outline.value)
    held = _entries(path, metadata, "state_dict_metadata")
    places = _places(path, metadata)
    found = {str(name): _described(path, str(name), one, places) for name, one in held.items()}
    return _nested(found, metadata.get("planner_data"))


def _is_known(name: Global) -> bool:
    of_torch = name.module == "torch" and isinstance(getattr(torch, name.name, None), (torch.dtype, torch.layout))
    of_paths = name.module.split(".")[0] == "pathlib" and name.name in _PATHS
    return name.module.startswith(_PACKAGE) or str(name) in _OTHERS or of_torch or of_paths


# ---------------------------------------------------------------- fields of its classes


def _damaged(path: Path, how: str) -> SourceError:
    return SourceError(f"{path} is damaged: {how}")


def _fields(path: Path, made: Any) -> Mapping[str, Any]:
    state = made.state if isinstance(made, Made) else None
    if not isinstance(state, Entries):
        raise _damaged(path, "something in it has no fields")
    return state


def _entries(path: Path, fields: Mapping[str, Any], name: str) -> Mapping[Any, Any]:
    found = fields.get(name)
    if not isinstance(found, Entries):
        raise _damaged(path, f"it has no {name}")
    return found


def _numbers(path: Path, value: Any) -> tuple[int, ...]:
    """A `torch.Size`."""
    found = described_tensors.numbers(value)
    if found is None or not all(0 <= one < 2**62 for one in found):
        raise _damaged(path, "a size in it is no row of whole numbers")
    if len(found) > _MOST_DIMENSIONS or math.prod(max(one, 1) for one in found) >= 2**60:
        raise _damaged(path, "a tensor in it has more entries or axes than there can be")
    return found


class _Bytes(NamedTuple):
    file: str
    offset: int
    length: int


def _places(path: Path, metadata: Mapping[str, Any]) -> dict[tuple[str, tuple[int, ...]], _Bytes]:
    """Where the bytes of each piece are, by the tensor's name and the piece's start."""
    found = {}
    for key, one in _entries(path, metadata, "storage_data").items():
        index = _fields(path, key.arguments if isinstance(key, Made) and key.of is None else key)
        name, start = index.get("fqn"), index.get("offset")
        if not isinstance(name, str):
            raise _damaged(path, "a piece in it has no name")
        if start is not None:
            found[name, _numbers(path, start)] = _bytes(path, name, _fields(path, one))
    return found


def _bytes(path: Path, name: str, fields: Mapping[str, Any]) -> _Bytes:
    file, offset, length = (fields.get(one) for one in ("relative_path", "offset", "length"))
    if fields.get("transform_descriptors"):
        raise SourceError(f"{path}: {name[:80]} is stored by an extension, as compressed; save it without")
    if not isinstance(file, str) or file != Path(file).name or file in {"", ".", ".."} or "\0" in file:
        told = repr(file[:80]) if isinstance(file, str) else f"a {type(file).__name__}"
        raise SourceError(f"{path} names the file {told}; only files beside it are opened")
    if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
        raise _damaged(path, f"the bytes of {name[:80]} have no place")
    return _Bytes(file, offset, length)


def _described(path: Path, name: str, made: Any, places: Mapping[tuple[str, tuple[int, ...]], _Bytes]) -> Any:
    if not described_tensors.called(made).endswith(".TensorStorageMetadata"):
        return OTHER
    fields = _fields(path, made)
    properties, chunks = fields.get("properties"), fields.get("chunks")
    state = properties.state if isinstance(properties, Made) else None
    dtype = getattr(torch, state[0].name, None) if isinstance(state, tuple) and _is_global(state) else None
    if not isinstance(dtype, torch.dtype) or not isinstance(chunks, list):
        raise _damaged(path, f"{name[:80]} has no dtype or no pieces")
    shape, pieces = _numbers(path, fields.get("size")), []
    for chunk in chunks:
        sizes = _fields(path, chunk)
        start, extent = _numbers(path, sizes.get("offsets")), _numbers(path, sizes.get("sizes"))
        if (name, start) not in places:
            raise _damaged(path, f"it does not say where the piece of {name[:80]} at {start} is")
        pieces.append(Piece(start, extent, *places[name, start], name))
    return Described(dtype, shape, tuple(pieces))


def _is_global(state: tuple[Any, ...]) -> bool:
    return bool(state) and isinstance(state[0], Global)


def _nested(found: Mapping[str, Any], paths: Any) -> dict[str, Any]:
    """As it was before it was flattened: `model.fc.weight` may have been `fc.weight` in `model`."""
    nested: dict[str, Any] = {}
    for name, value in found.items():
        path = paths.get(name) if isinstance(paths, Entries) else None
        path = path if isinstance(path, tuple) and all(isinstance(place, (str, int)) for place in path) else ()
        *above, own = map(str, path or (name,))
        into = nested
        for place in above:
            inner = into.setdefault(place, {})
            if not isinstance(inner, dict):
                break
            into = inner
        else:
            into[own] = value
            continue
        nested[name] = value
    return nested
