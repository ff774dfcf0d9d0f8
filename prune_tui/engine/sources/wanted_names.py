"""Which classes and functions a pickle may name without anybody asking."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import torch

from prune_tui.engine.sources.loaded import SourceError
from prune_tui.engine.sources.pickle_outline import DICTIONARIES, Global
from prune_tui.engine.sources.stored_tensors import TENSORS

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
_LISTED = 60
"""Names that are told: more have no model's code, and no person reads them."""
_LONGEST = 120
"""Characters of one."""


def foreign(names: Iterable[Global]) -> tuple[str, ...]:
    """Those that a person must allow."""
    return tuple(str(name) for name in names if not _is_plain(name))


def _is_plain(name: Global) -> bool:
    if str(name) in _PLAIN or _CLASSES.fullmatch(str(name)):
        return True
    of_torch = getattr(torch, name.name, None) if name.module == "torch" else None
    return isinstance(of_torch, (torch.dtype, torch.layout, torch.qscheme))


def check(path: Path, wanted: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    """Refuse a pickle that names what nobody allowed.

    Args:
        path: The file.
        wanted: What it names, that must be allowed.
        allowed: What a person has allowed.

    Raises:
        SourceError: There is more in it; lists that.
    """
    missing = [name for name in wanted if name not in allowed]
    if not missing:
        return
    told = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in missing[:_LISTED]]
    more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    whole = not more and all(len(name) <= _LONGEST for name in missing)
    options = " ".join(f"--allow {shlex.quote(name)}" for name in missing)
    by_name = f"allow them by name ({options}), or " if whole else ""
    raise SourceError(
        f"{path} is a pickle that wants to use {', '.join(told)}{more}. Nothing of it was run. If you know where"
        f" the file comes from, {by_name}let it run whatever it brings (--trust); else save a state_dict where its"
        " code is: torch.save(model.state_dict(), …)"
    )
