"""What a person says of a checkpoint beside its name."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """What a person says of a checkpoint beside its name.

    Attributes:
        key: Which part of a trainer's dictionary is wanted; empty leaves that to the reader.
        allow: Names of classes and functions that its pickle may use.
        trust: It may run whatever code it brings.
    """

    key: str = ""
    allow: tuple[str, ...] = ()
    trust: bool = False
