"""A Hugging Face model's folder: `config.json` beside the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from prune_tui.engine.sources import folder_weights, subfolders
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.telling_names import some


def read(folder: Path, read_file: Callable[[Path], Checkpoint]) -> Checkpoint:
    """Open the weights in a folder.

    Args:
        folder: With files of transformers' names, or one file of weights under any name.
        read_file: Opens a file.

    Raises:
        SourceError: There are no weights, or several and none of transformers' names.
    """
    file = folder_weights.weights_of(folder)
    found = read_file(file)
    notes = (*found.notes, *_passed_over(folder, file), *subfolders.notes_on(folder))
    kind = f"Hugging Face folder, {found.kind}"
    try:
        config = folder_weights.config_of(folder)
    except SourceError as error:
        notes = (*notes, f"the modules are known by the names of their tensors alone: {error}")
        return dataclasses.replace(found, path=folder, kind=kind, notes=notes)
    if config is None:
        return dataclasses.replace(found, path=folder, notes=notes)
    return dataclasses.replace(found, path=folder, config=config, kind=kind, notes=notes)


def _passed_over(folder: Path, file: Path) -> Iterator[str]:
    names = folder_weights.passed_over(folder, file)
    if names:
        yield f"{file.name} was opened, not {some(names)}: {subfolders.opens(folder, names)}"
