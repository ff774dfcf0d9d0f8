"""What the engine tells of a checkpoint beside its modules: files, dtypes, metadata, configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from prune_tui.views import Body


class FileRow(msgspec.Struct, frozen=True):
    """A file of a checkpoint.

    Attributes:
        name: Without its folder.
        bytes: All of it.
        tensors: How many are in it.
        tensor_bytes: Of those.
    """

    name: str
    bytes: int
    tensors: int
    tensor_bytes: int


class DtypeRow(msgspec.Struct, frozen=True):
    """What there is of a dtype.

    Attributes:
        dtype: Without `torch.`.
        tensors: How many, tied ones once.
        elements: Entries of them.
        bytes: Of those.
    """

    dtype: str
    tensors: int
    elements: int
    bytes: int


class CheckpointView(Body, frozen=True):
    """What a checkpoint is and says of itself.

    Attributes:
        path: The file or folder.
        kind: `safetensors file`.
        files: What it is in.
        dtypes: Of its tensors, most bytes first.
        metadata: What the files say of themselves.
        config: A Hugging Face model's `config.json`.
        prefix: What every name began with, and is not shown.
        chosen: Which part of a trainer's dictionary it is.
        others: Which parts could be chosen instead.
        left_out: What is in the files and is no tensor.
        unplaced: Tensors that have no place in a tree of modules.
        refusal: Why it cannot be pruned in place; empty where it can.
        compacted: How many tensors are kept values and bits in the files; here they are unpacked.
    """

    path: str
    kind: str
    files: tuple[FileRow, ...]
    dtypes: tuple[DtypeRow, ...]
    metadata: Mapping[str, str] = {}
    config: Mapping[str, Any] = {}
    prefix: str = ""
    chosen: str = ""
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    refusal: str = ""
    compacted: int = 0
