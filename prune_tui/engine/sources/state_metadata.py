"""What we have written onto a state_dict of torch's, for who opens it again. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune_tui.engine.sources.pickled_objects import Entries

_OURS = "prune_tui"
"""Our metadata's key among the `_metadata` that torch writes onto a state_dict."""


def metadata_of(value: Any) -> Mapping[str, str]:
    """Our metadata.

    Args:
        value: The state_dict, or what a pickle tells of it.
    """
    onto = value.attributes if isinstance(value, Entries) else getattr(value, "__dict__", None)
    torchs = onto.get("_metadata") if isinstance(onto, Mapping) else None
    ours = torchs.get(_OURS) if isinstance(torchs, Mapping) else None
    if not isinstance(ours, Mapping):
        return {}
    return {name: text for name, text in ours.items() if isinstance(name, str) and isinstance(text, str)}
