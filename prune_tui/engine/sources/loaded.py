"""What a source hands over, and how it says that it cannot."""

from __future__ import annotations

import dataclasses

from torch import nn

from prune_tui.engine.evaluation.metric import Metric


class SourceError(ValueError):
    """A model that cannot be opened; its text says what is wrong, where, and what to do."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A model ready for a session.

    Attributes:
        model: On its device.
        metric: How good it is, where that can be measured.
    """

    model: nn.Module
    metric: Metric | None = None
