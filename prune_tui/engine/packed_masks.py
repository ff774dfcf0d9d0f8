"""Masks at one bit an entry that torch and all who read a mask take for tensors.

A checkpoint that is opened without its code has no forward, so nobody but this program reads its masks: as torch
has them they would take as much memory as the values. A `PackedMask` has the shape, dtype and identity of the
mask it stands for, and no memory of its own but the bits. A part of it is a `PackedMask`, too, over the same bits;
its entries are written out when an operation needs their values, and as many as it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine import torch_functions
from prune_tui.step_settings import Bits

_KEPT = "this mask is kept at one bit an entry"
_UNWRITTEN = f"{_KEPT} and cannot be written to; register a tensor in its place (mask.clone() is an ordinary one)"
_PIECE = 2**18
"""Entries multiplied at a time."""
_SPARSE = 16
"""Where the entries of a part lie this many times further apart, they are picked one by one."""

_WITHOUT_ZERO = {getattr(torch, "float8_e8m0fnu", None)}


class PackedMask(Tensor):
    """A mask of zeros and ones, on the CPU.

    It cannot be written to: whoever changes a mask puts another one in its place. A conversion is an ordinary
    tensor where torch's would be a new one, since who converts a mask may write to what comes out.

    Attributes:
        bits: The whole mask that this is, or is a part of.
    """

    bits: Bits
    _places: Tensor  # on the meta device: where each entry lies in the bits

    @staticmethod
    def __new__(cls, bits: Bits, dtype: torch.dtype, places: Tensor | None = None) -> PackedMask:
        """The mask with these bits, of a dtype; places of a part are on the meta device, strided as they lie."""
        lies = torch.empty(bits.shape, dtype=torch.bool, device="meta") if places is None else places
        with torch.inference_mode(False):  # a part made inside it could not share the version of the whole
            made: PackedMask = Tensor._make_wrapper_subclass(
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
        return tuple(self.shape) == tuple(self.bits.shape) and self.is_contiguous() and self.storage_offset() == 0

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
        """As that of a tensor that has these entries; to be read alone, since the mask would not change."""
        array = self.spelled_out().numpy(force=force)
        array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None) -> Any:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def data_ptr(self) -> int:
        """Refused: who asks, as safetensors does, reads or writes the memory that it has not."""
        raise RuntimeError(f"{_KEPT} and has no memory of its own; mask.clone() is an ordinary tensor")

    def tolist(self) -> Any:
        """Likewise."""
        return self.spelled_out().tolist()

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]  # torch's is not typed
        return repr(self.spelled_out())

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedMask:
        return PackedMask(self.bits, self.dtype, self._places)

    def __copy__(self) -> PackedMask:
        return PackedMask(self.bits, self.dtype, self._places)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """What is pickled is an ordinary tensor."""
        return self.spelled_out().__reduce_ex__(protocol)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Every function of torch's on such masks: answered with what is an ordinary tensor, or a part of one."""
        with torch._C.DisableTorchFunctionSubclass():
            return _answer(func, args, kwargs or {})

    def part(self, places: Any) -> Any:
        """Parts of it: where each of their entries lies in the bits."""
        if places is self._places:
            return self
        if isinstance(places, Tensor):
            return PackedMask(self.bits, self.dtype, places)
        return type(places)(self.part(one) for one in places)

    def lies_in(self, places: Any) -> bool:
        """Whether these are places in its bits, and not of entries that were moved."""
        if not isinstance(places, Tensor):
            return all(map(self.lies_in, places))
        return bool(places.untyped_storage()._cdata == self._places.untyped_storage()._cdata)


