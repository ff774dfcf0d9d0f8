"""TorchScript archives: looked into without running them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from prune_tui.engine.sources import SourceError, checkpoint_model
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint_reader import read
from tests.engine.sources.torch_samples import small, zipped


@pytest.fixture(autouse=True)
def _no_deprecation() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.mark.parametrize("how", ["scripted", "traced"])
def test_the_weights_of_a_module(tmp_path: Path, how: str) -> None:
    model = small()
    script = torch.jit.script(model) if how == "scripted" else torch.jit.trace(model, torch.ones(2, 3))
    script.save(str(tmp_path / "net.bin"))
    found = read(tmp_path / "net.bin")
    assert found.kind == "TorchScript archive"
    assert found.tensors.keys() == model.state_dict().keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in model.state_dict().items())
    assert found.tensors["tied.weight"].data_ptr() == found.tensors["first.weight"].data_ptr()
    assert found.refusal == (
        "a TorchScript archive cannot be pruned in place: its code is compiled for these weights, and torch adds"
        f" no mask to it. Take the weights out: prune-tui convert {tmp_path}/net.bin weights.safetensors"
    )
    assert {name for name, _ in checkpoint_model.load(found, None).model.named_modules()} >= {"first", "norm"}


def test_the_constants_of_a_frozen_module(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU()).eval()
    torch.jit.freeze(torch.jit.script(model)).save(str(tmp_path / "frozen.pt"))
    found = read(tmp_path / "frozen.pt").tensors
    assert sorted(found) == ["CONSTANTS.c0", "CONSTANTS.c1"]
    assert {tuple(one.shape) for one in found.values()} == {(30, 20), (30,)}


def test_it_has_no_parts(tmp_path: Path) -> None:
    torch.jit.script(small()).save(str(tmp_path / "net.pt"))
    with pytest.raises(SourceError, match="is one TorchScript module and has no parts; leave out --key ema"):
        read(tmp_path / "net.pt", Asked("ema"))


def test_without_tensors(tmp_path: Path) -> None:
    torch.jit.script(nn.ReLU()).save(str(tmp_path / "net.pt"))
    with pytest.raises(SourceError, match="is a TorchScript archive without tensors"):
        read(tmp_path / "net.pt")


def test_modules_within_each_other(tmp_path: Path) -> None:
    ring = b"\x80\x02c__torch__\nN\n)\x81q\x00}X\x04\x00\x00\x00selfh\x00sb."
    (tmp_path / "ring.pt").write_bytes(
        zipped({"a/data.pkl": ring, "a/constants.pkl": b"\x80\x02).", "a/version": b"3"})
    )
    with pytest.raises(SourceError, match="without tensors"):
        read(tmp_path / "ring.pt")
