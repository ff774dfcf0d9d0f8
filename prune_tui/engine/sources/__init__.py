"""Where a model comes from: one small reader per kind. `load` reads the source's name and hands over.

A reader returns a `Loaded` model, or raises `SourceError` with a sentence that says what to do. What reads headers
only imports no torch, so that `early_outline` has the tree of a checkpoint before torch is there; importing this
package imports none, therefore.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prune_tui.engine.sources.source_error import SourceError

if TYPE_CHECKING:
    from prune_tui.engine.sources.loaded import Loaded
    from prune_tui.engine.sources.reader import load

__all__ = ["Loaded", "SourceError", "load"]

_FROM = {"Loaded": "loaded", "load": "reader"}
"""What torch is imported for, when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
