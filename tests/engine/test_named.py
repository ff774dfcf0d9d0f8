"""Modules that are known by the names of their tensors alone are modules to torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from prune_tui import Session
from prune_tui.engine.named import Named
from prune_tui.engine.packed_masks import PackedMask


@pytest.fixture
def model(tmp_path: Path) -> nn.Module:
    """Two layers without code, both half pruned."""
    torch.manual_seed(0)
    save_file({f"{name}.weight": torch.randn(8, 8) for name in range(2)}, tmp_path / "net.safetensors")
    session = Session.open(tmp_path / "net.safetensors")
    session.apply("l1_unstructured", ["0.weight", "1.weight"], amount=0.5)
    return session.model


def mask_of(model: nn.Module) -> object:
    return model.get_submodule("0")._buffers["weight_mask"]


def test_a_state_is_loaded_whole_and_its_masks_are_packed(model: nn.Module) -> None:
    wanted = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    wanted["0.weight_mask"][0, 1] = 1
    model.load_state_dict(wanted)
    assert {name: tensor.tolist() for name, tensor in model.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in wanted.items()
    }
    assert isinstance(mask_of(model), PackedMask)


def test_a_mask_of_other_numbers_is_loaded_as_it_is(model: nn.Module) -> None:
    wanted = model.state_dict()
    wanted["0.weight_mask"] = torch.full((8, 8), 0.25)
    model.load_state_dict(wanted)
    mask = mask_of(model)
    assert type(mask) is torch.Tensor
    assert torch.equal(mask, torch.full((8, 8), 0.25))


@pytest.mark.parametrize("how", ["too large", "missing"])
def test_a_mask_that_cannot_be_loaded_stays(model: nn.Module, how: str) -> None:
    wanted, mask = model.state_dict(), mask_of(model)
    if how == "missing":
        del wanted["0.weight_mask"]
    else:
        wanted["0.weight_mask"] = torch.ones(9, 9)
    with pytest.raises(RuntimeError, match=r"0\.weight_mask"):
        model.load_state_dict(wanted)
    assert mask_of(model) is mask


def test_a_state_that_is_assigned_is_the_very_tensors(model: nn.Module) -> None:
    wanted = model.state_dict()
    model.load_state_dict(wanted, assign=True)
    assert mask_of(model) is wanted["0.weight_mask"]


def test_the_memory_of_a_model_can_be_shared(model: nn.Module) -> None:
    before = {name: tensor.tolist() for name, tensor in model.state_dict().items()}
    model.share_memory()
    assert all(tensor.is_shared() for tensor in model.state_dict(keep_vars=True).values())
    assert {name: tensor.tolist() for name, tensor in model.state_dict().items()} == before


def test_a_module_is_found_where_a_pruned_tensor_has_its_name(tmp_path: Path) -> None:
    tensors = {"a.w_orig": torch.rand(6), "a.w_mask": torch.ones(6), "a.w.x": torch.rand(6)}
    torch.save(tensors, tmp_path / "net.pt")
    session = Session.open(tmp_path / "net.pt")
    assert isinstance(session.model.get_submodule("a.w"), Named)
    session.apply("l1_unstructured", "a.w.x", amount=3)
    assert int((session.model.get_submodule("a.w").x == 0).sum()) == 3


def test_one_that_torch_has_not_made_yet_has_nothing() -> None:
    with pytest.raises(AttributeError):
        _ = Named.__new__(Named).x
