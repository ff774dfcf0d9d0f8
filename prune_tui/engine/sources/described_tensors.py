"""Tensors as torch's pickles describe them: which storage, which of its entries. Read without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from prune_tui.engine.sources.pickled_objects import Global, Made, Persistent
from prune_tui.engine.sources.source_error import SourceError

T = TypeVar("T")

_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}
_MOST_DIMENSIONS = 64
_TOO_MANY = 2**62
"""What may overflow where torch multiplies."""
_LONGEST_NAME = 100
"""Characters of a class's name in a sentence."""
_LARGEST_EXPANDED, _EXPANDED = 1_000_000, 1_000
"""Entries of a tensor that shows the same ones again and again, and how often: looking at it takes them all."""


class NotShownError(ValueError):
    """A tensor that cannot be shown; its text says why, beginning with a verb."""


class Extent(NamedTuple):
    """Which entries of a storage a tensor has.

    Attributes:
        offset: Its first entry.
        shape: Their numbers.
        strides: Steps from one to the next.
    """

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Described(NamedTuple):
    """A tensor as a pickle tells of it.

    Attributes:
        key: Of its storage.
        stored: Of what dtype the storage's entries are said to be.
        entries: How many of them there should be.
        dtype: Of its own entries.
        start: Entry of the storage that it counts from.
        extent: Which of them it has.
    """

    key: str
    stored: str
    entries: int
    dtype: str
    start: int
    extent: Extent


def describe(made: Any, path: object) -> Described:
    """What is told of a tensor.

    Args:
        made: `is_tensor` is true of it.
        path: Of the file, for errors.

    Raises:
        NotShownError: It is of a kind that is not read.
        SourceError: It is damaged.
    """
    for _ in range(_DEEPEST):
        rebuild = _REBUILT.get(called(made))
        if rebuild is None:
            raise NotShownError(_reason(made))
        try:
            found = rebuild(*made.arguments)
        except TypeError as error:
            raise SourceError(f"{path} is damaged: a tensor is made with {error}") from error
        if isinstance(found, _Rebuilt):
            return _described(found, path)
        made = found
    raise SourceError(f"{path} is damaged: a tensor is wrapped more than {_DEEPEST} times")


def _described(found: _Rebuilt, path: object) -> Described:
    id_ = found.storage.id if isinstance(found.storage, Persistent) else None
    if not isinstance(id_, tuple) or len(id_) < 5 or id_[0] != "storage" or not isinstance(id_[1], Global):
        raise SourceError(f"{path} is damaged: a tensor has no storage")
    _, kind, key, _, entries, *view = id_
    stored = dtype_of_storage(kind)
    dtype = _dtype(found.dtype) if found.dtype is not None else stored
    if dtype is None or stored is None:
        told = _told(kind if found.dtype is None else found.dtype).removesuffix("Storage")
        raise NotShownError(f"is of dtype {told}")
    offset, shape, strides = found.offset, numbers(found.shape), numbers(found.strides)
    if not isinstance(offset, int) or not isinstance(entries, int) or shape is None or strides is None:
        raise SourceError(f"{path} is damaged: a tensor's shape is not told in whole numbers")
    # The old format tells views of storages: their key, first entry and number of entries.
    start = view[0][1] if view and isinstance(view[0], tuple) and len(view[0]) == 3 else 0
    if not isinstance(start, int) or not 0 <= start < _TOO_MANY:
        raise SourceError(f"{path} is damaged: a storage's view begins nowhere")
    if not isinstance(key, (str, int)):
        raise SourceError(f"{path} is damaged: a storage has no name")
    return Described(str(key), stored, entries, dtype, start, Extent(offset, shape, strides))


def check(path: object, extent: Extent, held: int) -> None:
    """Make sure that a tensor stays within its storage: torch would make the storage larger instead.

    Args:
        path: Of the file, for errors.
        extent: Of the tensor.
        held: Entries of the storage.

    Raises:
        NotShownError: It shows few entries very often.
        SourceError: It does not lie within.
    """
    shape, strides = extent.shape, extent.strides
    numbers = [extent.offset, *shape, *strides]
    whole = len(shape) == len(strides) <= _MOST_DIMENSIONS and all(0 <= one < _TOO_MANY for one in numbers)
    if not whole or math.prod(size for size in shape if size) >= _TOO_MANY:
        raise SourceError(f"{path} is damaged: a tensor has shape {_cut(shape)} and strides {_cut(strides)}")
    if 0 in shape:
        return
    last = extent.offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= held:
        raise SourceError(
            f"{path} is damaged or cut off: a tensor of shape {_cut(shape)} needs {last + 1:,} entries of a"
            f" storage that has {max(0, held):,}"
        )
    entries = math.prod(shape)
    if entries > _LARGEST_EXPANDED and entries > _EXPANDED * held:
        raise NotShownError(f"repeats {held:,} stored entries to {entries:,}")


