"""What the value of a setting means, in a few words: they stand beside its field, at 80 columns too."""

from __future__ import annotations

import math
from collections.abc import Callable

from prune_tui import step_settings
from prune_tui.step_settings import Setting, StepError

_NORMS: dict[int | float | str, str] = {
    0: "= entries not 0",
    1: "= Σ|w|",
    2: "= √Σw², the length",
    math.inf: "= the largest |w|",
    -math.inf: "= the smallest |w|",
    "fro": "= √Σw², the length",
    "nuc": "= Σ singular values",
}


def share_text(setting: Setting, text: str) -> str:
    """What a share that each tensor keeps comes to; nothing while it is no share."""
    try:
        share = step_settings.read(setting, text)
    except StepError:
        return ""
    return f"each keeps ≥ {100 * share:.4g}%" if share else "each may lose all"


def norm_text(setting: Setting, text: str) -> str:
    """What a norm of that order measures of a channel; nothing while it is no order."""
    try:
        order = step_settings.read(setting, text)
    except StepError:
        return ""
    return _NORMS.get(order) or f"= (Σ|w|^{order:.4g})^(1/{order:.4g})"


MEANINGS: dict[str, Callable[[Setting, str], str]] = {"share": share_text, "norm": norm_text}
"""By the kind of a setting, what tells it from the text in the field."""
