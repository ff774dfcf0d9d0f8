"""A Hugging Face model's folder: `config.json` beside the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from prune_tui.engine.sources import folder_weights
from prune_tui.engine.sources.checkpoint import Checkpoint


def read(folder: Path, read_file: Callable[[Path], Checkpoint]) -> Checkpoint:
    """Open the weights in a folder.

    Args:
        folder: With files of transformers' names, or one file of weights under any name.
        read_file: Opens a file.

    Raises:
        SourceError: There are no weights, or several and none of transformers' names.
    """
    found, config = read_file(folder_weights.weights_of(folder)), folder_weights.config_of(folder)
    if config is None:
        return dataclasses.replace(found, path=folder)
    return dataclasses.replace(found, path=folder, config=config, kind=f"Hugging Face folder, {found.kind}")
