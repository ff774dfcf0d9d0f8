"""A small model in every file that torch writes, and archives with a pickle of one's own."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e80024de9032e")
"""The old format's number and version."""


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.tied = nn.Linear(3, 4)
        self.tied.weight = self.first.weight

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.norm(self.first(batch)) + self.tied(batch)


def small() -> Small:
    torch.manual_seed(0)
    return Small().eval()


def write_all(folder: Path) -> dict[str, Path]:
    """The state_dict of `small()`, by kind of file."""
    model = small()
    files = {
        kind: folder / f"{kind}.bin" for kind in ("torch", "old", "trainer", "script", "exported", "exported26")
    }
    torch.save(model.state_dict(), files["torch"])
    torch.save(model.state_dict(), files["old"], _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "model": model.state_dict(), "optimizer": {"state": {}}}, files["trainer"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(model).save(files["script"])
    torch.export.save(torch.export.export(model, (torch.ones(2, 3),)), folder / "x.pt2")
    (folder / "x.pt2").rename(files["exported"])
    files["exported26"].write_bytes(exported_by_torch_26(model.state_dict()))
    return files


def exported_by_torch_26(state: dict[str, torch.Tensor]) -> bytes:
    """As `torch.export.save` of torch 2.6 and 2.7 lays it out."""
    inner = io.BytesIO()
    torch.save(state, inner)
    return zipped(
        {
            "serialized_exported_program.json": b"{}",
            "serialized_state_dict.pt": inner.getvalue(),
            "serialized_constants.pt": b"never read",
            "serialized_example_inputs.pt": b"never read",
            "version": b"8.2",
        }
    )


def zipped(records: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    return file.getvalue()


def with_pickle(pickle: bytes, storages: dict[str, bytes] | None = None) -> bytes:
    """A file of torch.save with any pickle and storages."""
    records = {"archive/data.pkl": pickle, "archive/byteorder": b"little", "archive/version": b"3\n"}
    return zipped(records | {f"archive/data/{key}": data for key, data in (storages or {}).items()})


def tensor_pickle(
    name: str, entries: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
) -> bytes:
    """The pickle of `{name: tensor}`, whose storage `0` is said to have some entries; nothing is checked."""

    def text(of: str) -> bytes:
        data = of.encode("utf-8", "surrogatepass")
        return b"X" + struct.pack("<I", len(data)) + data

    def number(of: int) -> bytes:
        data = of.to_bytes(9, "little", signed=True)
        return b"\x8a\x09" + data

    def numbers(of: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, of)) + b"t"

    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(entries) + b"tQ"
    )
    empty = b"ccollections\nOrderedDict\n)R"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(shape) + numbers(strides)
    return b"\x80\x02}" + text(name) + tensor + b"\x89" + empty + b"tRs."
