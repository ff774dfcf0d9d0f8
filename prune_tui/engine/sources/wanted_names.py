"""Which classes and functions a pickle may name without anybody asking."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

import torch

from prune_tui.engine.sources.pickled_objects import Global
from prune_tui.engine.sources.plain_names import is_plain
from prune_tui.engine.sources.source_error import SourceError

_LISTED = 60
"""Names that are told: more have no model's code, and no person reads them."""
_LONGEST = 120
"""Characters of one."""


def foreign(names: Iterable[Global]) -> tuple[str, ...]:
    """Those that a person must allow."""
    return tuple(str(name) for name in names if not _is_plain(name))


def _is_plain(name: Global) -> bool:
    if is_plain(name):
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
