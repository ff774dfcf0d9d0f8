"""A Hugging Face model's folder: `config.json` beside the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.loaded import SourceError
from prune_tui.engine.sources.sharded import read_json

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
    config = folder / "config.json"
    if not config.is_file():
        return dataclasses.replace(found, path=folder)
    return dataclasses.replace(
        found, path=folder, config=read_json(config), kind=f"Hugging Face folder, {found.kind}"
    )


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
        raise SourceError(f"there are no weights in the folder {folder}: no file ends in {', '.join(_SUFFIXES)}")
    some = f"{', '.join(found[:5])}{' …' if len(found) > 5 else ''}"
    raise SourceError(
        f"the folder {folder} holds {len(found)} checkpoints, {some};"
        f" name one of them: prune-tui {folder / found[0]}"
    )
