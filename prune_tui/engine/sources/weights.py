"""A checkpoint's tensors loaded into a model that code has built, as `load_state_dict` does it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from prune_tui.engine.sources import pruned_pairs
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.sources.restored_pruning import restore
from prune_tui.engine.sources.retold_steps import by_its_names
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.telling_names import some, tensors
from prune_tui.engine.walking import tensors_of

_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers put before every name: DataParallel, torch.compile, Lightning."""


class _Fit(NamedTuple):
    """How a checkpoint fits a model.

    Attributes:
        missing: Names of the model that no tensor was loaded for.
        unexpected: Names of the checkpoint that the model has not.
        mismatched: Names of both, of another shape.
        cast: Names of both, of another dtype.
        apart: Names that are one tensor in the model, and several with other values in the checkpoint.
    """

    missing: list[str]
    unexpected: list[str]
    mismatched: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    cast: list[str]
    apart: list[list[str]]


def load(model: nn.Module, source: str, checkpoint: Checkpoint) -> Loaded:
    """Load weights on top of a model.

    What is tied in the model stays tied, and its dtypes and devices stay as they are: values are copied. Pruned
    tensors of the checkpoint become torch's own pruned tensors.

    Args:
        model: Changed in place.
        source: How a person calls it.
        checkpoint: What to load.

    Raises:
        SourceError: Nothing of the checkpoint fits, or loading raised.
    """
    if any(tensor.is_meta for tensor in tensors_of(model) if not is_lazy(tensor)):
        raise SourceError(
            f"{source} builds its model on the meta device, where no --weights go; build it on the CPU"
        )
    checkpoint = by_its_names(_as_named_in(model, checkpoint))
    _make_room(model, checkpoint.tensors)
    fit = _copy(model, source, checkpoint)
    past, restored = restore(model, checkpoint.metadata)
    pruned_pairs.compute(model)
    notes = (*checkpoint.notes, *_told(source, fit), *restored)
    # The model is the code's: what could not be pruned in its file can be pruned here.
    return Loaded(model, checkpoint=dataclasses.replace(checkpoint, refusal=""), past=past, notes=notes)


def _as_named_in(model: nn.Module, checkpoint: Checkpoint) -> Checkpoint:
    """With as much of what wrappers put before the names as fits the model, whose code may have such modules."""
    own = {pruned_pairs.unpruned(name) for name in _state(model)}

    def known(one: Checkpoint) -> int:
        return sum(pruned_pairs.unpruned(name) in own for name in one.tensors)

    return max((checkpoint, *_named_otherwise(checkpoint)), key=known)


def _named_otherwise(checkpoint: Checkpoint) -> Iterator[Checkpoint]:
    bare = checkpoint.without_prefix(*_PREFIXES)
    yield bare
    for cut, character in reversed(list(enumerate(f".{bare.prefix}"))):
        if character == ".":
            yield bare.with_prefix(bare.prefix[:cut])


def _state(model: nn.Module) -> dict[str, Any]:
    with explained("the model's state_dict could not be made"):
        return model.state_dict(keep_vars=True)


def _make_room(model: nn.Module, held: Mapping[str, Tensor]) -> None:
    """Give the model's parameters original and mask where the checkpoint has them, to load them into.

    Of a tied tensor a file may keep one original for two masks.
    """
    places, state = pruned_pairs.parameters(model), _state(model)
    masks = {}
    for base, place in places.items():
        name = base + pruned_pairs.MASK
        if name not in held or name in state or base in held or is_lazy(place.parameter):
            continue
        if held[name].shape == place.parameter.shape:
            masks[base] = torch.ones_like(place.parameter, requires_grad=False)
    pruned_pairs.put({base: places[base] for base in masks}, masks)


def _copy(model: nn.Module, source: str, checkpoint: Checkpoint) -> _Fit:
    """Have torch load what fits; shapes are compared before, since torch stops half-way at those that do not."""
    state = _state(model)
    loadable, mismatched, cast = dict(checkpoint.tensors), {}, []
    for name, tensor in checkpoint.tensors.items():
        there = state.get(name)
        if not isinstance(there, Tensor) or is_lazy(there):
            continue
        if there.shape != tensor.shape:
            mismatched[name] = (tuple(tensor.shape), tuple(there.shape))
            del loadable[name]
        elif there.dtype != tensor.dtype and not name.endswith(pruned_pairs.MASK):
            cast.append(name)
    with explained(f"{checkpoint.path} could not be loaded into {source}"):
        result = model.load_state_dict(loadable, strict=False)
    if not loadable or len(set(result.unexpected_keys) & set(loadable)) == len(loadable):
        raise SourceError(_nothing_fits(source, checkpoint, state, mismatched))
    loaded = loadable.keys() - set(result.unexpected_keys)
    return _Fit(
        _really_missing(state, result.missing_keys, loaded),
        list(result.unexpected_keys),
        mismatched,
        cast,
        list(_apart(state, {name: loadable[name] for name in loaded})),
    )


def _really_missing(state: Mapping[str, Any], missing: list[str], loaded: set[str]) -> list[str]:
    """Without those that are tied to one that was loaded."""
    there = {id(state[name]) for name in loaded if name in state}
    return [name for name in missing if name not in state or id(state[name]) not in there]


def _apart(state: Mapping[str, Any], loaded: Mapping[str, Tensor]) -> Iterator[list[str]]:
    tied: dict[int, list[str]] = {}
    for name, there in state.items():
        if name in loaded:
            tied.setdefault(id(there), []).append(name)
    for names in tied.values():
        if any(not torch.equal(loaded[name], loaded[names[0]]) for name in names[1:]):
            yield names


def _nothing_fits(
    source: str, checkpoint: Checkpoint, state: Mapping[str, Any], mismatched: Mapping[str, Any]
) -> str:
    if mismatched:
        told = "; ".join(_told_shape(name, *shapes) for name, shapes in list(mismatched.items())[:3])
        return f"nothing of {checkpoint.path} fits {source}: {told}. Is another --arg needed?"
    return (
        f"nothing of {checkpoint.path} fits {source}: the checkpoint has {some(checkpoint.tensors)},"
        f" the model {some(state)}"
    )


def _told_shape(name: str, held: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    return f"{name} is {held} there and {wanted} in the model"


def _told(source: str, fit: _Fit) -> Iterator[str]:
    if fit.missing:
        told = f"{tensors(len(fit.missing))} of {source} not in the weights"
        yield f"{told}, as the code has left them: {some(fit.missing)}"
    if fit.unexpected:
        yield f"{tensors(len(fit.unexpected))} of the weights not in {source}: {some(fit.unexpected)}"
    if fit.mismatched:
        shapes = [_told_shape(name, *both) for name, both in fit.mismatched.items()]
        more = f" and {len(shapes) - 3:,} more" if len(shapes) > 3 else ""
        yield f"{tensors(len(shapes))} not loaded for its shape: {'; '.join(shapes[:3])}{more}"
    if fit.cast:
        yield f"{tensors(len(fit.cast))} of another dtype, converted to the model's: {some(fit.cast)}"
    for names in fit.apart[:3]:
        yield f"{' and '.join(names)} are one tensor in {source}, and differ in the weights: {names[-1]} was taken"
