"""A `.pt2` archive of `torch.export`: its weights, read as they lie there.

`torch.export.load` unpickles sample inputs, constants and some weights with `weights_only=False` (torch 2.13.0,
`torch/_export/serde/serialize.py` and `torch/export/pt2_archive/_package.py`), so that a strange archive may run
anything: it is not used. Torch 2.6 and 2.7 pack the state_dict as a file of `torch.save`; 2.8 does so in another
place; since then every weight is a record of its own, with a table in JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from prune_tui.engine.sources import archive_kinds, pickled_checkpoint, torch_file, torch_records
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.described_tensors import Extent, NotShownError, shown, told
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.stored_tensors import Layout, Storages
from prune_tui.engine.sources.zip_records import Place, Records
from prune_tui.step_settings import nearest
from prune_tui.told_names import typed

_FIRST_WEIGHTS = "serialized_state_dict.pt"
"""Of torch 2.6 and 2.7."""
_WEIGHTS, _CONSTANTS = "data/weights/", "data/constants/"
_TABLES = {_WEIGHTS: "_weights_config.json", _CONSTANTS: "_constants_config.json"}
_LARGEST_TABLE = 200_000_000
_USUAL = "model"
_STRIDED = 7
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
    28: torch.uint16,
    29: torch.float8_e4m3fn,
    30: torch.float8_e5m2,
    31: torch.float8_e4m3fnuz,
    32: torch.float8_e5m2fnuz,
    33: getattr(torch, "float8_e8m0fnu", None),  # since torch 2.7
    34: torch.uint32,
    35: torch.uint64,
}
"""By the numbers of `torch._export.serde.schema.ScalarType`."""


def read(file: MappedFile, records: Records, asked: Asked) -> Checkpoint:
    """Open an archive.

    Raises:
        SourceError: It is damaged, holds no weights, or several programs and not the one asked for.
    """
    if archive_kinds.FIRST_PROGRAM in records.names:
        found = _packed(file, records, _FIRST_WEIGHTS, asked)
    else:
        found = _of_archive(file, records, archive_kinds.root_of(records, archive_kinds.FORMAT) or "", asked)
    return _with_refusal(found)


def _of_archive(file: MappedFile, records: Records, root: str, asked: Asked) -> Checkpoint:
    programs = _programs(records, root)
    name = asked.key or (_USUAL if _USUAL in programs else next(iter(programs), ""))
    if not programs:
        raise SourceError(
            f"{file.path} is an archive of torch.export without weights; compiled packages have none"
        )
    if name not in programs:
        raise SourceError(
            f"{file.path} has no program {name!r}{nearest(name, programs)}; it has {', '.join(programs)}"
        )
    packed = f"{root}{_WEIGHTS}{name}.pt"
    if packed in records.names:
        return _packed(file, records, packed, Asked())
    found: dict[str, Tensor | str] = {}
    for folder, ending in _TABLES.items():
        table = f"{root}{folder}{name}{ending}"
        if table in records.names:
            found |= _placed(file, records, f"{root}{folder}", _table(file, records, table))
    tensors = {one: tensor for one, tensor in found.items() if not isinstance(tensor, str)}
    reasons = {one: reason for one, reason in found.items() if isinstance(reason, str)}
    others = tuple(one for one in programs if one != name)
    chosen = name if others else ""
    return Checkpoint(
        file.path,
        "exported program",
        tensors,
        files=(file,),
        chosen=chosen,
        others=others,
        left_out=tuple(reasons),
        notes=told(reasons),
    )


def _programs(records: Records, root: str) -> list[str]:
    """The names of those that have weights."""
    start = f"{root}{_WEIGHTS}"
    endings = (_TABLES[_WEIGHTS], ".pt")
    names = [one[len(start) :] for one in records.names if one.startswith(start) and one.endswith(endings)]
    return [one.removesuffix(endings[0]).removesuffix(endings[1]) for one in names]


def _packed(file: MappedFile, records: Records, name: str, asked: Asked) -> Checkpoint:
    """A state_dict of `torch.save` in a record."""
    inner = Records(file, records.place(name))
    if not archive_kinds.is_torch_file(inner):
        raise SourceError(f"{file.path} is damaged: its record {name} is no file of torch.save")
    root = archive_kinds.root_of(inner, archive_kinds.CONTENT) or ""
    outline = torch_records.outline_of(file.path, inner, f"{root}{archive_kinds.CONTENT}")
    tensors = torch_file.tensors_in(file, inner, root)
    return pickled_checkpoint.read(file, outline, tensors, Asked(asked.key), kind="exported program")


def _table(file: MappedFile, records: Records, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(records.bytes_of(name, _LARGEST_TABLE))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{file.path} is damaged: its record {name} is no JSON: {error}") from error
    table = found.get("config") if isinstance(found, dict) else None
    if not isinstance(table, dict):
        raise SourceError(f"{file.path} is damaged: its record {name} lists no weights")
    return table


def _placed(file: MappedFile, records: Records, folder: str, table: Mapping[str, Any]) -> dict[str, Tensor | str]:
    """The tensors of a table, or why one is not shown."""

    def place(key: str) -> Place:
        return records.place(f"{folder}{key}")

    storages = Storages(file, place)

    def tensor(row: Any) -> Tensor:
        return storages.tensor(_path(row), 0, _layout(row))

    try:
        return {name: shown(tensor, row) for name, row in table.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{file.path} is damaged: how its tensors lie is not told: {error!r}") from error


def _path(row: Mapping[str, Any]) -> str:
    if row.get("use_pickle") or not isinstance(row["tensor_meta"], dict):
        raise NotShownError("is pickled with code of its own")
    return str(row["path_name"])


def _layout(row: Mapping[str, Any]) -> Layout:
    meta = row["tensor_meta"]
    dtype = _DTYPES.get(meta["dtype"])
    if dtype is None or meta["layout"] != _STRIDED:
        raise NotShownError(f"is of a dtype or layout that torch {torch.__version__} cannot show here")
    shape, strides = (tuple(_number(one) for one in meta[key]) for key in ("sizes", "strides"))
    return Layout(dtype, Extent(_number(meta["storage_offset"]), shape, strides))


def _number(of: Mapping[str, Any]) -> int:
    found = of["as_int"]
    if type(found) is not int:
        raise TypeError
    return found


def _with_refusal(found: Checkpoint) -> Checkpoint:
    return dataclasses.replace(
        found,
        refusal=(
            "an exported program cannot be pruned in place: its graph is fixed, and takes no masks. Take the"
            f" weights out: prune-tui convert {typed(found.path)} weights.safetensors"
        ),
    )
