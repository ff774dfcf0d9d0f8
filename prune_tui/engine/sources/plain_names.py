"""The classes and functions that any pickle of torch's may name: none of them is called here. Needs no torch."""

from __future__ import annotations

import re

from prune_tui.engine.sources.described_tensors import TENSORS
from prune_tui.engine.sources.pickled_objects import DICTIONARIES, Global

HARMLESS = {
    *map(str, DICTIONARIES - {Global("collections", "OrderedDict")}),
    *(f"builtins.{kind}" for kind in ("bool", "float", "frozenset", "int", "list", "slice", "str", "tuple")),
}
"""Python's own values, which torch wants allowed."""
_PLAIN = {
    *HARMLESS,
    *TENSORS,
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.set",
    "collections.Counter",
    "collections.OrderedDict",
    "torch.Size",
    "torch.device",
    "torch.nn.parameter.Buffer",
    "torch.serialization._get_layout",
}
"""As `torch.load(weights_only=True)` has it. None of them is called here; torch would call them."""
_CLASSES = re.compile(r"torch(\.cuda|\.sparse|\.storage)?\.[A-Z][A-Za-z0-9]*(Storage|Tensor)|torch\.Tensor")


def is_plain(name: Global) -> bool:
    """Whether it is one of them, apart from torch's dtypes and the like, which torch has to be asked for."""
    return str(name) in _PLAIN or _CLASSES.fullmatch(str(name)) is not None
