"""Choosing how to read a checkpoint, by looking at it: names lie, and `.bin` says nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prune_tui.engine.sources import (
    distributed_folder,
    model_folder,
    numpy_file,
    numpy_kind,
    old_torch_file,
    safetensors_file,
    safetensors_header,
    shard_index,
    sharded,
    torch_archive,
)
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.saved_forms import unfolded
from prune_tui.engine.sources.source_error import SourceError


class _Kind(NamedTuple):
    looks_like: Callable[[Path], bool]
    read: Callable[[Path, Asked], Checkpoint]


def read(path: Path, asked: Asked = Asked()) -> Checkpoint:  # noqa: B008 - a constant
    """Open a checkpoint.

    Args:
        path: A file or a folder.
        asked: What a person has said of it.

    Raises:
        SourceError: It cannot be opened; says why and what to do.
    """
    found = unfolded(_as_it_is(path, asked))
    # Not before: an index names what is in its files by whole names, and one file alone may have all of a module.
    return found.without_prefix(*found.wrappers)


def _as_it_is(path: Path, asked: Asked) -> Checkpoint:
    try:
        if path.is_dir() and distributed_folder.looks_like(path):
            return distributed_folder.read(path, asked.key)
        if path.is_dir():
            return model_folder.read(path, lambda file: _as_it_is(file, asked))
        if not path.exists():
            raise SourceError(f"there is no file {path}")
        if not path.is_file():
            raise SourceError(f"{path} is no ordinary file")
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty: it has no bytes")
        kind = next((one for one in _KINDS if one.looks_like(path)), None)
        if kind is not None:
            return kind.read(path, asked)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    raise SourceError(f"{path} is no checkpoint that prune-tui knows: {_KNOWN}")


_KNOWN = (
    "safetensors files, what torch.save, torch.jit.save and torch.export.save write, NumPy's files, indices of"
    " such files, folders with them, and those of torch.distributed.checkpoint are opened"
)
_KINDS = (
    _Kind(safetensors_header.looks_like, lambda path, _: safetensors_file.read(path)),
    _Kind(numpy_kind.looks_like, lambda path, _: numpy_file.read(path)),
    _Kind(shard_index.looks_like, lambda path, asked: sharded.read(path, lambda file: _as_it_is(file, asked))),
    _Kind(torch_archive.looks_like, torch_archive.read),
    _Kind(old_torch_file.looks_like, old_torch_file.read),
)
