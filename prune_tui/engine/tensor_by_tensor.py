"""Whether a recipe is done to a model tensor by tensor, or what of the model it holds in memory."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from prune_tui import steps
from prune_tui.engine import bits, pruned
from prune_tui.engine.exports.model_place import SAFETENSORS, is_folder
from prune_tui.engine.exports.recipe import Recipe
from prune_tui.engine.named import can_be_packed, never_called
from prune_tui.engine.session import Session
from prune_tui.engine.walking import modules_of, named_modules_of, parameters_of


def why_not(session: Session, recipe: Recipe, output: Path | None) -> str:
    """Why more of a model is held in memory than one tensor and the masks' bits; empty where that is all.

    Args:
        session: On the model, as it was opened.
        recipe: What is to be done.
        output: Where it is to be saved; None where it is not.
    """
    checkpoint = session.checkpoint
    if checkpoint is None or not checkpoint.files or checkpoint.refusal:
        return "the model is not mapped from files"
    if any(parameter.device.type != "cpu" for parameter in parameters_of(session.model)):
        return "the model was copied to another device"
    if output is not None and not (is_folder(output) or output.suffix == SAFETENSORS):
        return f"{output.suffix} files are written whole"
    for one in recipe.steps:
        if isinstance(one.step, steps.Remove):
            return f"{one.place} is a remove, which changes values (--form removed is written without)"
        if steps.method_of(one.step).repair:
            return f"{one.place} is a repair"
    return _of_tensors(session.model)


def begin(session: Session) -> None:
    """Have a session hold no more than that. Its model is pruned and saved, and never called."""
    never_called(modules_of(session.model))


def _of_tensors(model: nn.Module) -> str:
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            mask, parameter = pruned.mask(module, name), pruned.parameter_of(module, name)
            where = f"{path}.{name}" if path else name
            if parameter is not None and not can_be_packed(parameter):
                return f"the entries of {where} do not lie in the order of their indices"
            if mask is not None and not bits.is_binary(mask):
                return f"the mask of {where} holds more than zeros and ones"
    return ""