def _below_functions(
    cls: Any, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    """What comes to such a mask from inside torch.

    Not all goes this way, since torch would import its distributed tensors to tell whether it is one: a second.
    """
    schema = func._schema.arguments if func._schema.is_mutable else ()
    for at, told in enumerate(schema):
        if told.alias_info is not None and told.alias_info.is_write:
            _refuse_writing(args[at] if at < len(args) else (kwargs or {}).get(told.name))
    return _of_spelled_out(func, args, kwargs or {})


# Set afterwards: in the body of the class torch would wrap it, and the first call import all of torch._dynamo.
PackedMask.__torch_dispatch__ = classmethod(_below_functions)  # type: ignore[assignment]


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


# ---------------------------------------------------------------- functions of torch


def _answer(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = func.__name__
    first = args[0] if args else None
    if isinstance(first, PackedMask):
        attribute = func.__self__.__name__ if name in {"__get__", "__set__"} else ""
        known = name == "__get__" and attribute not in torch_functions.OF_ENTRIES
        if name == "__get__" and attribute == "real" and not first.is_complex():
            return first
        if attribute in torch_functions.VIEWS_AS_ATTRIBUTES and known:
            return first.part(func(first._places))
        if known or name in torch_functions.DESCRIPTIONS or _stays(name, args[1:], kwargs):
            return func(*args, **kwargs) if not torch_functions.writes(name) else first
        if name == "share_memory_":
            return first.spelled_out().share_memory_()  # other processes may write to it
        if attribute:
            _refuse_writing(first if name == "__set__" else None)
    if torch_functions.writes(name) or kwargs.get("inplace"):
        _refuse_writing(first if args else next(iter(kwargs.values()), None))
    _refuse_writing(kwargs.get("out"))
    shortcut = _SHORTCUTS.get(name) if args else None
    answer = None if shortcut is None else shortcut(func, args, kwargs)
    return _of_spelled_out(func, args, kwargs) if answer is None else answer


def _stays(name: str, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function that is said to change a mask leaves it as it is: without gradients."""
    wanted = [*rest, *kwargs.values()]
    none = len(wanted) == 1 and (wanted[0] is False or wanted[0] is None)
    return name == "detach_" or (name in {"requires_grad_", "__set__"} and none)


def _of_spelled_out(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    copies: list[Tensor] = []
    given = _spelled_out(args, copies), {name: _spelled_out(one, copies) for name, one in kwargs.items()}
    before = [one._version for one in copies]
    answer = func(*given[0], **given[1])
    if before != [one._version for one in copies]:
        raise RuntimeError(_UNWRITTEN)  # no name told that it writes
    return answer


# Not within the function that needs it: one that calls itself would keep the copies until garbage is collected.
def _spelled_out(argument: Any, copies: list[Tensor]) -> Any:
    if isinstance(argument, PackedMask):
        with torch.inference_mode(False):  # tensors made inside it have no version
            copies.append(argument.spelled_out())
        return copies[-1]
    if type(argument) in {list, tuple}:
        return type(argument)(_spelled_out(one, copies) for one in argument)
    return argument


def _refuse_writing(written: Any) -> None:
    """Refuse where what is written to, or one of a list of it, is a packed mask."""
    if isinstance(written, PackedMask):
        raise RuntimeError(_UNWRITTEN)
    if isinstance(written, list | tuple):
        for one in written:
            _refuse_writing(one)


def _viewed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A part of the mask, without a look at its entries."""
    mask, *rest = args
    if any(isinstance(one, torch.dtype) for one in (*rest, *kwargs.values())) or not isinstance(mask, PackedMask):
        return None  # its memory as other numbers
    if func.__name__ == "__getitem__" and not _is_basic(rest[0]):
        return _indexed(mask, rest[0])
    places = func(mask._places, *rest, **kwargs)
    return mask.part(places) if mask.lies_in(places) else None


def _is_basic(index: Any) -> bool:
    """Whether an index only cuts: with numbers and slices."""
    return all(
        one is None or one is Ellipsis or (isinstance(one, int | slice) and not isinstance(one, bool))
        for one in (index if isinstance(index, tuple) else (index,))
    )


def _indexed(mask: PackedMask, index: Any) -> Tensor | None:
    """Entries by an index for each axis: only those are looked at."""
    given = isinstance(index, tuple) and all(isinstance(one, Tensor) and one.dtype is torch.int64 for one in index)
    if not given or len(index) != mask.dim():
        return None
    axes = []
    for one, size, stride in zip(index, mask.shape, mask.stride(), strict=True):
        at = one.numpy()
        if at.size and not -size <= at.min() <= at.max() < size:
            return None  # torch says what is wrong
        axes.append(np.where(at < 0, at + size, at) * stride)
    places = sum(axes[1:], axes[0]) + mask.storage_offset()
    return torch.from_numpy(_at(mask.bits, places)).to(mask.dtype)


def _like(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A new tensor like a mask, whose entries do not matter."""
    mask, *rest = args
    if not isinstance(mask, PackedMask):
        return None  # another tensor's, and the mask is what it is filled with
    like = torch.empty_strided(mask.shape, mask.stride(), dtype=mask.dtype, device="meta")
    device = kwargs.get("device") or torch.device("cpu")
    return func(like, *rest, **{**kwargs, "device": device})


def _converted(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Of another dtype: zeros and ones stay what they are; the mask itself where torch would not copy either."""
    mask, *rest = args
    if not isinstance(mask, PackedMask) or kwargs.get("memory_format") not in {None, torch.preserve_format}:
        return None
    given = torch.empty(0, dtype=mask.dtype, device="cpu")
    wanted = func(given, *rest, **kwargs)
    if wanted is given:
        return mask
    if wanted.device.type != "cpu" or {wanted.dtype, mask.dtype} & _WITHOUT_ZERO:
        return None
    return PackedMask(mask.bits, wanted.dtype, mask._places).spelled_out()


def _compared(equal: bool) -> Callable[..., Tensor | None]:
    """With 0 or 1: its flags tell."""

    def compared(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
        if kwargs or len(args) != 2:
            return None
        mask, number = args
        if not isinstance(mask, PackedMask) or not isinstance(number, int | float):
            return None
        if number not in {0, 1} or mask.dtype in _WITHOUT_ZERO:
            return None
        flags = mask.flags()
        flags = flags if flags.is_contiguous() else flags.clone()
        return flags if (number == 1) == equal else flags.logical_not_()

    return compared


def _multiplied(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """With values of its shape: piece by piece, without the mask itself. Each factor stays in its place."""
    if kwargs or len(args) != 2:
        return None
    mask, values = args if isinstance(args[0], PackedMask) else args[::-1]
    if not isinstance(values, Tensor) or isinstance(values, PackedMask) or not mask.whole:
        return None
    alike = (values.shape, values.dtype, values.device) == (mask.shape, mask.dtype, mask.device)
    if not alike or values.layout is not torch.strided or not values.is_contiguous():
        return None
    if values.requires_grad and torch.is_grad_enabled():
        return None  # autograd has to see it
    made = torch.empty_like(values, memory_format=torch.contiguous_format, requires_grad=False)
    row, out, places = values.detach().view(-1), made.view(-1), mask._places.view(-1)
    for start in range(0, out.numel(), _PIECE):
        piece = slice(start, start + _PIECE)
        kept, some = mask.part(places[piece]).spelled_out(), row[piece]
        torch.mul(*((kept, some) if args[0] is mask else (some, kept)), out=out[piece])
    return made


_SHORTCUTS: dict[str, Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]] = {
    **dict.fromkeys(torch_functions.VIEWS, _viewed),
    **dict.fromkeys(torch_functions.LIKE, _like),
    **dict.fromkeys(torch_functions.CONVERSIONS, _converted),
    **dict.fromkeys(("eq", "__eq__"), _compared(equal=True)),
    **dict.fromkeys(("ne", "__ne__"), _compared(equal=False)),
    **dict.fromkeys(("mul", "multiply", "__mul__", "__rmul__"), _multiplied),
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
