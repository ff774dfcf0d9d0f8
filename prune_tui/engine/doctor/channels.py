"""A check of output channels: wholly masked, and yet something flows out of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from prune_tui.engine import bits, pruned
from prune_tui.engine.doctor import orphans
from prune_tui.engine.doctor.examination import Examination, PrunedTensor
from prune_tui.engine.doctor.found import Found
from prune_tui.engine.reading import comparable


def still_flowing(seen: Examination) -> Iterator[Found]:
    """Masked output channels to which their bias, or the norm after them, still gives a value."""
    norms = _norms_after(seen)
    for one, counted in seen.readable():
        if one.name != "weight" or not 0 < counted.kept < counted.elements:
            continue
        gone = _masked_channels(one)
        if gone is None or not bool(gone.any()):
            continue
        bias, norm = _not_zero(one.holder.module, "bias"), norms.get(one.holder.path)
        sources = [("the bias", bias)]
        if norm is not None and norm.num_features == len(gone):
            sources.append((f"the {type(norm).__name__} after it", _constants(norm)))
        for source, given in sources:
            count = 0 if given is None else int((gone & given.to(gone.device)).sum())
            if count:
                words = {"count": f"{count:,} of {len(gone):,}", "source": source}
                yield Found(one.holder.path, one.path, words)
                break


def _masked_channels(one: PrunedTensor) -> Tensor | None:
    """Which output channels are wholly masked, as bool; None where the module's layout is not known."""
    module = one.holder.module
    if isinstance(module, _ConvTransposeNd):
        axis = 1 if module.groups == 1 else None
    else:
        axis = 0 if isinstance(module, nn.Linear | nn.Bilinear | _ConvNd) else None
    if axis is None or one.mask.dim() < 2:
        return None
    others = [other for other in range(one.mask.dim()) if other != axis]
    alive = bits.alive(one.mask)
    for other in reversed(others):
        alive = alive.any(dim=other)
    return ~alive


def _not_zero(module: nn.Module, name: str) -> Tensor | None:
    """Where a parameter or buffer, as the forward uses it, is not 0; None where there are no values."""
    values, mask = pruned.original(module, name), pruned.mask(module, name)
    if values is None or not orphans.has_values(values) or (mask is not None and not orphans.has_values(mask)):
        return None
    return comparable(values if mask is None else pruned.applied(values, mask)) != 0


def _constants(norm: _NormBase) -> Tensor | None:
    """The channels of which a norm makes something else than 0 when its input is 0; None where it never does.

    It gives `bias - weight · running_mean / sqrt(running_var + eps)`; with the statistics of the batch, the bias.
    """
    bias, mean, weight = (_not_zero(norm, name) for name in ("bias", "running_mean", "weight"))
    if mean is not None and weight is not None:
        mean = mean & weight.to(mean.device)
    if bias is None or mean is None:
        return mean if bias is None else bias
    return bias | mean.to(bias.device)


def _norms_after(seen: Examination) -> dict[str, _NormBase]:
    """The norm that stands right after a module in its Sequential, or under the next name in its block."""
    following: dict[str, _NormBase] = {}
    children: dict[int, list[tuple[str, nn.Module]]] = {}
    for place in seen.places:
        children.setdefault(place.parent, []).append((place.path, place.module))
    for own in children.values():
        for (path, _), (_, after) in pairwise(own):
            if isinstance(after, _NormBase):
                following[path] = after
    return following
