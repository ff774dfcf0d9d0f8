"""A TorchScript archive: its modules' attributes, read without running anything.

`torch.jit.load` would compile its code and may run what the code sets up. Its `data.pkl` is a pickle like that of
`torch.save`: objects of the archive's own classes, with their attributes, and tensors in storages beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prune_tui.engine.sources import archive_kinds, described_tensors, parts, torch_file, torch_records
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.pickled_objects import Made
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.zip_records import Records
from prune_tui.told_names import typed

_MOST = 1_000_000
"""Attributes, of modules under several names as often as they have names."""
_DEEPEST = 200


def read(file: MappedFile, records: Records, asked: Asked) -> Checkpoint:
    """Open an archive.

    Raises:
        SourceError: It is damaged, or holds no tensors.
    """
    if asked.key:
        raise SourceError(f"{file.path} is one TorchScript module and has no parts; leave out --key {asked.key}")
    root = archive_kinds.root_of(records, archive_kinds.CONSTANTS) or ""
    found = dict(
        _attributes(torch_records.outline_of(file.path, records, f"{root}{archive_kinds.CONTENT}").value, file)
    )
    constants = torch_records.outline_of(file.path, records, f"{root}{archive_kinds.CONSTANTS}").value
    frozen = {
        f"CONSTANTS.c{number}": one for number, one in enumerate(constants if isinstance(constants, tuple) else ())
    }
    tensors, reasons = torch_file.tensors_in(file, records, root).all_of(_tensors(found))
    of_constants = torch_file.tensors_in(file, records, root, "constants").all_of(_tensors(frozen))
    tensors |= of_constants[0]
    reasons |= of_constants[1]
    if not tensors:
        raise SourceError(f"{file.path} is a TorchScript archive without tensors")
    return Checkpoint(
        file.path,
        "TorchScript archive",
        tensors,
        files=(file,),
        left_out=tuple(reasons),
        notes=described_tensors.told(reasons),
        refusal=(
            "a TorchScript archive cannot be pruned in place: its code is compiled for these weights, and torch"
            f" adds no mask to it. Take the weights out: prune-tui convert {typed(file.path)} weights.safetensors"
        ),
    )


def _tensors(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in values.items() if described_tensors.is_tensor(one)}


def _attributes(root: Any, file: MappedFile) -> Iterator[tuple[str, Any]]:
    """What the modules hold, by dotted name, in their order."""
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [("", root, ())]
    for _ in range(_MOST):
        if not waiting:
            return
        place, value, above = waiting.pop()
        if described_tensors.is_tensor(value):
            yield place or "tensor", value
            continue
        state = value.state if isinstance(value, Made) else None
        if not isinstance(state, Mapping) or id(value) in above or len(above) == _DEEPEST:
            continue
        held = [(f"{place}.{name}" if place else name, one) for name, one in parts.named_items(state).items()]
        waiting += [(name, one, (*above, id(value))) for name, one in reversed(held)]
    raise SourceError(f"{file.path} has modules with more than {_MOST:,} attributes; no model has so many")
