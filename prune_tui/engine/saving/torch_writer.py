"""Writing a state_dict as `torch.save` does, for `torch.load(..., weights_only=True)`."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from prune_tui.engine import memory
from prune_tui.engine.reading import why_no_values
from prune_tui.engine.saving.forms import Formed
from prune_tui.step_settings import StepError

METADATA = "prune_tui"
"""Where the metadata stand in a state_dict's `_metadata`, whose other names are those of modules."""


def write(path: Path, formed: Formed, metadata: Mapping[str, str]) -> None:
    """Write a file.

    Args:
        path: The file.
        formed: What is to be written; tensors that are one in the model are one in the file.
        metadata: Texts; they stand where `load_state_dict` does not look.

    Raises:
        StepError: What has to be worked out needs more memory than is free, or something beside the tensors is
            what `torch.load(..., weights_only=True)` does not load.
    """
    _check_loads(formed.others)
    made = sum(piece.bytes for piece in formed.pieces if piece.computed)
    instead = "save to a .safetensors file, which is written one tensor at a time"
    memory.check("saving to a file for torch.load", {torch.device("cpu"): made}, instead)
    tensors = {piece.name: _of_its_own(piece.make()) for piece in formed.pieces}
    held = {**tensors, **{name: tensors[known] for name, known in formed.aliases.items()}, **formed.others}
    state = OrderedDict((name, held[name]) for name in formed.order)
    # As `Module.state_dict` has it: loading into a module asks for the version that its class had then.
    state._metadata = OrderedDict({**_loadable(formed.modules), METADATA: dict(metadata)})  # type: ignore[attr-defined]
    torch.save(state, path)


def _check_loads(others: Mapping[str, object]) -> None:
    for name, other in others.items():
        reason = _why_not_loaded(other)
        if reason:
            raise StepError(
                f"{name} is a {type(other).__name__}, which torch.load(..., weights_only=True) does not load:"
                f" {reason}; allow it with torch.serialization.add_safe_globals, or have the module's"
                " get_extra_state return tensors, numbers and texts"
            )


def _loadable(modules: Mapping[str, object]) -> dict[str, object]:
    """What is noted of modules, but for what would keep the file from being loaded."""
    if not _why_not_loaded(dict(modules)):  # hardly ever otherwise; one look for all
        return dict(modules)
    return {path: note for path, note in modules.items() if not _why_not_loaded(note)}


def _why_not_loaded(value: object) -> str:
    """Why `weights_only=True` refuses it; empty where it does not."""
    file = io.BytesIO()
    try:
        torch.save(value, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception as error:  # noqa: BLE001 - whatever a person's class raises, pickle, or torch
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ""


def _of_its_own(tensor: Tensor) -> Tensor:
    """A tensor whose memory holds nothing else: torch.save writes the whole of it."""
    if why_no_values(tensor):
        return tensor
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
    return tensor if whole else tensor.clone()
