"""Settings as a person would have given them."""

from __future__ import annotations

from prune_tui.settings.choosing import AS_EVER, Chosen, Settings
from prune_tui.settings.table import Value


def given(**values: Value) -> Settings:
    """Those that are named; the others as ever."""
    return Settings({**AS_EVER.chosen, **{name: Chosen(value, "the test") for name, value in values.items()}})
