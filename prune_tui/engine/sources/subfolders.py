"""What weights lie below a model's folder: of a SentenceTransformer's later modules, or of other exports of it.

They are not of the model that the folder itself holds: that is opened, pruned and saved without them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from prune_tui.engine.sources.telling_names import some
from prune_tui.told_names import typed

_MODULES = "modules.json"
"""Lists the modules of a SentenceTransformer, each with the subfolder it is in."""
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".npz")
_LARGEST = 1_000_000
"""Bytes of such a list."""


def modules_in(folder: Path) -> frozenset[str]:
    """The subfolders that a SentenceTransformer loads modules from; none where the folder is of something else."""
    try:
        file = folder / _MODULES
        listed = json.loads(file.read_bytes()) if file.stat().st_size <= _LARGEST else []
    except (OSError, ValueError, RecursionError):
        return frozenset()
    paths = [one.get("path") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = {path for path in paths if isinstance(path, str) and path and path == Path(path).name}
    return frozenset(name for name in names if name not in {".", ".."} and "\0" not in name)


def with_weights(folder: Path) -> list[str]:
    """The subfolders with weights, by name."""
    with contextlib.suppress(OSError):
        inside = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
        return [one.name for one in inside if any(_weights(one))]
    return []


def _weights(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (one for one in folder.iterdir() if one.is_file() and one.name.endswith(_WEIGHTS))


def notes_on(folder: Path) -> Iterator[str]:
    """What is said of weights below a folder whose own are opened."""
    modules, found = modules_in(folder), with_weights(folder)
    copied, left = ([one for one in found if (one in modules) == kept] for kept in (True, False))
    if copied:
        yield (
            f"the weights in {some(copied)} are not shown: {opens(folder, copied)}; they are copied as they are"
            " when the model is saved as a folder"
        )
    if left:
        yield f"the weights in {some(left)} are neither shown nor copied: {opens(folder, left)}"


def opens(folder: Path, names: list[str]) -> str:
    """How the first of some subfolders is opened."""
    return f"prune-tui {typed(folder / names[0])} opens {'those' if len(names) == 1 else 'the first'}"
