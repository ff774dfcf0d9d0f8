"""What a pickle makes when a person lets it: torch's own loading, with names allowed or with trust."""

from __future__ import annotations

import functools
import importlib
import pickle
from pathlib import Path
from typing import Any

import torch

from prune_tui.engine import memory
from prune_tui.engine.raised import reason
from prune_tui.engine.sources import plain_names
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.import_path import searched_first
from prune_tui.engine.sources.source_error import SourceError

_TORCHS_REASON = "WeightsUnpickler error:"
"""Before the reason in what torch raises, which is long and speaks of torch.load's arguments."""


def load(path: Path, allowed: tuple[str, ...], *, trusted: bool, mapped: bool) -> Any:
    """Have torch load a file.

    Args:
        path: The file.
        allowed: Names of what it may use beside tensors, each of which the pickle names.
        trusted: It may use anything.
        mapped: Tensors can stay in the file; of the old format they are copied.

    Raises:
        SourceError: Its code raised something, or there is too little memory.
    """
    if not mapped:
        _afford(path)
    with searched_first(Path.cwd()), explained(f"{path} could not be loaded"):
        if trusted:
            return torch.load(path, map_location="cpu", weights_only=False, mmap=mapped)
        found: list[Any] = [(_imported(name), name) for name in sorted({*allowed, *plain_names.HARMLESS})]
        with torch.serialization.safe_globals(found):
            return _careful(path, mapped=mapped)


def _careful(path: Path, *, mapped: bool) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        torchs = str(error).partition(_TORCHS_REASON)[2].strip().partition("\n")[0]
        why = torchs[:300] or reason(error)
        raise SourceError(
            f"{path}: torch does not load it with names allowed alone: {why}. --trust lets it run whatever it"
            " brings"
        ) from error


def _imported(name: str) -> Any:
    """A class or function: `module.Name`, or `module.Outer.Name`."""
    parts = name.split(".")
    with explained(f"--allow {name} could not be imported"):
        for count in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:count])
            try:
                holder = importlib.import_module(module)
            except ModuleNotFoundError as error:
                if count == 1 or error.name is None or not f"{module}.".startswith(f"{error.name}."):
                    raise
                continue
            return functools.reduce(getattr, parts[count:], holder)
    raise SourceError(f"--allow {name}: write it as the refusal has it, module and name: argparse.Namespace")


def _afford(path: Path) -> None:
    size, there = path.stat().st_size, memory.free(torch.device("cpu"))
    if there is not None and size > there:
        raise SourceError(
            f"{path} is in torch's old format, which is read whole: that needs {memory.readable(size)} of memory,"
            f" and {memory.readable(there)} is free"
        )
