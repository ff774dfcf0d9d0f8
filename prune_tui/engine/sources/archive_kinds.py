"""The zip archives that torch writes, told apart by the names of what is in them. Needs no torch."""

from __future__ import annotations

from prune_tui.engine.sources.zip_records import Records

CONTENT = "data.pkl"
"""The pickle of `torch.save`, and of a TorchScript archive."""
CONSTANTS = "constants.pkl"
"""Beside it in a TorchScript archive."""
FORMAT = "archive_format"
"""In an archive of `torch.export`."""
FIRST_PROGRAM = "serialized_exported_program.json"
"""In one of torch 2.6 and 2.7."""


def root_of(records: Records, name: str) -> str | None:
    """The folder in an archive that a record lies in; torch calls it as the file was called."""
    found = (one for one in records.names if one.endswith(f"/{name}") and one.count("/") == name.count("/") + 1)
    return next((one[: -len(name)] for one in found), None)


def is_torchscript(records: Records) -> bool:
    """Whether an archive is one of `torch.jit.save`: code beside its pickles."""
    root = root_of(records, CONSTANTS)
    return root is not None and f"{root}{CONTENT}" in records.names


def is_exported(records: Records) -> bool:
    """Whether an archive is one of `torch.export.save`."""
    return FIRST_PROGRAM in records.names or root_of(records, FORMAT) is not None


def is_torch_file(records: Records) -> bool:
    """Whether an archive is one of `torch.save`, where it is none of the others."""
    return root_of(records, CONTENT) is not None
