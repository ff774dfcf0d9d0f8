"""A model from a checkpoint without its code."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from prune_tui.engine.sources import folder_weights, named_modules, transformers_model
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.sources.restored_pruning import restore
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.source_names import base_name


def load(checkpoint: Checkpoint, device: torch.device | None) -> Loaded:
    """The modules that its `config.json` describes, or the tree of its names, with the pruning that it holds.

    A module that its pickle was let to make is taken as it is.

    Args:
        checkpoint: What was read.
        device: Where to copy the tensors to; None leaves them where they are mapped.

    Raises:
        SourceError: Its module cannot be moved there.
    """
    if checkpoint.module is not None:
        return Loaded(_moved(checkpoint.module, device), checkpoint=checkpoint, notes=checkpoint.notes)
    if folder_weights.is_described(checkpoint.config) and not checkpoint.refusal:
        try:
            return transformers_model.load(checkpoint, device)
        except SourceError as error:
            note = f"the modules are known by the names of their tensors alone: {error}"
            checkpoint = dataclasses.replace(checkpoint, notes=(*checkpoint.notes, note))
    return _named(checkpoint, device)


def _named(checkpoint: Checkpoint, device: torch.device | None) -> Loaded:
    tensors = checkpoint.tensors
    if device is not None:
        tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    model, left_out = named_modules.tree_of(tensors, base_name(checkpoint.path))
    past, notes = restore(model, checkpoint.metadata)
    told = [f"{name} is not shown: {reason}" for name, reason in left_out.items()]
    checkpoint = dataclasses.replace(checkpoint, unplaced={name: checkpoint.tensors[name] for name in left_out})
    return Loaded(model, checkpoint=checkpoint, past=past, notes=(*checkpoint.notes, *told, *notes))


def _moved(model: nn.Module, device: torch.device | None) -> nn.Module:
    with explained(f"the model could not be moved to {device}"):
        return model if device is None else model.to(device)
