"""The dotted names of a checkpoint's tensors: their order, their limits, and what stands before all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from prune_tui.engine.sources.source_error import SourceError

_NUMBERS = re.compile(r"([0-9]{1,18})")
LONGEST_NAME = 1000
"""Characters of a tensor's name: what is longer is a mistake or an attack, and no torch module has one."""
_DEEPEST = 200
"""Modules in modules: torch walks through a model by recursion."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DistributedDataParallel and torch.compile put before every name of what torch saves."""


def in_order(name: str) -> list[tuple[int, int, str]]:
    """What names sort by as people count: `layers.2` before `layers.10`."""
    return [_rank(part) for part in _NUMBERS.split(name) if part]


@lru_cache(10_000)
def _rank(part: str) -> tuple[int, int, str]:
    """Of a whole number, or of a text between two."""
    return (0, int(part), "") if part.isascii() and part.isdecimal() else (1, 0, part)


def common_prefix(names: Iterable[str], prefixes: Iterable[str]) -> str:
    """What all names begin with, made of these prefixes; empty where there is no such."""
    names, prefixes, prefix = list(names), list(prefixes), ""
    while found := next((one for one in prefixes if _all_begin(names, prefix + one)), None):
        prefix += found
    return prefix


def _all_begin(names: list[str], prefix: str) -> bool:
    return bool(names) and all(name.startswith(prefix) and len(name) > len(prefix) for name in names)


def check(path: Path, names: Iterable[str]) -> None:
    """Refuse names that no module can have.

    Raises:
        SourceError: There is such a one.
    """
    for name in names:
        if len(name) > LONGEST_NAME:
            raise SourceError(
                f"{path}: the name of a tensor has {len(name):,} characters, {name[:40]}…; no model has such names"
            )
        if not name.isprintable() and any("\ud800" <= one <= "\udfff" for one in name):
            raise SourceError(f"{path}: the name of a tensor, {name[:40]!a}, is no text")
        if name.count(".") > _DEEPEST:
            raise SourceError(f"{path}: {name[:40]}… lies {name.count('.'):,} modules deep; no model is so deep")
