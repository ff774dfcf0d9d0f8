"""Names in a sentence: the first few of many."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 5
_LONGEST = 80


def some(names: Iterable[str]) -> str:
    """`a, b, c, d, e and 7 more`; a name that is too long is cut."""
    names = list(names)
    told = ", ".join(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in names[:_MOST])
    return f"{told} and {len(names) - _MOST:,} more" if len(names) > _MOST else told


def tensors(count: int) -> str:
    """`1 tensor` or `3 tensors`."""
    return "1 tensor" if count == 1 else f"{count:,} tensors"
