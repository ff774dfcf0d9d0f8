"""What the UI asks of single tensors, and who answers: a table for the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prune_tui import protocol, tensor_requests
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


def pruning_of(session: Session, tensor: str, preview: tensor_requests.Intended | None, stop: Stop) -> Pruning:
    """What the last step did to a tensor and what a previewed one would do."""
    plan = None if preview is None else session.plan(session.drafts.meant(preview, stop), stop)
    planned = {} if plan is None else {part.target.path: part.planned for part in plan.parts}
    return Pruning(session.earlier.alive_before_last_step(tensor), planned.get(tensor))


def _tile(session: Session, request: tensor_requests.GetTile, stop: Stop) -> Body:
    pruning = pruning_of(session, request.tensor, request.preview, stop)
    with session.lock:
        return tiles.tile(layers_of(session, request.tensor, request.view), request, pruning)


def _heatmap(session: Session, request: tensor_requests.GetHeatmap, stop: Stop) -> Body:
    pruning = pruning_of(session, request.tensor, request.preview, stop)
    return pooling.heatmap(layers_of(session, request.tensor, request.view), request, pruning, stop)


def _statistics(session: Session, request: tensor_requests.GetStatistics, stop: Stop, tell: Tell) -> Body:
    layers = layers_of(session, request.tensor, request.view)
    return statistics.sampled(layers, stop) if request.sampled else statistics.statistics(layers, stop, tell)


def _entry(session: Session, request: tensor_requests.GetEntry, _: Stop) -> Body:
    with session.lock:
        return entries.entry(lambda view: layers_of(session, request.tensor, view), request.index)


def _located(session: Session, request: tensor_requests.Locate, stop: Stop) -> Body:
    return locating.locate(layers_of(session, request.tensor, request.view), request, stop)


def _broken(session: Session, _: tensor_requests.GetBroken, stop: Stop) -> Body:
    return broken.broken_tensors(session, stop)


def _draft(session: Session, request: tensor_requests.Draft, stop: Stop) -> Body:
    session.drafts.refuse_masked(request.painted)
    previewed = session.foresee(session.drafts.meant(request.painted, stop), stop)
    took = sum(effect.took for effect in previewed.effects)
    return Drafted(took, sum(effect.left for effect in previewed.effects) - took)


def _norms(session: Session, _: tensor_requests.GetNorms, stop: Stop) -> Body:
    return norms.norms(session, stop)


def _channels(session: Session, request: tensor_requests.GetChannels, stop: Stop) -> Body:
    return channel_rows.channels(layers_of(session, request.tensor, request.view), request.dim, stop)


def _structure(session: Session, request: tensor_requests.GetStructure, stop: Stop) -> Body:
    with session.lock:
        layers = layers_of(session, request.tensor, "effective")
        tensor = structure.standing(session.model, request.tensor, layers)
    return structure.structure(tensor, stop)


def _stack(session: Session, request: tensor_requests.GetStack, stop: Stop) -> Body:
    def look(tensor: str) -> Layers | NoValues:
        return layers_of(session, tensor, request.view)

    def pool(layers: Layers, height: int, width: int) -> Heatmap:
        return pooling.whole(layers, height, width, stop)

    with session.lock:
        found = stack.siblings(session.model, request.tensor)
    return stack.stack(found, look, (request.height, request.width), pool, stop)


ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop], Body]] = {
    tensor_requests.GetTile: _tile,
    tensor_requests.GetHeatmap: _heatmap,
    tensor_requests.GetEntry: _entry,
    tensor_requests.Locate: _located,
    tensor_requests.GetBroken: _broken,
    tensor_requests.Draft: _draft,
    tensor_requests.GetNorms: _norms,
    tensor_requests.GetChannels: _channels,
    tensor_requests.GetStructure: _structure,
    tensor_requests.GetStack: _stack,
}
"""Each is called in the thread of its request's lane, without the session's lock."""

LONG_ANSWERS: dict[type[protocol.Request], Callable[[Session, Any, Stop, Tell], Body]] = {
    tensor_requests.GetStatistics: _statistics,
}
"""Likewise, of those that tell how far they are."""
