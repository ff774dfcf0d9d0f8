"""What the UI asks of single tensors, and who answers: a table for the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prune_tui import protocol
from prune_tui.engine import statistics, tiles
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.layers import layers_of
from prune_tui.engine.session import Session
from prune_tui.engine.telling import Tell
from prune_tui.engine.tiles import Pruning
from prune_tui.steps import AnyStep
from prune_tui.views import Body


def pruning_of(session: Session, tensor: str, preview: AnyStep | None, stop: Stop) -> Pruning:
    """What the last step did to a tensor and what a previewed one would do."""
    plan = None if preview is None else session.plan(preview, stop)
    planned = {} if plan is None else {part.target.path: part.planned for part in plan.parts}
    return Pruning(session.earlier.alive_before_last_step(tensor), planned.get(tensor))


def _tile(session: Session, request: protocol.GetTile, stop: Stop) -> Body:
    pruning = pruning_of(session, request.tensor, request.preview, stop)
    with session.lock:
        return tiles.tile(layers_of(session, request.tensor, request.view), request, pruning)


def _statistics(session: Session, request: protocol.GetStatistics, stop: Stop, tell: Tell) -> Body:
    layers = layers_of(session, request.tensor, request.view)
    return statistics.sampled(layers, stop) if request.sampled else statistics.statistics(layers, stop, tell)


ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop], Body]] = {
    protocol.GetTile: _tile,
}
"""Each is called in the thread of its request's lane, without the session's lock."""

LONG_ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop, Tell], Body]] = {
    protocol.GetStatistics: _statistics,
}
"""Likewise, of those that tell how far they are."""
