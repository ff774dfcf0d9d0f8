"""How tensors are read: by name, in pieces that stay in the cache, as float64; and why some cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from prune_tui.engine.packed_masks import bits_of
from prune_tui.engine.pruned import is_pruned
from prune_tui.engine.selection import living
from prune_tui.view_rows import View

PIECE = 2**18
"""Entries read at a time: few enough for the cache, enough to hide what a call costs."""


def stored(module: nn.Module, name: str) -> Tensor | None:
    """The very tensor a module stores under a name: `weight_orig` where `weight` is pruned, else its own.

    Unlike `pruned.original` it does not detach, which an uninitialised parameter refuses.
    """
    original = f"{name}_orig" if is_pruned(module, name) else name
    for key, registry in ((original, module._parameters), (name, module._buffers)):
        if key in registry:  # a ScriptModule's registry has no get
            found: Tensor | None = registry[key]
            if found is not None:
                return found
    return None


def dtype_name(tensor: Tensor) -> str:
    """`float32`."""
    return str(tensor.dtype).removeprefix("torch.")


@cache
def _converts(dtype: torch.dtype) -> bool:
    """Whether torch has a conversion; the packed sub-byte types (bits8, int4, float4_e2m1fn_x2) have none."""
    try:
        torch.empty(1, dtype=dtype, device="cpu").to(torch.complex128)
    except (RuntimeError, NotImplementedError):
        return False
    return True


def is_distributed(tensor: Tensor) -> bool:
    """Whether it is a DTensor; told by name, since importing torch.distributed.tensor takes a second."""
    return any(kind.__name__ == "DTensor" for kind in type(tensor).__mro__)


# In this order: what torch tells of an uninitialised or nested tensor is little, and asking for more raises.
_WITHOUT_VALUES: tuple[tuple[Callable[[Tensor], bool], str], ...] = (
    (is_lazy, "not initialised: run one forward to give it a shape"),
    # To read one is to talk with the other processes, which wait for nothing of the kind: it would hang.
    (is_distributed, "DTensor: parts of it lie in other processes; its full_tensor() could be shown"),
    (lambda tensor: tensor.is_meta, "on the meta device: no values"),
    (lambda tensor: tensor.is_nested, "nested tensor: its rows differ in length"),
    (lambda tensor: tensor.is_quantized, "quantized to {dtype}: its values are packed"),
    (lambda tensor: tensor.layout is not torch.strided, "layout {layout}: only dense tensors are shown"),
    (lambda tensor: not _converts(tensor.dtype), "torch cannot convert {dtype} to float"),
)


def why_no_values(tensor: Tensor) -> str:
    """One line that says why a tensor's entries cannot be shown; empty when they can."""
    for holds, reason in _WITHOUT_VALUES:
        if holds(tensor):
            layout = str(tensor.layout).removeprefix("torch.").lstrip("_")
            return reason.format(dtype=dtype_name(tensor), layout=layout)
    return ""


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Its sizes; empty where torch has none to tell, as before a lazy module's first forward."""
    return () if is_lazy(tensor) or tensor.is_nested else tuple(tensor.shape)


def elements_of(tensor: Tensor) -> int:
    """How many entries it has; none before it is initialised."""
    if is_lazy(tensor):
        return 0
    return int(tensor.numel()) if tensor.is_nested else prod(tensor.shape)


