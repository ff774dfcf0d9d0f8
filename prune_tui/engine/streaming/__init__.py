"""Pruning a checkpoint that is larger than memory, tensor by tensor.

Its values stay mapped and are never changed, its masks are one bit an entry, and what a step makes of a tensor is
packed before the next tensor's turn. `StreamedSession` does steps as a session does, with the same masks bit by
bit; `streamed_saving` writes what comes of it file by file, and goes on where an earlier run was ended.
"""

from prune_tui.engine.streaming.streamed_saving import save
from prune_tui.engine.streaming.streamed_session import StreamedSession
from prune_tui.engine.streaming.suitability import why_not

__all__ = ["StreamedSession", "save", "why_not"]
