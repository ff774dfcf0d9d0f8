"""What a checkpoint's metadata tell of tensors that saving has put under other names. Needs no torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TypeVar

from prune_tui.engine.saved_metadata import COMPACT
from prune_tui.engine.sources.source_error import SourceError

T = TypeVar("T")

_MOST_DIMENSIONS = 64
_TOO_MANY = 2**62
"""What may overflow where torch multiplies."""


def compact_shapes(path: Path, metadata: Mapping[str, str]) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the tensors that are there as kept values (`weight.kept`) and bits (`weight.mask`), by name.

    Raises:
        SourceError: The metadata are damaged.
    """
    if COMPACT not in metadata:
        return {}
    try:
        found = json.loads(metadata[COMPACT])
        shapes = {str(name): tuple(int(size) for size in shape) for name, shape in found.items()}
    except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise damaged(path, f"its metadata do not tell of the compact form: {error}") from error
    for name, shape in shapes.items():
        sizes = [max(size, 1) for size in shape]
        if len(shape) > _MOST_DIMENSIONS or min(shape, default=1) < 0 or math.prod(sizes) >= _TOO_MANY:
            raise damaged(path, f"{name[:80]} is told to have a shape that no tensor has")
    return shapes


def add_aliases(tensors: MutableMapping[str, T], metadata: Mapping[str, str]) -> None:
    """Put tensors that are stored once, since they are tied, under their other names, too."""
    for name, known in metadata.items():
        if name not in tensors and known in tensors:
            tensors[name] = tensors[known]


def damaged(path: Path, how: str) -> SourceError:
    """What to raise of a checkpoint that contradicts itself."""
    return SourceError(f"{path} is damaged: {how}")
