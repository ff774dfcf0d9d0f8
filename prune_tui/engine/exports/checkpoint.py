"""A model's state_dict as a file, for torch.load or safetensors."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from prune_tui.engine.exports.whole_file import written_whole
from prune_tui.engine.reading import why_no_values
from prune_tui.step_settings import StepError


def save(model: nn.Module, path: Path, *, overwrite: bool) -> int:
    """Write a model's state_dict; what is pruned as torch has it, `weight_orig` and `weight_mask`.

    Args:
        model: The model.
        path: `.safetensors`, or any other name for what `torch.load(..., weights_only=True)` reads. safetensors
            has no shared tensors: there a tensor is written once, and the metadata give its other names.
        overwrite: It may replace another file.

    Returns:
        Its size in bytes.

    Raises:
        ExistsError: There is a file already.
        StepError: It cannot be written; nothing is half written.
    """
    state = model.state_dict()
    with written_whole(path, overwrite=overwrite) as beside:
        try:
            if path.suffix == ".safetensors":
                tensors, names = _each_once(state, path)
                save_file(tensors, beside, metadata={"format": "pt", **names})
            else:
                torch.save(state, beside)
        except (OSError, StepError):
            raise
        except Exception as error:  # torch and safetensors have errors of their own for a full disk
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise StepError(f"{path} cannot be written: {reason}; it is as it was before") from error
        return beside.stat().st_size


def _each_once(state: dict[str, object], path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors under their first names, and which other names stand for which, as `safetensors.save_model`."""
    first: dict[object, str] = {}
    tensors: dict[str, Tensor] = {}
    names: dict[str, str] = {}
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise StepError(
                f"{name} is a {type(tensor).__name__}; safetensors holds tensors only: write a .pt file"
            )
        reason = why_no_values(tensor)
        if reason:
            raise StepError(f"{name} cannot be written to {path}: {reason}")
        known = first.setdefault(_memory(tensor) if tensor.numel() else name, name)
        if known != name:
            names[name] = known
            continue
        whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
        held = tensor.detach()
        tensors[name] = held.contiguous() if whole else held.clone(memory_format=torch.contiguous_format)
    return tensors, names


def _memory(tensor: Tensor) -> object:
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.device
