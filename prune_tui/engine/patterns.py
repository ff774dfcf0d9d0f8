"""Targets written as patterns: `*.weight`, `conv?.bias`, `layers.[0-3].*`, resolved to a model's tensors."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec
from torch import nn
from torch.nn.utils import parametrize

from prune_tui import name_patterns, steps
from prune_tui.engine import pruned, targets
from prune_tui.engine.targets import Target
from prune_tui.engine.walking import named_modules_of
from prune_tui.step_settings import StepError


def resolved(model: nn.Module, step: steps.Step) -> tuple[steps.Step, list[str]]:
    """A step whose targets are names, with what they were written as.

    What a pattern stands for is said in `prune_tui.name_patterns`. A tensor of that very name wins over what it
    would stand for as a pattern. Matches come in the order of the model, each once, a shared module by its first
    name.

    Args:
        model: The model.
        step: Its targets as written. One that was resolved before stays as it is.

    Returns:
        The step, and a note on what was matched and left out because the step cannot be done there.

    Raises:
        StepError: A pattern matches nothing, or nothing that the step can be done on.
    """
    if step.written or not any(_is_pattern(model, name) for name in step.targets):
        return step, []
    names: dict[str, None] = {}
    left_out: dict[str, str] = {}
    for name in step.targets:
        if _is_pattern(model, name):
            names |= dict.fromkeys(_fit(model, name, step, left_out))
        else:
            names[name] = None
    return msgspec.structs.replace(step, targets=tuple(names), written=step.targets), _told(left_out)


def _is_pattern(model: nn.Module, name: str) -> bool:
    if not name_patterns.has_wildcards(name):
        return False
    try:
        module, own = targets.locate(model, name)
    except StepError:
        return True
    return own not in pruned.base_names(module)


def _fit(model: nn.Module, pattern: str, step: steps.Step, left_out: dict[str, str]) -> list[str]:
    """The names a pattern matches, without those the step cannot be done on, which go to `left_out`."""
    known = list(_named(model))
    meant = set(name_patterns.matching(pattern, [target.path for target in known]))
    matched = [target for target in known if target.path in meant]
    if not matched:
        raise StepError(f"no tensor matches {pattern!r}{_nearest(pattern, [target.path for target in known])}")
    reasons = {target.path: _unfit(target, step) for target in matched}
    left_out |= {path: reason for path, reason in reasons.items() if reason}
    fit = [path for path, reason in reasons.items() if not reason]
    if not fit:
        why = next(iter(reasons.values()))
        raise StepError(f"{pattern!r} matches nothing that {steps.method_of(step).name} can be done on: {why}")
    return fit


def _named(model: nn.Module) -> Iterator[Target]:
    """Every tensor by the name people prune it by; a parametrized one by its own, not by what it is made of."""
    for path, module in named_modules_of(model):
        prefix = f"{path}." if path else ""
        if isinstance(module, parametrize.ParametrizationList):
            continue
        computed = _parametrized(module)
        for name in [*pruned.base_names(module), *computed]:
            yield Target(prefix + name, module, name)


def _parametrized(module: nn.Module) -> list[str]:
    held = module._modules["parametrizations"] if parametrize.is_parametrized(module) else None
    return [] if held is None else list(held._modules)


def _unfit(target: Target, step: steps.Step) -> str:
    """Why a step cannot be done on a tensor that a pattern matches; empty when it can."""
    try:
        targets.refuse_what_cannot_be_pruned(target, removing=isinstance(step, steps.Remove))
    except StepError as error:
        return str(error)
    if isinstance(step, steps.Remove) and target.mask is None:
        return f"{target.path} is not pruned"
    axes = target.parameter.dim()
    if steps.method_of(step).units == "channels" and axes < 2:
        return f"{target.path} is {axes}-D and has no channels"
    return ""


def _told(left_out: dict[str, str]) -> list[str]:
    """One note for all that was left out: a model may have hundreds of biases."""
    if not left_out:
        return []
    first = next(iter(left_out.values()))
    if len(left_out) == 1:
        return [f"left out: {first}"]
    return [f"left out: {targets.listed(left_out)}; {first}"]


def _nearest(pattern: str, names: list[str]) -> str:
    close = difflib.get_close_matches(pattern, names, n=2, cutoff=0.4)
    if close:
        return f"; the nearest {'are' if len(close) > 1 else 'is'} {' and '.join(close)}"
    return f"; there are {targets.listed(names)}" if names else "; this model has no parameters"
