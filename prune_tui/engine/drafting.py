"""A mask painted by hand, entry by entry or row by row: what it comes to, as a step that can be applied."""

from __future__ import annotations

import torch
from torch import Tensor

from prune_tui.engine import bits, targets
from prune_tui.engine.axes import axis_names
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.session import Session
from prune_tui.engine.targets import Target
from prune_tui.protocol import Draft, Toggle
from prune_tui.step_settings import StepError
from prune_tui.steps import CustomFromMask
from prune_tui.views import Previewed


def draft(session: Session, request: Draft, stop: Stop = never) -> Previewed:
    """What a painted mask would do. Changes nothing.

    Args:
        session: The session.
        request: The tensor, and what was painted on it in that order. An entry named twice stays.
        stop: Asked between toggles.

    Returns:
        The preview of a `CustomFromMask` that carries the mask.

    Raises:
        StepError: An index that is none of the tensor's, entries that are masked already, nothing that goes, or a
            tensor that cannot be pruned.
        Cancelled: `stop` said so.
    """
    with session.lock:
        target = Target(request.tensor, *targets.locate(session.model, request.tensor))
        targets.refuse_what_cannot_be_pruned(target, removing=False)
        shape, masked = tuple(target.parameter.shape), target.mask
        names = axis_names(target.module, target.name, shape)
    kept = torch.ones(shape, dtype=torch.bool, device="cpu")
    for toggle in request.toggles:
        if stop():
            raise Cancelled
        place = _place(target.path, toggle, shape, names)
        if masked is not None:
            _refuse_masked(target.path, toggle, masked[place])
        kept[place] = ~kept[place]
    if bool(kept.all()):
        why = (
            "every entry that was marked was marked twice, and stays" if request.toggles else "no entry is marked"
        )
        raise StepError(f"nothing is drafted on {target.path}: {why}")
    return session.foresee(CustomFromMask(targets=(target.path,), mask=bits.pack(kept)), stop)


def _place(path: str, toggle: Toggle, shape: tuple[int, ...], names: tuple[str, ...]) -> tuple[int | slice, ...]:
    """What a toggle is of, for indexing."""
    if len(toggle.index) != len(shape):
        axes = f"{' × '.join(names)}: {len(shape)} axes" if shape else "no axes"
        raise StepError(f"{path} has {axes}, and {_written(toggle)} names {len(toggle.index)}")
    for axis, (index, size) in enumerate(zip(toggle.index, shape, strict=True)):
        if not -1 <= index < size:
            has = f"0 to {size - 1}" if size else "none"
            raise StepError(f"{path}: {index} is no index of axis {axis} ({names[axis]}), which has {has}")
    return tuple(slice(None) if index == -1 else index for index in toggle.index)


def _refuse_masked(path: str, toggle: Toggle, masked: Tensor) -> None:
    """A row of which some entries are masked already may go: the others do."""
    if masked.numel() and not bool(bits.alive(masked).any()):
        raise StepError(
            f"{path}{_written(toggle)} is masked already, and a further mask can only take more:"
            " u undoes the step that took it"
        )


def _written(toggle: Toggle) -> str:
    """`[3, :]`."""
    return f"[{', '.join(':' if index == -1 else str(index) for index in toggle.index)}]"
