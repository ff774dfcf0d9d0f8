"""Whether what must be read into memory fits there, asked before anything is read."""

from __future__ import annotations

import torch

from prune_tui.engine import memory
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.step_settings import StepError


def check(what: str, size: int, device: torch.device = torch.device("cpu")) -> None:  # noqa: B008 - a constant
    """Refuse what would not fit.

    Args:
        what: It, as the subject of a sentence.
        size: Its bytes.
        device: Where they would be.

    Raises:
        SourceError: There is not so much; says how much it needs and how much there is.
    """
    try:
        memory.check(what, {device: size})
    except StepError as error:
        raise SourceError(str(error)) from None
