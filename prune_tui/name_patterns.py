"""Names of tensors written as patterns: `*.weight`, `conv?.bias`, `layers.[0-3].*`; in recipes and for marks.

`*` stands for any characters, dots too, `?` for one, `[abc]` for one of these, as in `fnmatch`; upper and lower
case differ.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

_WILDCARDS = frozenset("*?[")


def has_wildcards(text: str) -> bool:
    """Whether a text may stand for other names than itself."""
    return not _WILDCARDS.isdisjoint(text)


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern stands for, in their order."""
    matches = re.compile(fnmatch.translate(pattern)).match
    return [name for name in names if matches(name)]


def meant(text: str, names: Sequence[str]) -> list[str]:
    """The names that are meant by a text; a tensor of that very name wins over what it stands for as a pattern."""
    return [text] if text in names else matching(text, names)


def longest_beginning(pattern: str, names: Sequence[str]) -> str:
    """As much of a pattern, from its beginning, as any name begins like: `*.attn` of `*.attn.*.wieght`.

    A mistake of typing comes after it.
    """
    reaches, fails = 0, len(pattern) + 1
    while fails - reaches > 1:  # what begins like the longer begins like the shorter
        middle = (reaches + fails) // 2
        begins = re.compile(fnmatch.translate(f"{pattern[:middle]}*")).match
        if any(begins(name) for name in names):
            reaches = middle
        else:
            fails = middle
    return pattern[:reaches]
