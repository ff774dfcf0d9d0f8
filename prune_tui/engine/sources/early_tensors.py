"""The tensors of a checkpoint as its headers tell of them, before torch is imported.

What is read here is read again with torch, by the readers that have the messages for what is wrong: whatever is
large, odd or damaged is left to them. The headers themselves are read by the same modules for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from prune_tui.engine.saved_metadata import PREFIX
from prune_tui.engine.sources import (
    archive_kinds,
    described_tensors,
    folder_weights,
    numpy_kind,
    parts,
    plain_names,
    safetensors_header,
    saved_names,
    shard_index,
    state_metadata,
    tensor_names,
    torch_records,
    zip_records,
)
from prune_tui.engine.sources.described_tensors import Described
from prune_tui.engine.sources.dtype_names import ITEMSIZES
from prune_tui.engine.sources.pickled_objects import Global
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.source_file import SourceFile

_LARGEST = 16_000_000
"""Bytes of a header that is read twice: 50,000 tensors."""
_MOST_TENSORS = 50_000


class LeftToTorchError(SourceError):
    """Torch is needed to tell what a checkpoint holds."""


class EarlyTensor(NamedTuple):
    """A tensor of a checkpoint.

    Attributes:
        dtype: As torch names it.
        shape: Its sizes.
        memory: The same for tensors that are one; None for one that stands alone.
        masked: Of a mask, how many entries it takes; -1 where its values would tell.
    """

    dtype: str
    shape: tuple[int, ...]
    memory: object = None
    masked: int = -1

    @property
    def elements(self) -> int:
        """How many entries it has."""
        return math.prod(self.shape)


class EarlyTensors(NamedTuple):
    """What a checkpoint's headers tell.

    Attributes:
        tensors: By name, in the order of the tree to be.
        metadata: What the files say of themselves.
        wrappers: What may stand before all names, and is no module of the model.
        has_classes: Its `config.json` tells of modules that are not known by the tensors' names.
    """

    tensors: Mapping[str, EarlyTensor]
    metadata: Mapping[str, str]
    wrappers: tuple[str, ...] = ()
    has_classes: bool = False


def read(path: Path, key: str = "") -> EarlyTensors:
    """Read the headers of a checkpoint, as `checkpoint_reader.read` reads all of it.

    Args:
        path: A file or a folder.
        key: Which part of a trainer's dictionary is wanted.

    Raises:
        SourceError: Torch has to be asked, or the checkpoint is damaged.
        OSError: It cannot be read.
    """
    found = _as_it_is(path, key)
    tensor_names.check(path, found.tensors)
    if len(found.tensors) > _MOST_TENSORS:
        raise LeftToTorchError(f"{path} has {len(found.tensors):,} tensors")
    tensors = dict(found.tensors)
    for name, shape in saved_names.compact_shapes(path, found.metadata).items():
        _expand(tensors, name, shape)
    saved_names.add_aliases(tensors, found.metadata)
    before = (prefix,) if (prefix := found.metadata.get(PREFIX, "")) else ()
    for prefixes in (before, found.wrappers):
        cut = len(tensor_names.common_prefix(tensors, prefixes))
        tensors = {name[cut:]: tensor for name, tensor in tensors.items()}
    return found._replace(tensors=tensors)


def _as_it_is(path: Path, key: str) -> EarlyTensors:
    if path.is_dir():
        found, config = _as_it_is(folder_weights.weights_of(path), key), folder_weights.config_of(path)
        has_classes = folder_weights.is_described(config or {}) and folder_weights.has_transformers()
        return found._replace(has_classes=has_classes)
    if not path.is_file() or not path.stat().st_size:
        raise LeftToTorchError(f"{path} is no ordinary file, or empty")
    read_kind = next((read_kind for looks_like, read_kind in _KINDS if looks_like(path)), None)
    if read_kind is None:
        raise LeftToTorchError(f"{path} is of no kind that is read here")
    return read_kind(path, key)


def _expand(tensors: dict[str, EarlyTensor], name: str, shape: tuple[int, ...]) -> None:
    """What stands for kept values and bits: the values with zeros under a mask that takes the others."""
    kept, packed = tensors.pop(f"{name}.kept", None), tensors.pop(f"{name}.mask", None)
    entries = math.prod(shape)
    if kept is None or len(kept.shape) != 1 or kept.elements > entries:
        raise LeftToTorchError(f"{name} is not as the compact form has it")
    if packed is None or (packed.dtype, packed.shape) != ("uint8", ((entries + 7) // 8,)):
        raise LeftToTorchError(f"{name} is not as the compact form has it")
    tensors[f"{name}_orig"] = EarlyTensor(kept.dtype, shape)
    tensors[f"{name}_mask"] = EarlyTensor(kept.dtype, shape, masked=entries - kept.elements)


# ---------------------------------------------------------------- the kinds


def _safetensors(path: Path, _: str) -> EarlyTensors:
    file = SourceFile(path)
    if safetensors_header.length_of(file) > _LARGEST:
        raise LeftToTorchError(f"the header of {path} is long")
    header = safetensors_header.parsed(file)
    if not safetensors_header.is_whole(file, header):
        raise LeftToTorchError(f"{path} is not as its header has it")
    tensors = {
        name: EarlyTensor(safetensors_header.DTYPES[one.dtype], one.shape) for name, one in header.tensors.items()
    }
    return EarlyTensors(tensors, header.metadata)


def _numpy(path: Path, _: str) -> EarlyTensors:
    from prune_tui.engine.sources import numpy_header  # noqa: PLC0415 - importing NumPy takes a tenth of a second

    known = numpy_header.read(SourceFile(path)).known
    return EarlyTensors({one.name: EarlyTensor(one.torchs_dtype, one.header.shape) for one in known}, {})


def _sharded(path: Path, key: str) -> EarlyTensors:
    if path.stat().st_size > _LARGEST:
        raise LeftToTorchError(f"{path} is long")
    index = shard_index.read(path)
    shards = {name: _as_it_is(file, key) for name, file in index.files.items()}
    missing = next((name for name, shard in index.places.items() if name not in shards[shard].tensors), None)
    if missing is not None:
        raise shard_index.lacks(path, missing, index.places[missing])
    metadata = dict(index.metadata)
    for shard in shards.values():
        metadata |= shard.metadata
    names = sorted(index.places, key=tensor_names.in_order)
    tensors = {name: shards[index.places[name]].tensors[name] for name in names}
    return EarlyTensors(tensors, metadata, next(iter(shards.values())).wrappers)


def _torch(path: Path, key: str) -> EarlyTensors:
    records = zip_records.Records(SourceFile(path))
    others = archive_kinds.is_torchscript(records) or archive_kinds.is_exported(records)
    root = archive_kinds.root_of(records, archive_kinds.CONTENT)
    if others or root is None:
        raise LeftToTorchError(f"{path} is none of torch.save's")
    torch_records.check_byte_order(path, records, root)
    outline = torch_records.outline_of(path, records, f"{root}{archive_kinds.CONTENT}", _LARGEST)
    strange = next((name for name in outline.names if not (plain_names.is_plain(name) or _is_dtype(name))), None)
    if strange is not None:
        raise LeftToTorchError(f"{path} names {strange}")
    try:
        part = parts.choose(outline.value, key, described_tensors.is_tensor, lambda _: False)
    except parts.NoPartError as error:
        raise LeftToTorchError(f"{path}: {error}") from error
    found: dict[str, EarlyTensor] = {}
    for name, made in part.tensors.items():
        one = described_tensors.shown(lambda made: _placed(path, records, f"{root}data/", made), made)
        if not isinstance(one, str):
            found[name] = one
    return EarlyTensors(found, state_metadata.metadata_of(part.value), tensor_names.WRAPPERS)


def _is_dtype(name: Global) -> bool:
    return name.module == "torch" and name.name in ITEMSIZES


def _placed(path: Path, records: zip_records.Records, folder: str, made: Any) -> EarlyTensor:
    told = described_tensors.describe(made, path)
    if told.dtype not in ITEMSIZES:
        raise LeftToTorchError(f"{path} holds {told.dtype}")
    itemsize, size = ITEMSIZES[told.dtype], records.size_of(f"{folder}{told.key}")
    if told.entries * ITEMSIZES[told.stored] > size:
        raise LeftToTorchError(f"{path} has a storage that is cut off")
    described_tensors.check(path, told.extent, size // itemsize - told.start)
    memory = _memory(path, told) if 0 not in told.extent.shape else None
    return EarlyTensor(told.dtype, told.extent.shape, memory)


def _memory(path: Path, told: Described) -> object:
    """The same where torch has the same tensor."""
    extent = told.extent
    first = (told.start + extent.offset) * ITEMSIZES[told.dtype]
    return path, told.key, first, told.dtype, extent.shape, extent.strides


_KINDS: tuple[tuple[Callable[[Path], bool], Callable[[Path, str], EarlyTensors]], ...] = (
    (safetensors_header.looks_like, _safetensors),
    (numpy_kind.looks_like, _numpy),
    (shard_index.looks_like, _sharded),
    (zip_records.looks_like, _torch),
)
"""In the order in which `checkpoint_reader` asks."""
