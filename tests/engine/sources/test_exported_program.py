"""Archives of torch.export: their weights, and nothing unpickled."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prune_tui.engine.sources import SourceError
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint_reader import read
from tests.engine.sources.torch_samples import exported_by_torch_26, small, zipped


def exported(folder: Path, model: nn.Module, *inputs: torch.Tensor) -> Path:
    torch.export.save(torch.export.export(model, inputs), folder / "net.pt2")
    return folder / "net.pt2"


def records(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_weights(tmp_path: Path) -> None:
    model = small()
    found = read(exported(tmp_path, model, torch.ones(2, 3)))
    assert found.kind == "exported program"
    assert found.tensors.keys() == model.state_dict().keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in model.state_dict().items())
    assert found.tensors["tied.weight"].data_ptr() == found.tensors["first.weight"].data_ptr()
    assert found.refusal.startswith("an exported program cannot be pruned in place: its graph is fixed")
    assert found.refusal.endswith(f"prune-tui convert {tmp_path}/net.pt2 weights.safetensors")


def test_buffers_that_are_no_part_of_the_state_dict(tmp_path: Path) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.full((3,), 2.0), persistent=False)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch * self.scale

    assert read(exported(tmp_path, Scaled(), torch.ones(3))).tensors["scale"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64, torch.complex64, torch.int8, torch.bool])
def test_dtypes(tmp_path: Path, dtype: torch.dtype) -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("held", torch.tensor([[1, 0], [0, 1], [1, 1]]).to(dtype))

        def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return batch, self.held

    found = read(exported(tmp_path, Holds(), torch.ones(1))).tensors["held"]
    assert found.dtype is dtype
    assert found.tolist() == Holds().held.tolist()  # type: ignore[operator]


def test_archives_of_torch_26(tmp_path: Path) -> None:
    path = tmp_path / "old.pt2"
    path.write_bytes(exported_by_torch_26(small().state_dict()))
    found = read(path)
    assert found.kind == "exported program"
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in small().state_dict().items())
    assert "prune-tui convert" in found.refusal


def test_weights_as_torch_28_packs_them(tmp_path: Path) -> None:
    torch.save(small().state_dict(), tmp_path / "inner.pt")
    inner = (tmp_path / "inner.pt").read_bytes()
    path = tmp_path / "net.pt2"
    path.write_bytes(zipped({"net/archive_format": b"pt2", "net/data/weights/model.pt": inner}))
    assert read(path).tensors.keys() == small().state_dict().keys()


def test_weights_that_only_their_own_code_can_read(tmp_path: Path) -> None:
    path = exported(tmp_path, small(), torch.ones(2, 3))
    changed = records(path)
    table = json.loads(changed["net/data/weights/model_weights_config.json"])
    table["config"]["first.bias"]["use_pickle"] = True
    path.write_bytes(zipped(changed | {"net/data/weights/model_weights_config.json": json.dumps(table).encode()}))
    found = read(path)
    assert found.left_out == ("first.bias",)
    assert found.notes == ("first.bias is not shown: it is pickled with code of its own",)


def test_several_programs(tmp_path: Path) -> None:
    path = exported(tmp_path, small(), torch.ones(2, 3))
    whole = records(path)
    table = whole["net/data/weights/model_weights_config.json"]
    path.write_bytes(zipped(whole | {"net/data/weights/decoder_weights_config.json": table}))
    assert (read(path).chosen, read(path).others) == ("model", ("decoder",))
    assert read(path, Asked("decoder")).chosen == "decoder"
    with pytest.raises(
        SourceError, match=r"has no program 'decode' \(did you mean 'decoder'\?\); it has model, decoder"
    ):
        read(path, Asked("decode"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": [{"as_int": 10**9}]}, r"needs 1,000,000,000 entries|strides"),
        ({"sizes": [{"as_int": "4"}]}, "how its tensors lie is not told"),
        ({"sizes": 3}, "how its tensors lie is not told"),
        ({"storage_offset": {"as_int": 100}}, "needs 104 entries of a storage that has 4"),
        ({"strides": []}, "strides"),
        ({"dtype": [1]}, "how its tensors lie is not told"),
    ],
)
def test_a_damaged_table(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = exported(tmp_path, small(), torch.ones(2, 3))
    whole = records(path)
    table = json.loads(whole["net/data/weights/model_weights_config.json"])
    table["config"]["first.bias"]["tensor_meta"].update(changes)
    path.write_bytes(zipped(whole | {"net/data/weights/model_weights_config.json": json.dumps(table).encode()}))
    with pytest.raises(SourceError, match=message):
        read(path)


def test_a_compiled_package_has_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(zipped({"net/archive_format": b"pt2", "net/data/aotinductor/model/x.so": b"\x7fELF"}))
    with pytest.raises(SourceError, match=r"is an archive of torch\.export without weights"):
        read(path)