def _cut(numbers: tuple[int, ...]) -> str:
    text = ", ".join(map(str, numbers[:8]))
    return f"({text}, …)" if len(numbers) > 8 else f"({text})"


class _Rebuilt(NamedTuple):
    storage: Any
    offset: Any
    shape: Any
    strides: Any
    dtype: Any = None


_DEEPEST = 10
"""A parameter of a tensor of a type: torch wraps three times."""


def shown(place: Callable[[Any], T], value: Any) -> T | str:
    """A tensor, or why it is not shown."""
    try:
        return place(value)
    except NotShownError as error:
        return str(error)


def told(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """What a person should know of tensors that are not shown, by name; of many, of the first few."""
    notes = tuple(f"{name} is not shown: it {reason}" for name, reason in reasons.items())
    return notes if len(notes) <= 5 else (*notes[:5], f"{len(notes) - 5} more are not shown for such reasons")


def dtype_of_storage(kind: Any) -> str | None:
    """Of the class that a pickle names for a storage; None where it is not known."""
    return _STORAGES.get(kind.name) if isinstance(kind, Global) else None


def is_tensor(value: Any) -> bool:
    """Whether a value in a pickle's outline is a tensor, of whatever kind."""
    return called(value) in TENSORS


def called(value: Any) -> str:
    """The dotted name of what a pickle would have called to make a value; empty where there is none."""
    return str(value.of) if isinstance(value, Made) and value.of is not None else ""


def _told(value: Any) -> str:
    """A class or function for a sentence; anything else in its place may take for ever to write out."""
    return str(value)[:_LONGEST_NAME] if isinstance(value, Global) else "something without a name"


def _v2(storage: Any, offset: Any, shape: Any, strides: Any, *more: Any) -> _Rebuilt:
    if len(more) > 2 and more[2]:
        raise NotShownError("is a conjugate or negative that torch has not worked out yet")
    return _Rebuilt(storage, offset, shape, strides)


def _v3(storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, *more: Any) -> _Rebuilt:
    if len(more) > 1 and more[1]:
        raise NotShownError("is a conjugate or negative that torch has not worked out yet")
    return _Rebuilt(storage, offset, shape, strides, more[0] if more else "nothing")


def _inner(data: Any = None, *_: Any) -> Any:
    return data


def _typed(of: Any, kind: Any, arguments: Any, *_: Any) -> Any:
    if not isinstance(kind, Global) or str(kind) not in _PLAIN:
        raise NotShownError(f"is of type {_told(kind)}, which only its own code can read")
    return Made(of if isinstance(of, Global) else None, arguments if isinstance(arguments, tuple) else ())


_PLAIN = {"torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"}
"""Types that add nothing to a tensor's values."""


_REBUILT: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _v2,
    "torch._utils._rebuild_tensor_v2": _v2,
    "torch._utils._rebuild_tensor_v3": _v3,
    "torch._utils._rebuild_parameter": _inner,
    "torch._utils._rebuild_parameter_with_state": _inner,
    "torch.nn.parameter.Parameter": _inner,
    "torch._tensor._rebuild_from_type_v2": _typed,
}
_OTHERS = {
    "torch._utils._rebuild_sparse_tensor": "is a sparse tensor",
    "torch._utils._rebuild_qtensor": "is quantized, and its values are not what is stored",
    "torch._utils._rebuild_nested_tensor": "is a nested tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "is on the meta device and has no values",
    "torch._utils._rebuild_wrapper_subclass": "wraps other tensors in a class of its own",
    "torch._utils._rebuild_device_tensor_from_numpy": "was saved from a device as numpy's array",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "was saved from a device that torch's CPU build lacks",
}
TENSORS = frozenset((*_REBUILT, *_OTHERS))
"""What makes a tensor when it is called."""


def _reason(made: Any) -> str:
    if not isinstance(made, Made):
        return f"is made of a {type(made).__name__}, which is none"
    return _OTHERS.get(called(made), f"is made by {_told(made.of)}, which is not known here")


def _dtype(name: Any) -> str | None:
    """What stands in torch's own module; whoever has torch knows whether that is a dtype of its."""
    return name.name if isinstance(name, Global) and name.module == "torch" else None


def numbers(value: Any) -> tuple[int, ...] | None:
    """A row of whole numbers, perhaps a `torch.Size`; None where it is none."""
    if called(value) == "torch.Size" and isinstance(value.arguments, tuple):
        value = value.arguments[0] if value.arguments else ()
    if not isinstance(value, (tuple, list)) or not all(type(one) is int for one in value):
        return None
    return tuple(value)
