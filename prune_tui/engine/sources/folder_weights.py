"""Which file of a folder has the weights, and what its `config.json` says. Read without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune_tui.engine.sources import subfolders
from prune_tui.engine.sources.shard_index import read_json
from prune_tui.engine.sources.source_error import SourceError
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


def weights_of(folder: Path) -> Path:
    """The file of weights.

    Args:
        folder: With files of transformers' names, or one file of weights under any name.

    Raises:
        SourceError: There are no weights, or several and none of transformers' names.
    """
    return next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None) or _only_one(folder)


def passed_over(folder: Path, opened: Path) -> list[str]:
    """The names of other weights in a folder; none where a `config.json` says that all are of one model."""
    if (folder / "config.json").exists() or opened.name.endswith(".index.json"):
        return []
    return [name for name in _checkpoints(folder) if name != opened.name]


def config_of(folder: Path) -> Mapping[str, Any] | None:
    """A Hugging Face model's `config.json`; None where there is none.

    Raises:
        SourceError: It cannot be read.
    """
    config = folder / "config.json"
    return read_json(config) if config.is_file() else None


def architecture(config: Mapping[str, Any]) -> str:
    """The class that a `config.json` names; empty where it names none."""
    named = config.get("architectures")
    first = named[0] if isinstance(named, list) and named else None
    return first if isinstance(first, str) else ""


def is_described(config: Mapping[str, Any]) -> bool:
    """Whether a `config.json` says what model it is of; else transformers is not imported, for seconds."""
    return bool(architecture(config)) or isinstance(config.get("model_type"), str)


def has_transformers() -> bool:
    """Whether transformers is installed, which builds such models."""
    return importlib.util.find_spec("transformers") is not None


def _checkpoints(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir() if one.is_file() and one.name.endswith(_SUFFIXES))
    except OSError as error:
        raise SourceError(f"the folder {folder} cannot be read: {error.strerror}") from error


def _only_one(folder: Path) -> Path:
    names = _checkpoints(folder)
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
