"""What a source hands over."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from torch import nn

from prune_tui.engine.evaluation.metric import Metric
from prune_tui.engine.past import Past
from prune_tui.told_names import escaped

if TYPE_CHECKING:
    from prune_tui.engine.sources.checkpoint import Checkpoint


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A model ready for a session.

    Attributes:
        model: On its device.
        metric: How good it is, where that can be measured.
        checkpoint: What its weights were read from; None where its code made them.
        past: What was done to it before.
        notes: What a person should know, a line each.
    """

    model: nn.Module
    metric: Metric | None = None
    checkpoint: Checkpoint | None = None
    past: Past = dataclasses.field(default_factory=Past)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(map(escaped, self.notes)))  # with names of files and of tensors
