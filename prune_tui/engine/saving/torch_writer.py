"""Writing a state_dict as `torch.save` does, for `torch.load(..., weights_only=True)`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from prune_tui.engine import memory
from prune_tui.engine.saving.forms import Formed

METADATA = "prune_tui"
"""Where the metadata stand in a state_dict's `_metadata`, whose other names are those of modules."""


def write(path: Path, formed: Formed, metadata: Mapping[str, str]) -> None:
    """Write a file.

    Args:
        path: The file.
        formed: What is to be written; tensors that are one in the model are one in the file.
        metadata: Texts; they stand where `load_state_dict` does not look.

    Raises:
        StepError: What has to be worked out needs more memory than is free.
    """
    made = sum(piece.bytes for piece in formed.pieces if piece.memory is None)
    what = f"saving to a file of {path.suffix}"
    memory.check(
        what, {torch.device("cpu"): made}, "save to a .safetensors file, which is written one tensor at a time"
    )
    tensors = {piece.name: _of_its_own(piece.make()) for piece in formed.pieces}
    state: OrderedDict[str, object] = OrderedDict(tensors)
    state.update({name: tensors[known] for name, known in formed.aliases.items()})
    state.update(formed.others)
    state._metadata = {METADATA: dict(metadata)}  # type: ignore[attr-defined]  # as `Module.state_dict` has it
    torch.save(state, path)


def _of_its_own(tensor: Tensor) -> Tensor:
    """A tensor whose memory holds nothing else: torch.save writes the whole of it."""
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
    return tensor if whole else tensor.clone()
