"""A session as a Python file that needs torch alone and ends with the same masks.

Where torch has a step's method, the file calls it as a person would. Where torch has it not, or would refuse (a
first prune by entries of a tensor that is not contiguous), the file carries the masks themselves. The repairs of
the doctor are functions in the file (`script_repairs`).
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import msgspec
from torch import nn

from prune_tui import steps
from prune_tui.engine import checksums, pruned, targets
from prune_tui.engine.exports import script_frame, script_repairs, step_masks
from prune_tui.engine.exports.script_frame import plain
from prune_tui.engine.exports.step_masks import Change
from prune_tui.engine.record import Edit
from prune_tui.protocol import Open
from prune_tui.step_settings import Bits, StepError
from prune_tui.views import Effect

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "random_unstructured": ("amount",),
    "l1_unstructured": ("amount",),
    "random_structured": ("amount", "dim"),
    "ln_structured": ("amount", "n", "dim"),
    "global_unstructured": ("pruning_method", "amount"),
    "remove": (),
}
"""The functions of torch.nn.utils.prune that a step may be written as, with their arguments."""
_OF_EVERY_STEP = {"targets", "written", "seed"}


def written(session: Session, origin: Open | None = None) -> str:
    """The steps that a session has done, as a Python file.

    Args:
        session: Its undone steps are left out.
        origin: What the model was opened from; without it, the reader of the file fills in how to load the model.

    Raises:
        StepError: A step that can be written neither as a call of torch's nor as masks.
    """
    edits, model = session.edits(), session.model
    changes = step_masks.of_steps(model, edits)
    pruned_at_first: dict[str, bool] = {}
    for changed in changes:
        for path, change in changed.items():
            pruned_at_first.setdefault(path, change.before is not None)
    # `remove` makes a parameter contiguous: then how it lies now does not tell how it lay.
    scattered = {id(parameter) for edit in edits for parameter in edit.moment.scattered()}
    masks: dict[str, Bits] = {}
    blocks, removed = [], False
    for number, (edit, changed) in enumerate(zip(edits, changes, strict=True), start=1):
        # torch ranks the computed attribute, which may lag where the model came pruned; and where `remove` wrote
        # zeros into a parameter that another module shares.
        again = [path for path, change in changed.items() if change.before is not None]
        stale = any(removed or pruned_at_first[path] for path in again)
        lines = _as_call(model, edit, changed, scattered, stale=stale) or _as_masks(
            model, edit, changed, number, masks
        )
        blocks.append("\n".join([*_comment(number, edit), *lines]))
        removed = removed or isinstance(edit.step, steps.Remove)
    return script_frame.assembled(
        plain(type(model).__name__),
        script_frame.loading(origin, session.checkpoint),
        blocks,
        masks,
        checksums.of_model(model),
    )


def _comment(number: int, edit: Edit) -> list[str]:
    """What a step was, in words."""
    took, left = sum(one.took for one in edit.effects), sum(one.left for one in edit.effects)
    step = edit.step
    where = ", ".join(map(repr, step.written)) if step.written else targets.listed(_paths(edit.effects))
    lines = [f"# Step {number}: {steps.describe(step)} on {where}"]
    lines.append(f"# It masked {took:,} of the {left:,} entries that were left there." if took else "")
    return [plain(line) for line in lines if line]


def _paths(effects: Iterable[Effect]) -> list[str]:
    return [effect.target for effect in effects]


# ---------------------------------------------------------------- as torch's own calls


def _as_call(
    model: nn.Module, edit: Edit, changes: Mapping[str, Change], scattered: Set[int], *, stale: bool
) -> list[str] | None:
    """The step as calls of torch.nn.utils.prune; None where those would not do the same."""
    step = edit.step
    name = steps.name_of(step)
    if name in script_repairs.REPAIRS:
        return [_as_repair(model, step, list(changes))]
    if not _is_torchs(step) or not _can_be_flattened(model, step, changes, scattered):
        return None
    places = [_place(model, path) for path in changes]
    seeding = [f"torch.manual_seed({getattr(step, 'seed')})"] if steps.draws(step) else []  # noqa: B009
    stale = stale and not isinstance(step, steps.Remove)
    if name == "global_unstructured":
        return [*seeding, *([_loop(places, "refresh(module, name)")] if stale else []), _global(step, places)]
    settings = "".join(f", {argument}={_literal(getattr(step, argument))}" for argument in _ARGUMENTS[name])
    calls = ["refresh(module, name)"] if stale else []
    calls.append(f"prune.{name}(module, name{settings})")
    return [*seeding, _loop(places, *calls)]


def _as_repair(model: nn.Module, step: steps.Step, paths: Sequence[str]) -> str:
    """A repair as calls of a function that the file defines.

    Raises:
        StepError: It compares values, and torch compares none of float8.
    """
    name = steps.name_of(step)
    compared = paths if isinstance(step, steps.Binarise | steps.CleanMasked) else []
    for path in compared:
        parameter = targets.Target(path, *targets.locate(model, path)).parameter
        if parameter.dtype.is_floating_point and parameter.dtype.itemsize == 1:
            raise StepError(
                f"{name} on {path} cannot be written as plain torch, which compares no {parameter.dtype};"
                " export a recipe"
            )
    places = [_place(model, path) for path in paths]
    if isinstance(step, steps.Unite):
        held = "\n".join(f"        ({module}, {tensor})," for module, tensor in places)
        return f"unite(\n    [\n{held}\n    ]\n)"
    return _loop(places, f"{name}(module, name)")


def _is_torchs(step: steps.Step) -> bool:
    """Whether torch has the method, and the settings that torch has not have their defaults."""
    arguments = _ARGUMENTS.get(steps.name_of(step))
    if arguments is None or steps.total_of(step) is not None:
        return False
    others = [
        field
        for field in msgspec.structs.fields(type(step))
        if field.name not in _OF_EVERY_STEP and field.name not in arguments
    ]
    return all(getattr(step, field.name) == field.default for field in others)


def _can_be_flattened(
    model: nn.Module, step: steps.Step, changes: Mapping[str, Change], scattered: Set[int]
) -> bool:
    """Whether torch's `view(-1)` works: ours ranks entries in the order of their indices, whatever the strides.

    torch does so, too, once a tensor has a mask, but for a global step.
    """
    method = steps.method_of(step)
    if method.units != "entries":
        return True
    found = {path: targets.Target(path, *targets.locate(model, path)).parameter for path in changes}
    return all(
        (parameter.is_contiguous() and id(parameter) not in scattered)
        or (changes[path].before is not None and not method.many)
        for path, parameter in found.items()
    )


def _global(step: steps.Step, places: Sequence[tuple[str, str]]) -> str:
    held = "\n".join(f"        ({module}, {name})," for module, name in places)
    kind, amount = getattr(step, "pruning_method"), getattr(step, "amount")  # noqa: B009
    return (
        f"prune.global_unstructured(\n    [\n{held}\n    ],\n"
        f"    pruning_method=prune.{kind},\n    amount={_literal(amount)},\n)"
    )


def _loop(places: Sequence[tuple[str, str]], *calls: str) -> str:
    """Calls with `module` and `name`: for one place as they are, for several in a loop."""
    if len(places) == 1:
        module, name = places[0]
        return "\n".join(call.replace("(module, name", f"({module}, {name}", 1) for call in calls)
    held = "\n".join(f"    ({module}, {name})," for module, name in places)
    body = "\n".join(f"    {call}" for call in calls)
    return f"for module, name in (\n{held}\n):\n{body}"


def _literal(value: Any) -> str:
    """A number or a word as Python writes it."""
    return (
        f'float("{value}")' if isinstance(value, float) and value in {float("inf"), float("-inf")} else repr(value)
    )


# ---------------------------------------------------------------- as masks


def _as_masks(
    model: nn.Module, edit: Edit, changes: Mapping[str, Change], number: int, masks: dict[str, Bits]
) -> list[str]:
    """The step as the masks it gave, which go to `masks` by a key."""
    lines = []
    for path, change in changes.items():
        if change.after is None:
            called = f"step {number}, {steps.name_of(edit.step)} on {path}"
            raise StepError(f"{called}, cannot be written as plain torch; export a recipe")
        key = f"{number} {path}"
        masks[key] = change.after
        module, name = _place(model, path)
        lines.append(f"prune.custom_from_mask({module}, {name}, mask=mask_of({_quoted(key)}, {module}, {name}))")
    return lines


# ---------------------------------------------------------------- names


def _place(model: nn.Module, path: str) -> tuple[str, str]:
    """A tensor as two expressions: its module, `model.conv1`, and its name there, `"weight"`.

    Of a module itself, as that of an empty container, the name is `None`.
    """
    *parts, name = path.split(".")
    if not path or pruned.held(targets.locate(model, path)[0]._modules, name) is not None:
        parts, name = [*parts, name] if path else [], ""
    expression, module = "model", model
    for part in parts:
        child = module._modules[part]
        if child is None:  # it has been located before
            raise RuntimeError(f"{path} is gone")
        expression, module = f"{expression}{_step_into(module, part)}", child
    return expression, _quoted(name) if name else "None"


def _step_into(module: nn.Module, part: str) -> str:
    """`.conv1`, or `[0]` of a container, or what works with any name."""
    attribute = part.isidentifier() and part.isascii() and not keyword.iskeyword(part)
    if attribute and part not in module.__dict__ and not hasattr(type(module), part):
        return f".{part}"
    if type(module) in {nn.Sequential, nn.ModuleList} and list(module._modules)[: int(part) + 1][-1:] == [part]:
        return f"[{part}]"
    return f"._modules[{_quoted(part)}]"


def _quoted(text: str) -> str:
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & set(text) else repr(text)
