"""Taking back what saving does to tensors: other names of one, and the compact form's values and bits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine import memory
from prune_tui.engine.saved_metadata import PREFIX
from prune_tui.engine.sources import saved_names
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.step_settings import StepError


def unfolded(checkpoint: Checkpoint) -> Checkpoint:
    """The same with every tensor under each of its names, and compact ones as torch's pruning has them.

    A prefix that saving has put back is taken off again: the steps that the file tells of name tensors without it.

    Raises:
        SourceError: What the compact form tells does not fit together, or needs more memory than is free.
    """
    tensors, metadata = dict(checkpoint.tensors), checkpoint.metadata
    shapes = saved_names.compact_shapes(checkpoint.path, metadata)
    _check_memory(checkpoint, shapes)
    for name, shape in shapes.items():
        kept, packed = tensors.pop(f"{name}.kept", None), tensors.pop(f"{name}.mask", None)
        tensors[f"{name}_orig"], tensors[f"{name}_mask"] = _expanded(checkpoint, name, shape, kept, packed)
    saved_names.add_aliases(tensors, metadata)
    found = dataclasses.replace(checkpoint, tensors=tensors, compacted=len(shapes))
    prefix = metadata.get(PREFIX, "")
    return found.without_prefix(prefix) if prefix and not found.prefix else found


def _damaged(checkpoint: Checkpoint, how: str) -> SourceError:
    return saved_names.damaged(checkpoint.path, how)


def _check_memory(checkpoint: Checkpoint, shapes: Mapping[str, tuple[int, ...]]) -> None:
    if not shapes:
        return
    for name, shape in shapes.items():
        packed = checkpoint.tensors.get(f"{name}.mask")
        if packed is None or packed.numel() != -(-math.prod(shape) // 8):
            raise _damaged(checkpoint, f"{name[:80]} has no bits for a tensor of {shape}")
    values = sum(
        math.prod(shape) * checkpoint.tensors[f"{name}.kept"].itemsize
        for name, shape in shapes.items()
        if f"{name}.kept" in checkpoint.tensors
    )
    try:
        memory.check(f"{checkpoint.path}, which is compact,", {torch.device("cpu"): 2 * values})
    except StepError as error:
        raise SourceError(str(error)) from error


def _expanded(
    checkpoint: Checkpoint, name: str, shape: tuple[int, ...], kept: Tensor | None, packed: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Values with zeros under the mask, and the mask in their dtype."""
    if kept is None or packed is None or packed.dtype != torch.uint8:
        raise _damaged(checkpoint, f"the kept values or the bits of {name} are missing")
    alive = torch.from_numpy(np.unpackbits(packed.numpy(), count=math.prod(shape)).astype(bool))
    if kept.dim() != 1:
        raise _damaged(checkpoint, f"the kept values of {name} have {kept.dim()} axes instead of one")
    if int(alive.sum()) != kept.numel():
        raise _damaged(checkpoint, f"{name} has {kept.numel():,} values for {int(alive.sum()):,} kept entries")
    values = torch.zeros(math.prod(shape), dtype=kept.dtype)
    values[alive] = kept
    return values.view(shape), alive.view(shape).to(kept.dtype)
