"""What was done to a model before its session, as far as its checkpoint tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from torch.nn.utils.prune import BasePruningMethod

from prune_tui.view_rows import HistoryRow


@dataclasses.dataclass(frozen=True)
class Past:
    """What was done to a model before its session.

    Attributes:
        recipe: The steps, as YAML; empty where nothing is known.
        took: For each step, by target, how many entries it masked.
        recorded: What torch forgets about the method objects that stand in hooks.
    """

    recipe: str = ""
    took: tuple[Mapping[str, int], ...] = ()
    recorded: Mapping[BasePruningMethod, HistoryRow] = dataclasses.field(default_factory=dict)


NO_PAST = Past()
"""Nothing was done, or nobody knows."""
