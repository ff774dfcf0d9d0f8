"""Where a model comes from: one small reader per kind. `load` reads the source's name and hands over.

A reader returns a `Loaded` model, or raises `SourceError` with a sentence that says what to do.
"""

from prune_tui.engine.sources.loaded import Loaded, SourceError
from prune_tui.engine.sources.reader import load

__all__ = ["Loaded", "SourceError", "load"]
