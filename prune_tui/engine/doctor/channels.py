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
    """Masked output channels whose bias, or the BatchNorm after them, still gives them a value."""
    norms = _norms_after(seen)
    for one, counted in seen.readable():
        if one.name != "weight" or not 0 < counted.kept < counted.elements:
            continue
        gone = _masked_channels(one)
        if gone is None or not bool(gone.any()):
            continue
        bias, norm = _bias(one.holder.module), norms.get(one.holder.path)
        by_bias = None if bias is None else gone & (bias != 0).to(gone.device)
        if by_bias is not None and bool(by_bias.any()):
            count, source = int(by_bias.sum()), "the bias"
        elif norm is not None and norm.num_features == len(gone):
            count, source = int(gone.sum()), f"the {type(norm).__name__} after it"
        else:
            continue
        words = {"count": f"{count:,} of {len(gone):,}", "source": source}
        yield Found(one.holder.path, one.path, words)


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


def _bias(module: nn.Module) -> Tensor | None:
    bias = pruned.effective(module, "bias")
    return None if bias is None or not orphans.has_values(bias) else comparable(bias)


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
