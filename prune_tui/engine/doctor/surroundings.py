"""Checks of what pruning meets in the rest of torch: copies, optimizers, fast paths, parametrizations, devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from prune_tui.engine import pruned
from prune_tui.engine.doctor.examination import Examination, Holder
from prune_tui.engine.doctor.found import Found
from prune_tui.engine.reading import is_distributed
from prune_tui.engine.targets import listed

_NORMS = (WeightNorm, SpectralNorm)


def copies_refused(seen: Examination) -> Iterator[Found]:
    """Attributes that autograd has made, which `copy.deepcopy` refuses."""
    found = [one for one in seen.pruned if isinstance(one.attribute, Tensor) and not one.attribute.is_leaf]
    yield from _told(found[0].holder.path if found else "", [one.path for one in found])


def reordered(seen: Examination) -> Iterator[Found]:
    """Modules of torch's own whose parameters stand in another order than they were built in."""
    found = [holder for holder in seen.holders if _is_reordered(holder)]
    yield from _told(found[0].path if found else "", [holder.path or "the model" for holder in found])


def _is_reordered(holder: Holder) -> bool:
    module = holder.module
    hooks = [hook for _, hook in holder.hooks]
    if not type(module).__module__.startswith("torch.nn.") or any(isinstance(hook, _NORMS) for hook in hooks):
        return False  # a person's class may register its bias first, and the old norms rename what they compute
    pruned_names = {pruned.pruned_name(hook) for hook in hooks}
    names = [
        base if (base := name.removesuffix("_orig")) in pruned_names else name
        for name, own in holder.parameters.items()
        if own is not None
    ]
    if isinstance(module, nn.RNNBase):
        built = [name for name in module._flat_weights_names if name in names]
        return [name for name in names if name in built] != built
    # Every module of torch's registers its weights before its biases; what somebody added may stand anywhere.
    built_with = pruned.named_by_torch(module)
    names = [name for name in names if name in built_with]
    biases = [index for index, name in enumerate(names) if "bias" in name]
    weights = [index for index, name in enumerate(names) if "weight" in name]
    return bool(biases and weights) and min(biases) < max(weights)


def slow_encoders(seen: Examination) -> Iterator[Found]:
    """Encoder layers of torch's with a pruning hook somewhere inside."""
    hooked = {holder.path for holder in seen.holders if any(map(pruned.pruned_name, (h for _, h in holder.hooks)))}
    found = [
        holder.path
        for holder in seen.holders
        if isinstance(holder.module, nn.TransformerEncoderLayer)
        and any(path == holder.path or not holder.path or path.startswith(f"{holder.path}.") for path in hooked)
    ]
    yield from _told(found[0] if found else "", [path or "the model" for path in found])


def parametrized(seen: Examination) -> Iterator[Found]:
    """Tensors that torch.nn.utils.parametrize computes."""
    found = []
    for holder in seen.holders:
        registry = (
            holder.module._modules["parametrizations"] if parametrize.is_parametrized(holder.module) else None
        )
        found += [(holder.path, holder.dotted(name)) for name in ([] if registry is None else registry._modules)]
    yield from _told(found[0][0] if found else "", [path for _, path in found])


def distributed(seen: Examination) -> Iterator[Found]:
    """Parameters sharded over several processes."""
    yield from _parameters(seen, is_distributed)


def on_meta(seen: Examination) -> Iterator[Found]:
    """Parameters without values."""
    yield from _parameters(seen, lambda parameter: not is_lazy(parameter) and parameter.is_meta)


def uninitialised(seen: Examination) -> Iterator[Found]:
    """Parameters without a shape."""
    yield from _parameters(seen, is_lazy)


def _parameters(seen: Examination, wanted: Callable[[Tensor], bool]) -> Iterator[Found]:
    found = [
        (holder.path, holder.dotted(name))
        for holder in seen.holders
        for name, parameter in holder.parameters.items()
        if parameter is not None and wanted(parameter)
    ]
    yield from _told(found[0][0] if found else "", [path for _, path in found])


def _told(module: str, places: list[str]) -> Iterator[Found]:
    """One finding for all places: what holds of a whole model is not worth a line for each layer."""
    if places:
        yield Found(module, "", {"places": listed(places), "count": f"{len(places):,}"})
