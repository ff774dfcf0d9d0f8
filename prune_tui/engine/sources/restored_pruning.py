"""Giving a model the pruning that a checkpoint holds: hooks for its masks, and what is known of how they came."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import hooks, pruned
from prune_tui.engine.exports import recipe_reader
from prune_tui.engine.exports.recipe import Recipe
from prune_tui.engine.past import Past
from prune_tui.engine.saved_metadata import RECIPE, TOOK
from prune_tui.engine.sources import method_histories
from prune_tui.engine.walking import named_modules_of
from prune_tui.step_settings import StepError
from prune_tui.view_rows import HistoryRow


def restore(model: nn.Module, metadata: Mapping[str, str]) -> tuple[Past, tuple[str, ...]]:
    """Attach torch's own hooks where `weight_orig` and `weight_mask` stand, and return what is known of the past.

    Args:
        model: Changed in place.
        metadata: Of the checkpoint.

    Returns:
        The past, and what a person should know.
    """
    pairs = list(_pairs(model))
    past, notes = _read(metadata)
    methods_of, unreadable = _methods(metadata)
    history = _by_target(past)
    recorded: dict[prune.BasePruningMethod, HistoryRow] = {}
    unknown = []
    for path, module, name in pairs:
        target = f"{path}.{name}" if path else name
        known, methods = history.get(target, []), methods_of.get(target, [])
        if not known and not methods:
            unknown.append(target)
        methods = methods or [prune.CustomFromMask(None) for _ in known] or [prune.CustomFromMask(None)]
        # Of methods that were there before the first step that is told of, only the class is known.
        own = methods[-len(known) :] if len(known) <= len(methods) else []
        recorded |= {
            method: HistoryRow(type(method).__name__, _told(step, method), took, 0)
            for (step, took), method in zip(known, own, strict=False)
        }
        _attach(module, name, methods)
    notes = (*notes, *unreadable)
    if pairs:
        told = "1 tensor is" if len(pairs) == 1 else f"{len(pairs)} tensors are"
        how = "" if not unknown else "; how is not told in the file" if len(unknown) == len(pairs) else ""
        notes = (*notes, f"{told} pruned in this checkpoint{how}")
    elif past.took:
        done = "1 step was" if len(past.took) == 1 else f"{len(past.took)} steps were"
        notes = (*notes, f"{done} done to this checkpoint; the zeros stand in its values")
    return dataclasses.replace(past, recorded=recorded), notes


def _pairs(model: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Every `weight_orig` with a `weight_mask` of its shape and no hook: module path, module, `weight`."""
    for path, module in named_modules_of(model):
        for stored, original in list(module._parameters.items()):
            name = stored.removesuffix("_orig")
            kept = pruned.held(module._buffers, f"{name}_mask")
            if original is None or kept is None or name == stored or pruned.is_pruned(module, name):
                continue
            if kept.shape == original.shape and name not in module._parameters:
                yield path, module, name


def _read(metadata: Mapping[str, str]) -> tuple[Past, tuple[str, ...]]:
    text = metadata.get(RECIPE, "")
    if not text:
        return Past(), ()
    try:
        recipe_reader.parsed(text, RECIPE)
        took = tuple(_counts(one) for one in json.loads(metadata.get(TOOK, "[]")))
    except (StepError, ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        return Past(), (f"the steps that the checkpoint tells of cannot be read: {error}",)
    return Past(text, took), ()


def _counts(one: Any) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in one.items()}


def _by_target(past: Past) -> dict[str, list[tuple[steps.Step, int]]]:
    """The steps whose masks lie over each other, for each target; `remove` ends what was before."""
    found: dict[str, list[tuple[steps.Step, int]]] = {}
    if not past.recipe:
        return found
    recipe: Recipe = recipe_reader.parsed(past.recipe, RECIPE)
    for number, one in enumerate(recipe.steps):
        took = past.took[number] if number < len(past.took) else {}
        for target in one.resolved or one.step.targets:
            if isinstance(one.step, steps.Remove):
                found.pop(target, None)
            elif not steps.method_of(one.step).repair:
                found.setdefault(target, []).append((one.step, took.get(target, -1)))
    return found


def _methods(
    metadata: Mapping[str, str],
) -> tuple[Mapping[str, list[prune.BasePruningMethod]], tuple[str, ...]]:
    try:
        return method_histories.read(metadata), ()
    except ValueError as error:
        return {}, (str(error),)


def _told(step: steps.Step, method: prune.BasePruningMethod) -> str:
    return hooks.settings_text(method) if type(method).__name__ == type(step).__name__ else steps.describe(step)


def _attach(module: nn.Module, name: str, methods: list[prune.BasePruningMethod]) -> None:
    """What torch leaves after these methods; their masks are in the module's buffer."""
    kept: Tensor = module._buffers[f"{name}_mask"]  # type: ignore[assignment]  # _pairs has seen it
    for method in methods:
        method._tensor_name = name
    last = methods[-1]
    if isinstance(last, prune.CustomFromMask):
        last.mask = kept
    hook = last
    if len(methods) > 1:
        hook = prune.PruningContainer(methods[0])
        for method in methods[1:]:
            hook.add_pruning_method(method)
    module.register_forward_pre_hook(hook)
