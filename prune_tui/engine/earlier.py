"""Tensors as they were earlier in a session: before the last step, and at its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from prune_tui.engine import targets
from prune_tui.engine.record import Edit, Log
from prune_tui.engine.targets import Target

Since = Literal["step", "start"]


class Earlier(NamedTuple):
    """A tensor at an earlier moment.

    Attributes:
        values: Without mask: the stored tensor itself unless a `remove` or a repair wrote over it since.
        mask: Of its shape, on its device, bool where it holds only 0 and 1; None where it was not pruned.
    """

    values: Tensor
    mask: Tensor | None


class EarlierTensors:
    """What tensors were; the last answer of each kind is kept: unpacking a large mask takes longer than drawing.

    Args:
        model: The model.
        log: The session's log as it is now.
    """

    def __init__(self, model: nn.Module, log: Callable[[], Log]) -> None:
        self._model = model
        self._log = log
        self._kept: dict[Since, tuple[int, str, Earlier]] = {}

    def tensor(self, path: str, since: Since) -> Earlier | None:
        """A parameter before the last step, or at the session's start; None where no step changed it since."""
        log = self._log()
        edits = self._edits(log, path, since)
        if not edits:
            return None
        known = self._kept.get(since)
        if known is None or known[:2] != (log.revision, path):
            known = self._kept[since] = (log.revision, path, self._at(path, edits))
        return known[2]

    def _at(self, path: str, edits: Sequence[Edit]) -> Earlier:
        """Before the first of some edits, all those that touched it since."""
        target = Target(path, *targets.locate(self._model, path))
        values = target.parameter.detach()
        for edit in reversed(edits):
            values = edit.moment.former(target.parameter, values)
        mask = edits[0].moment.mask(target.module, target.name)
        return Earlier(values, None if mask is None else mask.to(values.device))

    def alive_before_last_step(self, path: str) -> Tensor | None:
        """Which entries of a tensor were alive before the last step, where that took any.

        Returns:
            A bool tensor of its shape on its device, or None when the last step took nothing from it.
        """
        edits = self._edits(self._log(), path, "step")
        took = any(effect.target == path and effect.took for edit in edits for effect in edit.effects)
        now = Target(path, *targets.locate(self._model, path)).mask if took else None
        before = self.tensor(path, "step") if now is not None else None
        if now is None or before is None:
            return None
        everything = torch.ones((), dtype=torch.bool, device=now.device).expand(now.shape)
        return everything if before.mask is None else before.mask

    def _edits(self, log: Log, path: str, since: Since) -> list[Edit]:
        """The steps since then that touched a tensor."""
        done = log.edits[: log.done]
        lately = done[-1:] if since == "step" else done
        return [edit for edit in lately if any(effect.target == path for effect in edit.effects)]
