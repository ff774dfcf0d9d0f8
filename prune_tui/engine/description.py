"""What a checkpoint is, told without reading a value of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from prune_tui.checkpoint_views import CheckpointView, DtypeRow, FileRow
from prune_tui.engine.reading import dtype_name, elements_of, why_no_values
from prune_tui.engine.sources.checkpoint import Checkpoint


def described(checkpoint: Checkpoint) -> CheckpointView:
    """Files, dtypes, metadata and configuration of a checkpoint."""
    return CheckpointView(
        path=str(checkpoint.path),
        kind=checkpoint.kind,
        files=tuple(_files(checkpoint)),
        dtypes=_dtypes(checkpoint),
        metadata=dict(checkpoint.metadata),
        config=dict(checkpoint.config),
        prefix=checkpoint.prefix,
        chosen=checkpoint.chosen,
        others=checkpoint.others,
        left_out=checkpoint.left_out,
        unplaced=tuple(checkpoint.unplaced),
        refusal=checkpoint.refusal,
        compacted=checkpoint.compacted,
    )


def _once(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The tensors, each by the first of its names."""
    found: dict[object, str] = {}
    for name, tensor in checkpoint.tensors.items():
        found.setdefault(_memory(tensor), name)
    return {name: checkpoint.tensors[name] for name in found.values()}


def _memory(tensor: Tensor) -> object:
    """The same for tensors that are one."""
    if why_no_values(tensor) or not tensor.numel():
        return id(tensor)
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def _bytes(tensor: Tensor) -> int:
    return elements_of(tensor) * tensor.dtype.itemsize


def _dtypes(checkpoint: Checkpoint) -> tuple[DtypeRow, ...]:
    tensors, elements, sizes = Counter[str](), Counter[str](), Counter[str]()
    for tensor in _once(checkpoint).values():
        name = dtype_name(tensor)
        tensors[name] += 1
        elements[name] += elements_of(tensor)
        sizes[name] += _bytes(tensor)
    ordered = sorted(tensors, key=lambda name: (-sizes[name], name))
    return tuple(DtypeRow(name, tensors[name], elements[name], sizes[name]) for name in ordered)


def _files(checkpoint: Checkpoint) -> Iterator[FileRow]:
    """Each file with what is in it; where there is only one, all is."""
    tensors = _once(checkpoint)
    sizes = {file.path: file.size for file in checkpoint.files}
    if not sizes and checkpoint.path.is_file():
        sizes = {checkpoint.path: checkpoint.path.stat().st_size}
    counts, held = Counter[str](), Counter[str]()
    for name, tensor in tensors.items():
        shard = _shard(checkpoint, name)
        counts[shard] += 1
        held[shard] += _bytes(tensor)
    for path, size in sizes.items():
        shard = path.name if checkpoint.shards else ""
        yield FileRow(_within(checkpoint, path), size, counts[shard], held[shard])


def _shard(checkpoint: Checkpoint, name: str) -> str:
    """The file a tensor is in; of the compact form that of its kept values."""
    base = name.removesuffix("_orig").removesuffix("_mask")
    return checkpoint.shards.get(name) or checkpoint.shards.get(f"{base}.kept", "")


def _within(checkpoint: Checkpoint, path: Path) -> str:
    folder = checkpoint.path if checkpoint.path.is_dir() else checkpoint.path.parent
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
