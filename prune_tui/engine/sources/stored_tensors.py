"""Tensors as torch's pickles describe them, placed in the memory of the file that holds their storages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from prune_tui.engine import memory
from prune_tui.engine.sources.loaded import SourceError
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.pickle_outline import Global, Made, Persistent
from prune_tui.engine.sources.zip_records import Place
from prune_tui.told_names import typed

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "ShortStorage": torch.int16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": torch.uint8,
}
_MOST_DIMENSIONS = 64
_TOO_MANY = 2**62
"""What may overflow where torch multiplies."""
_LONGEST_NAME = 100
"""Characters of a class's name in a sentence."""
_SMALL = 10_000_000
"""Bytes that nobody asks for the memory of."""
_LARGEST_EXPANDED, _EXPANDED = 1_000_000, 1_000
"""Entries of a tensor that shows the same ones again and again, and how often: looking at it takes them all."""


class NotShownError(ValueError):
    """A tensor that cannot be shown; its text says why, beginning with a verb."""


class Layout(NamedTuple):
    """How a tensor lies in a storage.

    Attributes:
        dtype: Of its entries.
        offset: Its first entry.
        shape: Their numbers.
        strides: Steps from one to the next.
    """

    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Storages:
    """The storages in a file, each in memory once, whoever shares it.

    Args:
        file: Holds them.
        place: Where one lies, by its key.
    """

    def __init__(self, file: MappedFile, place: Callable[[str], Place]) -> None:
        self._file, self._place = file, place
        self._held: dict[str, torch.UntypedStorage] = {}

    def tensor(self, key: str, size: int, layout: Layout, *, start: int = 0) -> Tensor:
        """A tensor on one of them.

        Args:
            key: The storage's.
            size: Bytes that the storage should have; 0 where nobody says.
            layout: How it lies there.
            start: Entry of the storage that it counts from.

        Raises:
            NotShownError: It shows few entries very often.
            SourceError: It does not lie within.
        """
        storage = self._storage(key, size, layout.dtype)
        held = storage.nbytes() // layout.dtype.itemsize
        _check(self._file, layout, held - start)
        try:
            empty = torch.empty(0, dtype=layout.dtype)
            return empty.set_(storage, start + layout.offset, layout.shape, layout.strides)
        except RuntimeError as error:  # sizes that are none for torch, though they hold nothing
            raise SourceError(
                f"{self._file.path} is damaged: a tensor of shape {layout.shape}: {error}"
            ) from error

    def _storage(self, key: str, size: int, dtype: torch.dtype) -> torch.UntypedStorage:
        if key not in self._held:
            place = self._place(key)
            if place.start % dtype.itemsize:
                _afford(self._file, place.size)
            self._held[key] = self._file.tensor(
                dtype, (place.size // dtype.itemsize,), place.start
            ).untyped_storage()
        if size > self._held[key].nbytes():
            raise SourceError(
                f"{self._file.path} is damaged or cut off: a storage should have {size:,} bytes, and there are"
                f" {self._held[key].nbytes():,}"
            )
        return self._held[key]


def _afford(file: MappedFile, size: int) -> None:
    """What does not lie at a multiple of its entries' size is copied."""
    there = memory.free(torch.device("cpu")) if size > _SMALL else None
    if there is not None and size > there:
        raise SourceError(
            f"{file.path} is in a format whose tensors cannot be mapped: {memory.readable(size)} are needed for"
            f" one, {memory.readable(there)} are free. Convert it to safetensors where there is more memory:"
            f" prune-tui convert {typed(file.path)} weights.safetensors"
        )


def _check(file: MappedFile, layout: Layout, held: int) -> None:
    """Make sure that a tensor stays within its storage: torch would make the storage larger instead."""
    shape, strides = layout.shape, layout.strides
    numbers = [layout.offset, *shape, *strides]
    whole = len(shape) == len(strides) <= _MOST_DIMENSIONS and all(0 <= one < _TOO_MANY for one in numbers)
    if not whole or math.prod(size for size in shape if size) >= _TOO_MANY:
        raise SourceError(f"{file.path} is damaged: a tensor has shape {_cut(shape)} and strides {_cut(strides)}")
    if 0 in shape:
        return
    last = layout.offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= held:
        raise SourceError(
            f"{file.path} is damaged or cut off: a tensor of shape {_cut(shape)} needs {last + 1:,} entries of a"
            f" storage that has {max(0, held):,}"
        )
    entries = math.prod(shape)
    if entries > _LARGEST_EXPANDED and entries > _EXPANDED * held:
        raise NotShownError(f"repeats {held:,} stored entries to {entries:,}")


def _cut(numbers: tuple[int, ...]) -> str:
    text = ", ".join(map(str, numbers[:8]))
    return f"({text}, …)" if len(numbers) > 8 else f"({text})"


class Tensors:
    """The tensors of a pickle.

    Args:
        storages: What they lie in.
        path: Of the file, for errors.
    """

    def __init__(self, storages: Storages, path: object) -> None:
        self._storages, self._path = storages, path

    def all_of(self, made: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """What torch would rebuild, and why that is not shown of some.

        Args:
            made: By name; `is_tensor` is true of each.

        Raises:
            SourceError: One is damaged.
        """
        tensors: dict[str, Tensor] = {}
        reasons: dict[str, str] = {}
        for name, one in made.items():
            found = shown(self._of, one)
            if isinstance(found, str):
                reasons[name] = found
            else:
                tensors[name] = found
        return tensors, reasons

    def _of(self, made: Any) -> Tensor:
        for _ in range(_DEEPEST):
            rebuild = _REBUILT.get(called(made))
            if rebuild is None:
                raise NotShownError(_reason(made))
            try:
                found = rebuild(*made.arguments)
            except TypeError as error:
                raise SourceError(f"{self._path} is damaged: a tensor is made with {error}") from error
            if isinstance(found, _Described):
                return self._placed(found)
            made = found
        raise SourceError(f"{self._path} is damaged: a tensor is wrapped more than {_DEEPEST} times")

    def _placed(self, found: _Described) -> Tensor:
        id_ = found.storage.id if isinstance(found.storage, Persistent) else None
        if not isinstance(id_, tuple) or len(id_) < 5 or id_[0] != "storage" or not isinstance(id_[1], Global):
            raise SourceError(f"{self._path} is damaged: a tensor has no storage")
        _, kind, key, _, entries, *view = id_
        stored = dtype_of_storage(kind)
        dtype = _dtype(found.dtype) if found.dtype is not None else stored
        if dtype is None or stored is None:
            told = _told(kind if found.dtype is None else found.dtype).removesuffix("Storage")
            raise NotShownError(f"is of dtype {told}")
        offset, shape, strides = found.offset, numbers(found.shape), numbers(found.strides)
        if not isinstance(offset, int) or not isinstance(entries, int) or shape is None or strides is None:
            raise SourceError(f"{self._path} is damaged: a tensor's shape is not told in whole numbers")
        # The old format tells views of storages: their key, first entry and number of entries.
        start = view[0][1] if view and isinstance(view[0], tuple) and len(view[0]) == 3 else 0
        if not isinstance(start, int) or not 0 <= start < _TOO_MANY:
            raise SourceError(f"{self._path} is damaged: a storage's view begins nowhere")
        if not isinstance(key, (str, int)):
            raise SourceError(f"{self._path} is damaged: a storage has no name")
        layout = Layout(dtype, offset, shape, strides)
        return self._storages.tensor(str(key), entries * stored.itemsize, layout, start=start)


class _Described(NamedTuple):
    storage: Any
    offset: Any
    shape: Any
    strides: Any
    dtype: Any = None


_DEEPEST = 10
"""A parameter of a tensor of a type: torch wraps three times."""


def shown(place: Callable[[Any], Tensor], value: Any) -> Tensor | str:
    """A tensor, or why it is not shown."""
    try:
        return place(value)
    except NotShownError as error:
        return str(error)


def told(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """What a person should know of tensors that are not shown, by name; of many, of the first few."""
    notes = tuple(f"{name} is not shown: it {reason}" for name, reason in reasons.items())
    return notes if len(notes) <= 5 else (*notes[:5], f"{len(notes) - 5} more are not shown for such reasons")


def dtype_of_storage(kind: Any) -> torch.dtype | None:
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


def _v2(storage: Any, offset: Any, shape: Any, strides: Any, *more: Any) -> _Described:
    if len(more) > 2 and more[2]:
        raise NotShownError("is a conjugate or negative that torch has not worked out yet")
    return _Described(storage, offset, shape, strides)


def _v3(storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, *more: Any) -> _Described:
    if len(more) > 1 and more[1]:
        raise NotShownError("is a conjugate or negative that torch has not worked out yet")
    return _Described(storage, offset, shape, strides, more[0] if more else "nothing")


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


def _dtype(name: Any) -> torch.dtype | None:
    found = getattr(torch, name.name, None) if isinstance(name, Global) and name.module == "torch" else None
    return found if isinstance(found, torch.dtype) else None


def numbers(value: Any) -> tuple[int, ...] | None:
    """A row of whole numbers, perhaps a `torch.Size`; None where it is none."""
    if called(value) == "torch.Size" and isinstance(value.arguments, tuple):
        value = value.arguments[0] if value.arguments else ()
    if not isinstance(value, (tuple, list)) or not all(type(one) is int for one in value):
        return None
    return tuple(value)
