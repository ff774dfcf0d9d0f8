"""Masks at one bit an entry that torch and all who read a mask take for tensors.

A checkpoint that is opened without its code has no forward, so nobody but this program reads its masks: held as
torch has them they would take as much memory as the values. A `PackedMask` has the shape, dtype and identity of the
mask it stands for, and no memory of its own but the bits. A part of it is a `PackedMask`, too, over the same bits;
its entries are written out when an operation needs their values, and as many as it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prune_tui.step_settings import Bits

_PIECE = 2**18
"""Entries multiplied at a time."""
_SPARSE = 16
"""Where the entries of a part lie this many times further apart, they are picked one by one."""

_aten = torch.ops.aten
_VIEWS = {
    _aten.alias.default,
    _aten.as_strided.default,
    _aten.detach.default,
    _aten.diagonal.default,
    _aten.expand.default,
    _aten.permute.default,
    _aten.select.int,
    _aten.slice.Tensor,
    _aten.split.Tensor,
    _aten.split_with_sizes.default,
    _aten.squeeze.default,
    _aten.squeeze.dim,
    _aten.squeeze.dims,
    _aten.t.default,
    _aten.transpose.int,
    _aten.unbind.int,
    _aten.unsqueeze.default,
    _aten.view.default,
}
"""Operations that move no entry: what they make of the places of the entries is a part of the mask."""
_LIKE = {
    _aten.empty_like.default,
    _aten.ones_like.default,
    _aten.zeros_like.default,
    _aten.full_like.default,
    _aten.new_empty.default,
    _aten.new_ones.default,
    _aten.new_zeros.default,
    _aten.new_full.default,
}
"""Operations that ask for shape, dtype and strides alone."""
_WITHOUT_ZERO = {getattr(torch, "float8_e8m0fnu", None)}


class PackedMask(Tensor):
    """A mask of zeros and ones, on the CPU.

    It cannot be written to: whoever changes a mask puts another one in its place.

    Attributes:
        bits: The whole mask that this is, or is a part of.
    """

    bits: Bits
    _places: Tensor  # on the meta device: where each entry lies in the bits

    # What is computed from it is an ordinary tensor.
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, bits: Bits, dtype: torch.dtype, places: Tensor | None = None) -> PackedMask:
        """The mask.

        Args:
            bits: Its entries.
            dtype: What it has as a tensor.
            places: Of a part: a tensor on the meta device, strided as the part lies in the whole.
        """
        lies = torch.empty(bits.shape, dtype=torch.bool, device="meta") if places is None else places
        with torch.inference_mode(False):  # a part made inside it could not share the version of the whole
            made: PackedMask = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]  # not in torch's stubs
                cls,
                lies.shape,
                strides=lies.stride(),
                storage_offset=lies.storage_offset(),
                dtype=dtype,
                device=torch.device("cpu"),
            )
        made.bits, made._places = bits, lies
        return made

    @property
    def whole(self) -> bool:
        """Whether it has all entries of its bits, in their order."""
        return (
            tuple(self.shape) == tuple(self.bits.shape) and self.is_contiguous() and self.storage_offset() == 0
        )

    def flags(self) -> Tensor:
        """Which entries it keeps: a new bool tensor."""
        size, strides, first = tuple(self.shape), self.stride(), self.storage_offset()
        if not self.numel():
            return torch.empty(size, dtype=torch.bool, device="cpu")
        last = first + sum((length - 1) * stride for length, stride in zip(size, strides, strict=True))
        if last - first > _SPARSE * self.numel():
            axes = [np.arange(length) * stride for length, stride in zip(size, strides, strict=True)]
            return torch.from_numpy(_at(self.bits, _summed(axes) + first))
        data = np.frombuffer(self.bits.data, np.uint8, last // 8 + 1 - first // 8, first // 8)
        row = torch.from_numpy(np.unpackbits(data).view(np.bool_))
        return row.as_strided(size, strides, first % 8)

    def spelled_out(self) -> Tensor:
        """The mask as torch has it: a new tensor."""
        flags = self.flags()
        # A conversion copies; flags themselves may be a part of a longer row.
        return flags.clone() if self.dtype is torch.bool else flags.to(self.dtype)

    def numpy(self, *, force: bool = False) -> Any:
        """As that of a tensor that has these entries."""
        return self.spelled_out().numpy(force=force)

    def tolist(self) -> Any:
        """Likewise."""
        return self.spelled_out().tolist()

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return repr(self.spelled_out())

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedMask:
        return memo.setdefault(id(self), PackedMask(self.bits, self.dtype, self._places))

    def __copy__(self) -> PackedMask:
        return PackedMask(self.bits, self.dtype, self._places)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """What is pickled is an ordinary tensor."""
        return self.spelled_out().__reduce_ex__(protocol)

    @classmethod
    def answer(cls, func: Any, _: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Every operation of torch on such masks."""
        given = kwargs or {}
        if func in _VIEWS:
            return args[0]._part(func(args[0]._places, *args[1:], **given))
        if func in _LIKE:
            return _like(func, args[0], args[1:], given)
        shortcut = _SHORTCUTS.get(func)
        answer = None if shortcut is None else shortcut(*args, **given)
        if answer is not None:
            return answer
        _refuse_writing(func, args, given)
        return func(*map(_spelled_out, args), **{name: _spelled_out(one) for name, one in given.items()})

    def _part(self, places: Any) -> Any:
        if isinstance(places, Tensor):
            return PackedMask(self.bits, self.dtype, places)
        return [PackedMask(self.bits, self.dtype, one) for one in places]


# Set afterwards, as `product` does and for its reason: torch._dynamo is not to be imported.
PackedMask.__torch_dispatch__ = PackedMask.answer  # type: ignore[assignment,method-assign]


