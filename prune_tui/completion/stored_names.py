"""The modules of a checkpoint, by the names in the header of its file: without torch, without a value."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from prune_tui.source_names import DEMO, is_path

_LONGEST_HEADER = 100_000_000
"""Bytes, as the safetensors library has it."""
_IN_FOLDER = ("model.safetensors.index.json", "model.safetensors")
_COMPACT = "prune_tui.compact"


def module_names(source: str) -> list[str]:
    """The modules of a source whose header tells them, in its order; nothing of another, or of a damaged one."""
    try:
        names = _tensor_names(_file(source))
    except (OSError, ValueError, RuntimeError):  # what is wrong with it is told when it is opened
        return []
    found: dict[str, None] = {}
    for name in names:
        module, _, _ = name.rpartition(".")
        parts = module.split(".") if module else []
        found |= dict.fromkeys(".".join(parts[: depth + 1]) for depth in range(len(parts)))
    return list(found)


def _file(source: str) -> Path:
    """The file that has the names.

    Raises:
        ValueError: The source is Python code.
    """
    if source == DEMO:
        package = importlib.util.find_spec("prune_tui")
        places = (package and package.submodule_search_locations) or [""]
        return Path(places[0], "demo", "lenet.safetensors")
    if not is_path(source):
        raise ValueError(source)
    path = Path(source).expanduser()
    return next((path / name for name in _IN_FOLDER if (path / name).is_file()), path) if path.is_dir() else path


def _tensor_names(path: Path) -> list[str]:
    """The tensors of a safetensors file, or of several by their index; of the compact form by their own names.

    Raises:
        OSError: It cannot be read.
        ValueError: It is neither.
    """
    if path.suffix == ".json":
        return [*_checked(_object(path.read_bytes()).get("weight_map", {}))]
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"{path} is no safetensors file")
        header = _object(file.read(length))
    told = header.pop("__metadata__", {})
    compact = _object(told.get(_COMPACT, "{}")) if isinstance(told, dict) else {}
    return [name for name in header if name.rpartition(".")[0] not in compact] + [*compact]


def _object(text: object) -> dict[str, Any]:
    if not isinstance(text, bytes | str):
        raise ValueError("no text")
    return _checked(json.loads(text))


def _checked(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
