"""A Hugging Face model's folder: `config.json` beside the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from prune_tui.engine.sources import subfolders
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.loaded import SourceError
from prune_tui.engine.sources.sharded import read_json
from prune_tui.engine.sources.telling_names import some
from prune_tui.told_names import typed

_WEIGHTS = (
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
"""In the order in which transformers looks for them."""
_SUFFIXES = (".index.json", ".safetensors", ".bin", ".pt", ".pth", ".pt2", ".npz")


def read(folder: Path, read_file: Callable[[Path], Checkpoint]) -> Checkpoint:
    """Open the weights in a folder.

    Args:
        folder: With files of transformers' names, or one file of weights under any name.
        read_file: Opens a file.

    Raises:
        SourceError: There are no weights, or several and none of transformers' names.
    """
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None) or _only_one(folder)
    found = read_file(weights)
    notes = (*found.notes, *subfolders.notes_on(folder))
    config = folder / "config.json"
    if not config.is_file():
        return dataclasses.replace(found, path=folder, notes=notes)
    kind = f"Hugging Face folder, {found.kind}"
    try:
        held = read_json(config)
    except SourceError as error:
        notes = (*notes, f"the modules are known by the names of their tensors alone: {error}")
        return dataclasses.replace(found, path=folder, kind=kind, notes=notes)
    return dataclasses.replace(found, path=folder, config=held, kind=kind, notes=notes)


def _only_one(folder: Path) -> Path:
    try:
        names = sorted(one.name for one in folder.iterdir() if one.is_file() and one.name.endswith(_SUFFIXES))
    except OSError as error:
        raise SourceError(f"the folder {folder} cannot be read: {error.strerror}") from error
    indices = [name for name in names if name.endswith(".index.json")]
    found = indices or names
    if len(found) == 1:
        return folder / found[0]
    if not found:
        below = subfolders.with_weights(folder)
        instead = f"; there are some in {some(below)}: {subfolders.opens(folder, below)}" if below else ""
        raise SourceError(
            f"there are no weights in the folder {folder}: no file ends in {', '.join(_SUFFIXES)}{instead}"
        )
    raise SourceError(
        f"the folder {folder} holds {len(found)} checkpoints, {some(found)};"
        f" name one of them: prune-tui {typed(folder / found[0])}"
    )