def plain(tensor: Tensor) -> Tensor:
    """A tensor that has memory: a packed mask written out, any other as it is."""
    return tensor.spelled_out() if isinstance(tensor, PackedMask) else tensor


def bits_of(mask: Tensor | None) -> Bits | None:
    """The bits of a whole packed mask; None of any other tensor."""
    return mask.bits if isinstance(mask, PackedMask) and mask.whole else None


def memory_of(tensor: Tensor) -> Any:
    """What a tensor lies in: an object that is the same for all that lie there, and lasts as long."""
    return tensor.bits if isinstance(tensor, PackedMask) else tensor.untyped_storage()


def address_of(tensor: Tensor) -> int:
    """Where the memory begins that a tensor lies in; of packed masks each has its own."""
    return id(tensor.bits) if isinstance(tensor, PackedMask) else tensor.untyped_storage().data_ptr()


# ---------------------------------------------------------------- operations


def _spelled_out(argument: Any) -> Any:
    if isinstance(argument, PackedMask):
        return argument.spelled_out()
    if isinstance(argument, list | tuple):
        return type(argument)(map(_spelled_out, argument))
    return argument


def _refuse_writing(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not func._schema.is_mutable:
        return
    for at, told in enumerate(func._schema.arguments):
        written = told.alias_info is not None and told.alias_info.is_write
        one = args[at] if at < len(args) else kwargs.get(told.name)
        if written and isinstance(one, PackedMask):
            raise RuntimeError(
                "this mask is kept at one bit an entry and cannot be written to;"
                " register a tensor in its place (mask.clone() is an ordinary one)"
            )


def _like(func: Any, mask: PackedMask, args: Iterable[Any], kwargs: dict[str, Any]) -> Any:
    """A new tensor like a mask, whose entries do not matter."""
    like = torch.empty_strided(mask.shape, mask.stride(), dtype=mask.dtype, device="meta")
    device = kwargs.get("device") or torch.device("cpu")
    return func(like, *args, **{**kwargs, "device": device, "dtype": kwargs.get("dtype") or mask.dtype})


def _converted(mask: Any, **kwargs: Any) -> Tensor | None:
    """Of another dtype: zeros and ones stay what they are."""
    dtype, device = kwargs.get("dtype") or mask.dtype, kwargs.get("device")
    moved = device is not None and torch.device(device).type != "cpu"
    strided = kwargs.get("layout") in {None, torch.strided} and mask.is_contiguous()
    if moved or not strided or dtype in _WITHOUT_ZERO or mask.dtype in _WITHOUT_ZERO:
        return None
    return PackedMask(mask.bits, dtype, mask._places)


def _compared(equal: bool) -> Callable[[Any, Any], Tensor | None]:
    """With 0 or 1: its flags tell."""

    def compared(mask: Any, number: Any) -> Tensor | None:
        if not isinstance(mask, PackedMask) or number not in {0, 1} or mask.dtype in _WITHOUT_ZERO:
            return None
        flags = mask.flags()
        flags = flags if flags.is_contiguous() else flags.clone()
        return flags if (number == 1) == equal else flags.logical_not_()

    return compared


def _multiplied(one: Any, other: Any) -> Tensor | None:
    """With values of its shape: piece by piece, without the mask itself. Each factor stays in its place."""
    mask, values = (one, other) if isinstance(one, PackedMask) else (other, one)
    if not isinstance(values, Tensor) or isinstance(values, PackedMask) or not mask.whole:
        return None
    alike = (values.shape, values.dtype, values.device) == (mask.shape, mask.dtype, mask.device)
    if not alike or values.layout is not torch.strided or not values.is_contiguous():
        return None
    made = torch.empty_like(values, memory_format=torch.contiguous_format)
    factors, out = [each.view(-1) for each in (one, other)], made.view(-1)
    for start in range(0, out.numel(), _PIECE):
        piece = slice(start, start + _PIECE)
        torch.mul(*(_spelled_out(each[piece]) for each in factors), out=out[piece])
    return made


def _indexed(mask: Any, indices: Any) -> Tensor | None:
    """Entries by their indices: only those are looked at."""
    given = all(isinstance(one, Tensor) and one.dtype is torch.int64 for one in indices)
    if not isinstance(mask, PackedMask) or not given or len(indices) != mask.dim():
        return None
    axes = []
    for one, size, stride in zip(indices, mask.shape, mask.stride(), strict=True):
        at = one.numpy()
        if at.size and not -size <= at.min() <= at.max() < size:
            return None  # torch says what is wrong
        axes.append(np.where(at < 0, at + size, at) * stride)
    places = sum(axes[1:], axes[0]) + mask.storage_offset()
    return torch.from_numpy(_at(mask.bits, places)).to(mask.dtype)


_SHORTCUTS: dict[Any, Callable[..., Tensor | None]] = {
    _aten._to_copy.default: _converted,
    _aten.mul.Tensor: _multiplied,
    _aten.ne.Scalar: _compared(equal=False),
    _aten.eq.Scalar: _compared(equal=True),
    _aten.index.Tensor: _indexed,
}
"""What is answered without the whole mask; None where it is needed after all."""


def _summed(axes: list[Any]) -> Any:
    """Numbers of each axis, added up over all of them."""
    total = np.zeros((), np.int64)
    for one in axes:
        total = total[..., None] + one
    return total


def _at(bits: Bits, places: Any) -> Any:
    """Whether the entries at some places are kept."""
    data = np.frombuffer(bits.data, np.uint8)
    return ((data[places >> 3] >> (7 - (places & 7)).astype(np.uint8)) & 1).astype(np.bool_)