def pieces(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Walk tensors of one shape side by side, at most `PIECE` entries at a time, each entry once.

    The pieces are views, whatever the strides: nothing as large as a tensor is ever copied. Their order is that of
    the memory and no promise.
    """
    first = tensors[0].detach()
    order = sorted(range(first.dim()), key=first.stride, reverse=True)
    yield from _split(tuple(tensor.detach().permute(order) for tensor in tensors))


def pieces_in_order(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """As `pieces`, in the order of the indices, the last axis fastest; slower where the memory has another."""
    yield from _split(tuple(tensor.detach() for tensor in tensors))


def _split(tensors: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    elements = tensors[0].numel()
    if elements <= PIECE:
        yield tensors
        return
    if tensors[0].dim() > 1 and all(tensor.is_contiguous() for tensor in tensors):
        tensors = tuple(tensor.view(-1) for tensor in tensors)
    rows = PIECE // (elements // tensors[0].shape[0])
    if rows:
        yield from zip(*(tensor.split(rows) for tensor in tensors), strict=True)
        return
    for index in range(tensors[0].shape[0]):
        yield from _split(tuple(tensor[index] for tensor in tensors))


def masked_entries(mask: Tensor) -> int:
    """How many entries a mask takes: those where it is 0."""
    if why_no_values(mask):
        return 0
    packed = bits_of(mask)
    if packed is not None:
        return mask.numel() - living.count(packed)
    # One number is waited for, not one for each piece: on a GPU each wait is a synchronisation.
    taken = [(comparable(piece) == 0).sum() for (piece,) in pieces(mask)]
    return int(torch.stack(taken).sum())


def fits(kept: Tensor | None, values: Tensor) -> bool:
    """Whether there is a mask that can be laid over the values; the doctor tells of one that cannot."""
    return kept is not None and not why_misfit(kept, values)


def why_misfit(kept: Tensor, values: Tensor) -> str:
    """One line that says why a mask cannot be laid over values that can be shown; empty when it can."""
    if shape_of(kept) != shape_of(values):
        own, theirs = ("×".join(map(str, shape_of(one))) or "a scalar" for one in (kept, values))
        return f"its mask is {own}: it does not fit {theirs}; ! tells more"
    if kept.device != values.device:
        return f"its mask is on {kept.device}, its values are on {values.device}; ! tells more"
    reason = why_no_values(kept)
    return f"its mask cannot be read: {reason}" if reason else ""


def comparable(values: Tensor) -> Tensor:
    """The same numbers in a type that compares and multiplies on every device; float8 does on few."""
    eight_bits = values.dtype.is_floating_point and values.dtype.itemsize == 1
    return values.to(torch.float32) if eight_bits else values


def product(values: Tensor, kept: Tensor) -> Tensor:
    """`orig × mask`, as the forward_pre hook of torch computes it."""
    return (comparable(kept.to(values)) * comparable(values)).to(values.dtype)


def as_numbers(values: Tensor) -> Tensor:
    """As float64: a complex entry by its magnitude, a bool as 0 or 1."""
    if values.device.type == "mps":  # has no float64
        values = values.cpu()
    if values.is_complex():
        return values.to(torch.complex128).abs()
    return values.to(torch.float64)


def effective(values: Tensor, kept: Tensor | None) -> Tensor:
    """What a module computes with: values where nothing is pruned, else their product with the mask."""
    return values if kept is None else product(values, kept)


def viewed(values: Tensor, kept: Tensor | None, view: View) -> Tensor:
    """What a view of one moment shows of stored values and their mask, in the dtype it has.

    Args:
        values: Stored values, or a part of them.
        kept: The same part of the mask; None where nothing is pruned.
        view: `effective`, `orig` or `mask`.
    """
    if view == "mask":
        return torch.ones_like(values, dtype=torch.bool) if kept is None else kept
    return values if view == "orig" else effective(values, kept)


def difference(now: Tensor, then: Tensor) -> Tensor:
    """How values changed: 0 where they did not, of NaN and Inf too, whose difference is NaN."""
    wide = torch.complex128 if now.is_complex() else torch.float64
    now, then = comparable(now), comparable(then)
    unchanged = ~unequal(now, then)
    if now.device.type == "mps":
        now, then, unchanged = now.cpu(), then.cpu(), unchanged.cpu()
    return as_numbers((now.to(wide) - then.to(wide)).masked_fill(unchanged, 0))


def unequal(left: Tensor, right: Tensor) -> Tensor:
    """Where two tensors differ, NaN being equal to NaN."""
    left, right = comparable(left), comparable(right)
    return (left != right) & ~(left.isnan() & right.isnan())
