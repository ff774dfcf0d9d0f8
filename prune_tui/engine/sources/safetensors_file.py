"""A safetensors file: its header is read, its tensors are mapped.

The library checks the header, but reads the whole file into the page cache for each tensor handed out
(safetensors 0.8.0: 1.3 GB of 1.3 GB after `get_tensor` of all); so the places are read here and mapped.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from prune_tui.engine.sources import safetensors_header
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.safetensors_header import Entry
from prune_tui.engine.sources.source_error import SourceError

DTYPES: dict[str, torch.dtype | None] = {
    name: getattr(torch, torchs, None) for name, torchs in safetensors_header.DTYPES.items()
}
"""What the format has, by its names; None for what this torch has not: float8_e8m0fnu came with 2.7."""


def read(path: Path) -> Checkpoint:
    """Open a file.

    Raises:
        SourceError: It is damaged; says how.
    """
    file = MappedFile(path)
    header = safetensors_header.read(file)
    return Checkpoint(
        path,
        "safetensors file",
        {name: _tensor(file, name, entry) for name, entry in header.tensors.items()},
        files=(file,),
        metadata=header.metadata,
    )


def _tensor(file: MappedFile, name: str, entry: Entry) -> Tensor:
    dtype = DTYPES.get(entry.dtype)
    if dtype is None:
        raise SourceError(
            f"{file.path}: {name} is of dtype {entry.dtype}, which torch {torch.__version__} has no tensor for"
        )
    return file.tensor(dtype, entry.shape, entry.start)
