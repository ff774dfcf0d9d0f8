"""What differs between two models, worked out piece by piece: structure, values, masks.

A tensor is what a module computes with, original times mask, under the name people prune it by. So a model is the
same as itself saved in another form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import msgspec

from prune_tui.comparison_views import (
    Comparison,
    NotCompared,
    OnlyHere,
    OtherDtype,
    Side,
    TensorCompared,
    Unlike,
)
from prune_tui.engine import pruned, walking
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.entries_compared import Stored, compared
from prune_tui.engine.reading import (
    dtype_name,
    elements_of,
    fits,
    masked_entries,
    shape_of,
    stored,
    why_misfit,
    why_no_values,
)
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.loaded import Loaded

_DROPPED_AFTER = 2**26
"""Bytes compared until what was read of mapped files is let go."""


def compare(
    a: Loaded, b: Loaded, tell: Callable[[int, int], None] = lambda *_: None, stop: Stop = never
) -> Comparison:
    """Compare two models by the names of their tensors.

    Args:
        a: The one.
        b: The other.
        tell: Called with the bytes compared so far, and with all there are.
        stop: Asked between tensors.

    Raises:
        SourceError: A file has changed since it was opened.
        Cancelled: `stop` said so.
    """
    ours, theirs = dict(tensors_of(a)), dict(tensors_of(b))
    shapes, dtypes, not_compared, found = [], [], [], []
    pairs = {}
    for name in (name for name in ours if name in theirs):
        one, other = ours[name].values, theirs[name].values
        if shape_of(one) != shape_of(other):
            shapes.append(Unlike(name, shape_of(one), shape_of(other)))
            continue
        if one.dtype != other.dtype:
            dtypes.append(OtherDtype(name, dtype_name(one), dtype_name(other)))
        reason = _why_not(ours[name], "A") or _why_not(theirs[name], "B")
        if reason:
            not_compared.append(NotCompared(name, reason))
        else:
            pairs[name] = ours[name], theirs[name]
    checkpoints = [loaded.checkpoint for loaded in (a, b) if loaded.checkpoint is not None]
    for name, result in _values(checkpoints, pairs, tell, stop):
        if isinstance(result, str):
            not_compared.append(NotCompared(name, result))
        elif result is not None:
            found.append(result)
    return Comparison(
        a=_side(ours),
        b=_side(theirs),
        only_a=_only(ours, theirs),
        only_b=_only(theirs, ours),
        shapes=tuple(shapes),
        dtypes=tuple(dtypes),
        identical=len(ours.keys() & theirs.keys()) - len(shapes) - len(not_compared) - len(found),
        tensors=tuple(found),
        not_compared=tuple(not_compared),
    )


def tensors_of(loaded: Loaded) -> Iterator[tuple[str, Stored]]:
    """What a state_dict of the model holds, by the names people prune by, each tensor under all of its names."""
    for place in walking.places(loaded.model, into_shared=True):
        module, prefix = place.module, f"{place.path}." if place.path else ""
        masks = set()
        for name in pruned.base_names(module):
            kept, values = pruned.mask(module, name), stored(module, name)
            if kept is not None:
                masks.add(f"{name}_mask")
            if values is not None:
                yield prefix + name, Stored(values, kept)
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in masks and name not in module._non_persistent_buffers_set:
                yield prefix + name, Stored(buffer, None)
    if loaded.checkpoint is not None:
        for name, tensor in loaded.checkpoint.unplaced.items():
            yield name, Stored(tensor, None)


def _why_not(one: Stored, side: str) -> str:
    reason = why_no_values(one.values)
    if not reason and one.kept is not None and not fits(one.kept, one.values):
        reason = why_misfit(one.kept, one.values)
    return f"{reason} (in {side})" if reason else ""


def _values(
    checkpoints: list[Checkpoint],
    pairs: Mapping[str, tuple[Stored, Stored]],
    tell: Callable[[int, int], None],
    stop: Stop,
) -> Iterator[tuple[str, TensorCompared | str | None]]:
    """Each name with what differs: None where nothing does, or why that cannot be said."""
    whole, done, kept_back = sum(map(_bytes, pairs.values())), 0, 0
    known: dict[tuple[int, ...], TensorCompared | str | None] = {}  # tied tensors are compared once
    for name, pair in pairs.items():
        if stop():
            raise Cancelled
        identity = tuple(id(tensor) for one in pair for tensor in one)
        if identity not in known:
            _check(checkpoints)
            known[identity] = compared(name, *pair, stop)
            kept_back += _bytes(pair)
            if kept_back >= _DROPPED_AFTER:
                _forget(checkpoints)
                kept_back = 0
        result = known[identity]
        yield name, msgspec.structs.replace(result, name=name) if isinstance(result, TensorCompared) else result
        done += _bytes(pair)
        tell(done, whole)
    _check(checkpoints)


def _check(checkpoints: list[Checkpoint]) -> None:
    for checkpoint in checkpoints:
        checkpoint.check()


def _forget(checkpoints: list[Checkpoint]) -> None:
    for checkpoint in checkpoints:
        checkpoint.forget()


def _bytes(pair: tuple[Stored, Stored]) -> int:
    return sum(elements_of(one.values) * one.values.dtype.itemsize for one in pair)


def _side(held: Mapping[str, Stored]) -> Side:
    masks = [one.kept for one in held.values() if one.kept is not None]
    return Side(
        tensors=len(held),
        elements=sum(elements_of(one.values) for one in held.values()),
        pruned=len(masks),
        masked=sum(map(masked_entries, masks)),
    )


def _only(here: Mapping[str, Stored], there: Mapping[str, Stored]) -> tuple[OnlyHere, ...]:
    """What one side has alone: the outermost modules that the other has no tensor of, and single tensors."""
    known = {above for name in there for above in _above(name)}
    found = Counter[str]()
    for name in here:
        if name not in there:
            found[next((above for above in _above(name) if above not in known), name)] += 1
    return tuple(OnlyHere(name, 0 if name in here else count) for name, count in found.items())


def _above(name: str) -> Iterator[str]:
    """The modules a tensor lies in, the outermost first."""
    parts = name.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))
