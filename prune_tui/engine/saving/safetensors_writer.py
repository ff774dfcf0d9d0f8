"""Writing safetensors one tensor at a time, so that no more than one is in memory.

The library writes a whole dictionary at once. The format: https://github.com/huggingface/safetensors#format; what
is written here is read back by the library in the tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.saving.forms import Piece, described
from prune_tui.engine.sources.safetensors_file import DTYPES
from prune_tui.step_settings import StepError

_NAMES = {dtype: name for name, dtype in DTYPES.items() if dtype is not None}
_TEXTS = "__metadata__"
"""Where the header has its texts, among the tensors."""
_ALIGNED = 8
"""Bytes that the header is filled up to, so that every tensor lies where its dtype wants it."""
_AT_ONCE = 2**24
"""Bytes written between two looks at whether to stop."""


def write(
    path: Path,
    pieces: Sequence[Piece],
    metadata: Mapping[str, str],
    tell: Callable[[int], None] = lambda _: None,
    stop: Stop = never,
) -> None:
    """Write a file.

    Args:
        path: The file.
        pieces: The tensors.
        metadata: Texts for the header.
        tell: Called with the bytes written so far.
        stop: Asked while it is written.

    Raises:
        StepError: safetensors has no such dtype or no such name, or two have one name.
        Cancelled: `stop` said so; the file is not whole.
    """
    # The widest entries first, as the library has it: then each tensor lies where its dtype wants it.
    ordered = sorted(pieces, key=lambda piece: -piece.dtype.itemsize)
    with path.open("wb") as file:
        file.write(_header(ordered, metadata))
        written = 0
        for piece in ordered:
            tensor = piece.make()
            if (tuple(tensor.shape), tensor.dtype) != (piece.shape, piece.dtype):
                raise StepError(f"{described(piece)} has changed while it was saved; save again")
            written = _put(file, tensor, written, tell, stop)
            del tensor  # before the next one is made


def _header(pieces: Sequence[Piece], metadata: Mapping[str, str]) -> bytes:
    entries: dict[str, Any] = {_TEXTS: {"format": "pt", **metadata}}
    start = 0
    for piece in pieces:
        if piece.dtype not in _NAMES:
            raise StepError(f"{described(piece)}: safetensors has no such dtype; save to a .pt file")
        if piece.name == _TEXTS:
            raise StepError(f"{described(piece)}: safetensors keeps that name for itself; save to a .pt file")
        if piece.name in entries:
            raise StepError(f"{described(piece)}: another tensor is saved under that name; rename one of them")
        end = start + piece.bytes
        entries[piece.name] = {
            "dtype": _NAMES[piece.dtype],
            "shape": list(piece.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text


def _put(file: IO[bytes], tensor: Tensor, written: int, tell: Callable[[int], None], stop: Stop) -> int:
    """Write a tensor's bytes; returns how many are written now."""
    if not tensor.numel():
        return written
    memory = memoryview(tensor.view(-1).view(torch.uint8).numpy().data)
    for start in range(0, len(memory), _AT_ONCE):
        if stop():
            raise Cancelled
        written += file.write(memory[start : start + _AT_ONCE])
        tell(written)
    return written
