"""What is written is what the library reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from prune_tui.engine.saving import safetensors_writer
from prune_tui.engine.saving.forms import Piece, as_it_is
from prune_tui.engine.sources.safetensors_file import DTYPES
from prune_tui.step_settings import StepError


def pieces(held: dict[str, Tensor]) -> list[Piece]:
    return [as_it_is(name, tensor, name) for name, tensor in held.items()]


def test_every_dtype_and_shape(tmp_path: Path) -> None:
    held = {
        f"{name}.{'x'.join(map(str, shape))}": (torch.arange(24) % 2).to(dtype)[: shape.numel()].view(shape)
        for name, dtype in DTYPES.items()
        if dtype is not None
        for shape in map(torch.Size, ((), (0,), (3,), (2, 3, 4), (1, 0, 2)))
    }
    safetensors_writer.write(tmp_path / "out", pieces(held), {"a": "b"})
    with safe_open(tmp_path / "out", framework="pt") as stored:
        assert set(stored.keys()) == set(held)
        assert stored.metadata() == {"format": "pt", "a": "b"}
        for name, tensor in held.items():
            found = stored.get_tensor(name)
            assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
            assert bytes(found.view(-1).view(torch.uint8)) == bytes(tensor.reshape(-1).view(torch.uint8))


def test_the_tensors_lie_as_the_library_lays_them(tmp_path: Path) -> None:
    held = {"b": torch.rand(3, 5), "a": torch.arange(3), "c": torch.rand(7).bfloat16()}
    save_file(held, tmp_path / "theirs", metadata={"format": "pt"})
    safetensors_writer.write(tmp_path / "ours", pieces(dict(sorted(held.items()))), {})
    assert (tmp_path / "ours").stat().st_size == (tmp_path / "theirs").stat().st_size
    assert all(torch.equal(load_file(tmp_path / "ours")[name], tensor) for name, tensor in held.items())


def test_names_of_any_characters(tmp_path: Path) -> None:
    held = {name: torch.ones(1) for name in ("a\nb", 'quo"ted', "[bold]", "naïve.重み", "\x1b[31m")}
    safetensors_writer.write(tmp_path / "out", pieces(held), {})
    assert set(load_file(tmp_path / "out")) == set(held)


def test_a_dtype_it_has_not(tmp_path: Path) -> None:
    with pytest.raises(
        StepError, match=r"weight, 2×3 complex128: safetensors has no such dtype; save to a \.pt file"
    ):
        safetensors_writer.write(
            tmp_path / "out", pieces({"weight": torch.zeros(2, 3, dtype=torch.complex128)}), {}
        )


def test_a_tensor_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    piece = Piece("weight", torch.float32, (2,), lambda: torch.zeros(3))
    with pytest.raises(StepError, match="weight, 2 float32 has changed while it was saved; save again"):
        safetensors_writer.write(tmp_path / "out", [piece], {})


def test_a_name_that_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(
        StepError, match="__metadata__, 2 float32: safetensors keeps that name for itself; save to a"
    ):
        safetensors_writer.write(tmp_path / "out", pieces({"__metadata__": torch.ones(2)}), {})


def test_two_of_one_name(tmp_path: Path) -> None:
    twice = [*pieces({"a": torch.ones(2)}), *pieces({"a": torch.ones(3)})]
    with pytest.raises(StepError, match="a, 3 float32: another tensor is saved under that name; rename one"):
        safetensors_writer.write(tmp_path / "out", twice, {})
