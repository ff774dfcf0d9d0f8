"""Whether a model and a recipe can be streamed, or why not."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from prune_tui import steps
from prune_tui.engine import pruned
from prune_tui.engine.exports.model_place import SAFETENSORS, is_folder
from prune_tui.engine.exports.recipe import Recipe
from prune_tui.engine.saving.mask_values import is_binary
from prune_tui.engine.session import Session
from prune_tui.engine.walking import named_modules_of, parameters_of


def why_not(session: Session, recipe: Recipe, output: Path | None) -> str:
    """Why steps are done to the model in memory; empty where they can be done tensor by tensor.

    Args:
        session: On the model, as it was opened.
        recipe: What is to be done.
        output: Where it is to be saved; None where it is not.
    """
    checkpoint = session.checkpoint
    if checkpoint is None or not checkpoint.files or checkpoint.refusal or session.edits():
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
    return _of_masks(session.model)


def _of_masks(model: nn.Module) -> str:
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            mask, parameter = pruned.mask(module, name), pruned.parameter_of(module, name)
            if mask is not None and (parameter is None or mask.dtype != parameter.dtype or not is_binary(mask)):
                return f"the mask of {path}.{name} holds more than zeros and ones"
    return ""
