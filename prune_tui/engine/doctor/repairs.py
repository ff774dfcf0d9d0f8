"""Planning a repair: what mends a finding, worked out without touching the model.

Each repair leaves the forward as it was or as torch's own hook would make it, and refuses where it could not.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, planning, pruned
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.commit import refill
from prune_tui.engine.doctor import orphans
from prune_tui.engine.modules import is_stale
from prune_tui.engine.packed_masks import address_of
from prune_tui.engine.planning import Part, Plan
from prune_tui.engine.reading import comparable, elements_of, product
from prune_tui.engine.refusals import refusals
from prune_tui.engine.selection.planned_masks import Whole
from prune_tui.engine.targets import Target, locate
from prune_tui.engine.walking import named_modules_of
from prune_tui.step_settings import StepError
from prune_tui.views import Effect

_Repaired = tuple[Part, str]
_Lock = contextlib.AbstractContextManager[object]


def plan_any(
    model: nn.Module,
    step: steps.Step,
    seed: int,
    *,
    lock: _Lock | None = None,
    stop: Stop = never,
    tell: planning.Tell = planning.silent,
) -> Plan:
    """The plan of any step: of a repair, or else what `planning.plan` makes of it.

    A plan of a repair is never kept: what it looks at, such as a stale attribute, leaves no trace when it changes.

    Raises:
        StepError: The step cannot be done on these targets.
        Cancelled: `stop` said so.
    """
    if not steps.method_of(step).repair:
        return planning.plan(model, step, seed, lock=lock, stop=stop, tell=tell)
    step = steps.build(steps.method_of(step).name, step.targets, {})
    found: list[_Repaired] = []
    with lock or contextlib.nullcontext(), torch.inference_mode(False), torch.no_grad():
        if isinstance(step, steps.Unite):
            found = list(_unite(model, step.targets))
        for path in () if isinstance(step, steps.Unite) else dict.fromkeys(step.targets):
            if stop():
                raise Cancelled
            found.append(_PLANNERS[type(step)](model, _target(model, path)))
    parts, notes = zip(*found, strict=True)
    return Plan(step, parts, tuple(dict.fromkeys(notes)), tuple(object() for _ in parts))


def _target(model: nn.Module, path: str) -> Target:
    module, name = locate(model, path)
    held = module if not path else pruned.held(module._modules, name)
    # An empty container hangs on a module, and no tensor can have a module's name.
    return Target(path, module, name) if held is None else Target(path, held, "")


def _pruned(target: Target) -> tuple[nn.Parameter, Tensor]:
    mask = target.mask
    if mask is None:
        raise StepError(f"{target.path or 'the model'} is not pruned; there is nothing to mend in its mask")
    parameter = target.parameter
    with refusals(target.path):
        if comparable(mask).shape != parameter.shape or mask.device != parameter.device or parameter.is_meta:
            raise StepError(f"{target.path}: its mask does not fit the values behind it")
    return parameter, mask


def _part(
    target: Target, mask: Tensor | None, change: Callable[[], None] | None, took: int = 0, **more: Any
) -> Part:
    elements = 0 if mask is None else elements_of(mask)
    left = took + (0 if mask is None else int(bits.alive(mask).sum()))
    planned = None if mask is None else Whole(mask)
    return Part(
        target, None, planned, Effect(target.path, took, left, elements, took, left), change=change, **more
    )


# ---------------------------------------------------------------- hooks


def _reattach(_: nn.Module, target: Target) -> _Repaired:
    """`prune.custom_from_mask` with the mask that is there, from the point where the names are registered."""
    found = orphans.half_pruned(target.module, target.name)
    if found is None:
        raise StepError(f"{target.path} is not half pruned; a hook is attached again where one is missing only")
    original, mask = found
    if original.is_meta or mask.is_meta or original.shape != mask.shape or original.device != mask.device:
        raise StepError(f"{target.path}: its mask does not fit the values behind it")
    method = prune.CustomFromMask(mask)
    method._tensor_name = target.name

    def attach() -> None:
        pruned.leave_computed(target.module, target.name, lambda: method.apply_mask(target.module))
        target.module.register_forward_pre_hook(method)

    kept, elements = int(bits.alive(mask).sum()), elements_of(mask)
    part = _part(target, mask, attach, took=elements - kept)
    return (
        Part(target, method, Whole(mask), part.effect, change=attach),
        f"a hook keeps {kept:,} of {elements:,} entries of {target.path} again",
    )


def _restore(_: nn.Module, target: Target) -> _Repaired:
    module, name = target.module, target.name
    if not orphans.is_lost(module, name):
        raise StepError(f"{target.path} has not lost its name")

    def restore() -> None:
        module._parameters[name] = module._parameters.pop(f"{name}_orig")

    return _part(target, None, restore), f"{target.path}_orig is called {name} again"


def _drop_hooks(_: nn.Module, target: Target) -> _Repaired:
    module, dropped = target.module, orphans.idle_hooks(target.module, target.name)
    if not dropped:
        raise StepError(f"{target.path or 'the model'} has no pruning hook that does no work")

    def drop() -> None:
        for identifier in dropped:
            del module._forward_pre_hooks[identifier]
            module._forward_pre_hooks_with_kwargs.pop(identifier, None)

    what = "hook goes" if len(dropped) == 1 else "hooks go"
    return (
        _part(target, target.mask if target.name else None, drop),
        f"{len(dropped)} pruning {what} from {target.path or 'the model'}; the forward is as the others make it",
    )


def _hook_first(_: nn.Module, target: Target) -> _Repaired:
    _pruned(target)
    module, found = target.module, pruned.pruning_hook(target.module, target.name)
    identifiers = list(module._forward_pre_hooks)
    if found is None or identifiers[0] == found[0]:
        raise StepError(f"the pruning hook of {target.path} is called first already")
    order = [found[0], *(identifier for identifier in identifiers if identifier != found[0])]

    def move() -> None:
        refill(
            module._forward_pre_hooks, {identifier: module._forward_pre_hooks[identifier] for identifier in order}
        )

    note = f"the pruning hook of {target.path} is called before the other {len(order) - 1} of its module"
    return _part(target, target.mask, move), note


# ---------------------------------------------------------------- values and masks


def _refresh(_: nn.Module, target: Target) -> _Repaired:
    parameter, mask = _pruned(target)
    if target.name in target.module._parameters:
        raise StepError(f"{target.path} was assigned a new Parameter; delete that first")
    if not all(pruned.multiplies(hook) for _, hook in orphans.hooks_on(target.module, target.name)):
        note = f"{target.path} becomes what its hook makes of it, as in a forward"
    elif is_stale(target.module.__dict__.get(target.name), parameter, mask):
        note = f"{target.path} becomes orig × mask, as in a forward"
    else:
        raise StepError(f"{target.path} is orig × mask already; there is nothing to refresh")
    return _part(target, mask, _computed_again(target)), note


def _computed_again(target: Target) -> Callable[[], None]:
    def compute() -> None:
        found = pruned.pruning_hook(target.module, target.name)
        if found is not None:
            hook = found[1]
            pruned.leave_computed(target.module, target.name, lambda: hook.apply_mask(target.module))

    return compute


def _binarise(model: nn.Module, target: Target) -> _Repaired:
    parameter, mask = _pruned(target)
    wide = comparable(mask)
    alive = bits.alive(mask)
    scaled = alive & (wide != 1)
    if not bool(scaled.any()):
        raise StepError(f"the mask of {target.path} holds zeros and ones already")
    if not bool(orphans.finite(mask).all()):
        raise StepError(f"the mask of {target.path} holds NaN or infinity; no values can stand for that")
    _refuse_shared(model, target, "its values would change there, too")
    values = torch.where(scaled, product(parameter.detach(), mask), parameter.detach())
    ones = alive.to(mask.dtype)
    again = _computed_again(target)

    def binarise() -> None:
        parameter.data = values
        target.module._buffers[f"{target.name}_mask"] = ones
        again()

    count = int(scaled.sum())
    note = (
        f"{count:,} values of {target.path}_orig take up what the mask scaled them by; the mask is zeros and ones"
    )
    return _part(target, ones, binarise, overwrites=bits.pack(scaled)), note


def _clean_masked(model: nn.Module, target: Target) -> _Repaired:
    parameter, mask = _pruned(target)
    poisoned = ~bits.alive(mask) & ~orphans.finite(parameter.detach())
    if not bool(poisoned.any()):
        raise StepError(f"{target.path} has no NaN or infinity under its mask")
    _refuse_shared(model, target, "another mask may keep these values there")
    values = parameter.detach().clone()
    bits.put(values, poisoned, torch.zeros(int(poisoned.sum()), dtype=values.dtype, device=values.device))
    again = _computed_again(target)

    def clean() -> None:
        parameter.data = values
        again()

    note = f"{int(poisoned.sum()):,} values of {target.path}_orig that the mask takes become 0"
    return _part(target, mask, clean, overwrites=bits.pack(poisoned)), note


def _refuse_shared(model: nn.Module, target: Target, why: str) -> None:
    """Refuse where a parameter stands in two places, or its memory is that of another one or of a buffer."""
    memory = address_of(target.parameter)
    for path, module in named_modules_of(model):
        for name, other in itertools.chain(module._parameters.items(), module._buffers.items()):
            here = module is target.module and name == f"{target.name}_orig"
            if other is None or here or not orphans.has_values(other):
                continue
            if other is target.parameter or (memory and address_of(other) == memory):
                there = f"{path}.{name}" if path else name
                raise StepError(f"{target.path} shares its memory with {there}; {why}")


def _unite(model: nn.Module, paths: Iterable[str]) -> Sequence[_Repaired]:
    """`prune.custom_from_mask` on each place, with what all masks together keep."""
    targets = [Target(path, *locate(model, path)) for path in dict.fromkeys(paths)]
    parameter = targets[0].parameter
    if len(targets) < 2 or any(target.parameter is not parameter for target in targets):
        raise StepError("unite needs two names or more of one and the same parameter")
    for target in targets:
        if target.mask is None:
            planning.plan(model, steps.Identity(targets=(target.path,)), 0)  # refuses what cannot be pruned
        elif len(orphans.hooks_on(target.module, target.name)) > 1:
            raise StepError(f"{target.path} has several pruning hooks; drop all but one of them first")
    masks = [_pruned(target)[1] for target in targets if target.mask is not None]
    if not masks or not all(bits.is_binary(mask) for mask in masks):
        raise StepError(f"{targets[0].path} and the names it is tied to have no masks of zeros and ones to unite")
    together = torch.stack([bits.alive(mask) for mask in masks]).all(dim=0)
    return [_united(target, parameter, together) for target in targets]


def _united(target: Target, parameter: nn.Parameter, together: Tensor) -> _Repaired:
    before, mask = target.mask, together.to(parameter.dtype)
    left = parameter.numel() if before is None else int(bits.alive(before).sum())
    took = left - int(together.sum())
    method = prune.CustomFromMask(mask)
    method._tensor_name = target.name
    part = Part(target, method, Whole(mask), Effect(target.path, took, left, parameter.numel(), took, left))
    return part, f"the mask of {target.path} takes {took:,} entries more, as everywhere the parameter stands"


_PLANNERS: dict[type[steps.Step], Callable[[nn.Module, Target], _Repaired]] = {
    steps.Reattach: _reattach,
    steps.Restore: _restore,
    steps.DropHooks: _drop_hooks,
    steps.HookFirst: _hook_first,
    steps.Refresh: _refresh,
    steps.Binarise: _binarise,
    steps.CleanMasked: _clean_masked,
}
