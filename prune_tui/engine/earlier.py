"""Tensors as they were earlier in a session: before the last step, and at its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from prune_tui.engine import bits, pruned, targets
from prune_tui.engine.record import Edit, Log
from prune_tui.engine.targets import Target
from prune_tui.engine.written_over import WrittenOver

Since = Literal["step", "start"]


class Earlier(NamedTuple):
    """A tensor at an earlier moment.

    Attributes:
        values: Without mask: the stored tensor itself, which a `remove` or a repair may have written over since.
        mask: Of its shape, on its device: bool, or as it was where it held other values than 0 and 1; None where
            it was not pruned.
    """

    values: Tensor
    mask: Tensor | None


class Then(NamedTuple):
    """A tensor at an earlier moment, and what its values held that have been written over since."""

    earlier: Earlier
    written: WrittenOver | None


class EarlierTensors:
    """What tensors were; the last answer of each kind is kept: unpacking a large mask takes longer than drawing.

    Args:
        model: The model.
        log: The session's log as it is now.
    """

    def __init__(self, model: nn.Module, log: Callable[[], Log]) -> None:
        self._model = model
        self._log = log
        self._kept: dict[Since, tuple[int, str, Then]] = {}

    def tensor(self, path: str, since: Since) -> Then | None:
        """A parameter before the last step, or at the session's start; None where no step changed it since."""
        log = self._log()
        module, name = targets.locate(self._model, path)
        parameter = pruned.parameter_of(module, name)
        edits = [] if parameter is None else _edits(log, Target(path, module, name), since)
        if not edits:
            return None
        known = self._kept.get(since)
        if known is None or known[:2] != (log.revision, path):
            known = self._kept[since] = (log.revision, path, _before(edits, Target(path, module, name)))
        return known[2]

    def alive_before_last_step(self, path: str) -> Tensor | None:
        """Which entries of a tensor were alive before the last step, where that took any.

        Returns:
            A bool tensor of its shape on its device, or None when the last step took nothing from it.
        """
        edits = _lately(self._log(), "step")
        took = any(effect.target == path and effect.took for edit in edits for effect in edit.effects)
        now = Target(path, *targets.locate(self._model, path)).mask if took else None
        then = self.tensor(path, "step") if now is not None else None
        if now is None or then is None:
            return None
        before = then.earlier
        if before.mask is None:
            return torch.ones((), dtype=torch.bool, device=now.device).expand(now.shape)
        return before.mask if before.mask.dtype is torch.bool else bits.alive(before.mask)


def _lately(log: Log, since: Since) -> Sequence[Edit]:
    done = log.edits[: log.done]
    return done[-1:] if since == "step" else done


def _edits(log: Log, target: Target, since: Since) -> list[Edit]:
    """The steps since then that touched a tensor: pruned it, or wrote over its values by another of its names."""
    return [
        edit
        for edit in _lately(log, since)
        if edit.moment.prunes(target.module, target.name) or edit.moment.overwrites(target.parameter)
    ]


def _before(edits: Sequence[Edit], target: Target) -> Then:
    """A tensor before the first of some edits, all those that touched it since."""
    values = target.parameter.detach()
    written = [one for edit in reversed(edits) for one in edit.moment.written(target.parameter)]
    pruning = [edit.moment for edit in edits if edit.moment.prunes(target.module, target.name)]
    mask = pruning[0].factors(target.module, target.name) if pruning else target.mask
    earlier = Earlier(values, None if mask is None else mask.to(values.device))
    return Then(earlier, WrittenOver.of(values, written) if written else None)
