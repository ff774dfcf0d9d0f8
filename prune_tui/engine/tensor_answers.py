"""What the UI asks of single tensors, and who answers: a table for the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prune_tui import protocol
from prune_tui.engine import (
    broken,
    channel_rows,
    entries,
    locating,
    norms,
    pooling,
    stack,
    statistics,
    structure,
    tiles,
)
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.layers import Layers, NoValues, layers_of
from prune_tui.engine.session import Session
from prune_tui.engine.telling import Tell
from prune_tui.engine.tiles import Pruning
from prune_tui.tensor_views import Drafted, Heatmap
from prune_tui.views import Body


def pruning_of(session: Session, tensor: str, preview: protocol.Intended | None, stop: Stop) -> Pruning:
    """What the last step did to a tensor and what a previewed one would do."""
    plan = None if preview is None else session.plan(session.drafts.meant(preview, stop), stop)
    planned = {} if plan is None else {part.target.path: part.planned for part in plan.parts}
    return Pruning(session.earlier.alive_before_last_step(tensor), planned.get(tensor))


def _tile(session: Session, request: protocol.GetTile, stop: Stop) -> Body:
    pruning = pruning_of(session, request.tensor, request.preview, stop)
    with session.lock:
        return tiles.tile(layers_of(session, request.tensor, request.view), request, pruning)


def _heatmap(session: Session, request: protocol.GetHeatmap, stop: Stop) -> Body:
    pruning = pruning_of(session, request.tensor, request.preview, stop)
    return pooling.heatmap(layers_of(session, request.tensor, request.view), request, pruning, stop)


def _statistics(session: Session, request: protocol.GetStatistics, stop: Stop, tell: Tell) -> Body:
    layers = layers_of(session, request.tensor, request.view)
    return statistics.sampled(layers, stop) if request.sampled else statistics.statistics(layers, stop, tell)


def _entry(session: Session, request: protocol.GetEntry, _: Stop) -> Body:
    with session.lock:
        return entries.entry(lambda view: layers_of(session, request.tensor, view), request.index)


def _located(session: Session, request: protocol.Locate, stop: Stop) -> Body:
    return locating.locate(layers_of(session, request.tensor, request.view), request, stop)


def _broken(session: Session, _: protocol.GetBroken, stop: Stop) -> Body:
    return broken.broken_tensors(session, stop)


def _draft(session: Session, request: protocol.Draft, stop: Stop) -> Body:
    session.drafts.refuse_masked(request.painted)
    previewed = session.foresee(session.drafts.meant(request.painted, stop), stop)
    took = sum(effect.took for effect in previewed.effects)
    return Drafted(took, sum(effect.left for effect in previewed.effects) - took)


def _norms(session: Session, _: protocol.GetNorms, stop: Stop) -> Body:
    return norms.norms(session, stop)


def _channels(session: Session, request: protocol.GetChannels, stop: Stop) -> Body:
    return channel_rows.channels(layers_of(session, request.tensor, request.view), request.dim, stop)


def _structure(session: Session, request: protocol.GetStructure, stop: Stop) -> Body:
    with session.lock:
        layers = layers_of(session, request.tensor, "effective")
        tensor = structure.standing(session.model, request.tensor, layers)
    return structure.structure(tensor, stop)


def _stack(session: Session, request: protocol.GetStack, stop: Stop) -> Body:
    def look(tensor: str) -> Layers | NoValues:
        return layers_of(session, tensor, request.view)

    def pool(layers: Layers, height: int, width: int) -> Heatmap:
        return pooling.whole(layers, height, width, stop)

    with session.lock:
        found = stack.siblings(session.model, request.tensor)
    return stack.stack(found, look, (request.height, request.width), pool, stop)


ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop], Body]] = {
    protocol.GetTile: _tile,
    protocol.GetHeatmap: _heatmap,
    protocol.GetEntry: _entry,
    protocol.Locate: _located,
    protocol.GetBroken: _broken,
    protocol.Draft: _draft,
    protocol.GetNorms: _norms,
    protocol.GetChannels: _channels,
    protocol.GetStructure: _structure,
    protocol.GetStack: _stack,
}
"""Each is called in the thread of its request's lane, without the session's lock."""

LONG_ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop, Tell], Body]] = {
    protocol.GetStatistics: _statistics,
}
"""Likewise, of those that tell how far they are."""
