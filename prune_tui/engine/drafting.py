"""A mask painted by hand, entry by entry or row by row: what it comes to, as a step that can be applied."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn

from prune_tui.engine import bits, targets
from prune_tui.engine.axes import axis_names
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.targets import Target
from prune_tui.step_settings import StepError
from prune_tui.steps import AnyStep, CustomFromMask
from prune_tui.tensor_requests import Intended, Painted, Toggle


class Drafts:
    """Makes steps of painted masks, and keeps the last: each tile that is looked at meanwhile asks for it again.

    Args:
        model: The model.
        lock: Held while the model changes.
    """

    def __init__(self, model: nn.Module, lock: contextlib.AbstractContextManager[object]) -> None:
        self._model = model
        self._lock = lock
        self._last: tuple[Painted, tuple[int, ...], CustomFromMask] | None = None

    def meant(self, intended: Intended, stop: Stop = never) -> AnyStep:
        """The step that a person intends: of what is painted a `CustomFromMask` that carries the mask.

        Args:
            intended: A step, which is returned as it is, or what is painted. An entry named twice stays.
            stop: Asked between toggles.

        Raises:
            StepError: An index that is none of the tensor's, nothing that goes, or a tensor that cannot be pruned.
            Cancelled: `stop` said so.
        """
        if not isinstance(intended, Painted):
            return intended
        with self._lock:
            target = self._target(intended)
            shape = tuple(target.parameter.shape)
        last = self._last
        if last is not None and last[:2] == (intended, shape):
            return last[2]
        names = axis_names(target.module, target.name, shape)
        kept = torch.ones(shape, dtype=torch.bool, device="cpu")
        for toggle in intended.toggles:
            if stop():
                raise Cancelled
            place = _place(target.path, toggle, shape, names)
            kept[place] = ~kept[place]
        if bool(kept.all()):
            raise StepError(f"nothing is drafted on {target.path}: {_why_nothing(intended)}")
        step = CustomFromMask(targets=(target.path,), mask=bits.pack(kept))
        self._last = (intended, shape, step)
        return step

    def refuse_masked(self, painted: Painted) -> None:
        """Refuse a stroke over entries of which a mask takes every one already.

        Raises:
            StepError: There is such a stroke, or one that is none of the tensor's.
        """
        with self._lock:
            target = self._target(painted)
            shape, masked = tuple(target.parameter.shape), target.mask
            names = axis_names(target.module, target.name, shape)
        if masked is None:
            return
        for toggle in painted.toggles:
            _refuse_masked(target.path, toggle, masked[_place(target.path, toggle, shape, names)])

    def _target(self, painted: Painted) -> Target:
        target = Target(painted.tensor, *targets.locate(self._model, painted.tensor))
        targets.refuse_what_cannot_be_pruned(target, removing=False)
        return target


def _why_nothing(painted: Painted) -> str:
    return "every entry that was marked was marked twice, and stays" if painted.toggles else "no entry is marked"


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
