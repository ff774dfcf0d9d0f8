"""What each form of a model has: which tensors under which names, and what becomes of those that are one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import bits
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.saving import forms
from prune_tui.files import FORMS
from tests.engine.fingerprints import Tied
from tests.engine.saving import checkpoints


def made(model: nn.Module, form: forms.Form) -> dict[str, Tensor]:
    """What would be written."""
    found = forms.formed(model, form)
    return {piece.name: piece.make() for piece in found.pieces}


def pruned_linear() -> nn.Linear:
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]]))
    return prune.custom_from_mask(model, "weight", torch.tensor([[0, 1, 0], [1, 1, 0]]))


def test_as_torch_has_it() -> None:
    model = pruned_linear()
    found = made(model, "pruned")
    assert list(found) == list(model.state_dict())
    assert all(torch.equal(found[name], tensor) for name, tensor in model.state_dict().items())


def test_with_the_zeros_in_place() -> None:
    model = pruned_linear()
    found = made(model, "removed")
    assert set(found) == {"weight", "bias"}
    prune.remove(model, "weight")
    assert found["weight"].view(torch.int32).tolist() == model.weight.detach().view(torch.int32).tolist()


def test_as_kept_values_and_bits() -> None:
    found = forms.formed(pruned_linear(), "compact")
    held = made(pruned_linear(), "compact")
    assert held["weight.kept"].tolist() == [-2.0, -4.0, 5.0]
    assert held["weight.mask"].tolist() == [0b01011000]
    assert (set(held), found.compacted) == ({"bias", "weight.kept", "weight.mask"}, {"weight": (2, 3)})
    assert found.bytes == sum(tensor.nbytes for tensor in held.values()) == 2 * 4 + 3 * 4 + 1


def test_the_sizes_of_all_forms() -> None:
    assert {form: forms.formed(pruned_linear(), form).bytes for form in FORMS} == {
        "pruned": 8 + 24 + 24,
        "removed": 8 + 24,
        "compact": 8 + 12 + 1,
    }


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.complex64, torch.float64])
def test_dtypes(dtype: torch.dtype) -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.arange(6).to(torch.float32).to(dtype).view(2, 3), requires_grad=False)
    prune.custom_from_mask(model, "weight", torch.tensor([[0, 1, 0], [1, 1, 0]]))
    found = made(model, "compact")
    assert found["weight.kept"].to(torch.complex64).real.tolist() == [1.0, 3.0, 4.0]
    assert made(model, "removed")["weight"].to(torch.complex64).real.tolist() == [[0, 1, 0], [3, 4, 0]]


def test_masks_of_bits_are_written_as_others_are() -> None:
    model, kept = nn.Linear(3, 2), torch.tensor([[0, 1, 0], [1, 1, 0]], dtype=torch.bool)
    prune.custom_from_mask(model, "weight", kept)
    others = {form: made(model, form) for form in FORMS}
    model._buffers["weight_mask"] = PackedMask(bits.pack(kept), torch.float32)
    for form in FORMS:
        found = made(model, form)
        assert list(found) == list(others[form])
        assert all(type(one) is Tensor and one.equal(others[form][name]) for name, one in found.items())
        assert all(one.dtype == others[form][name].dtype for name, one in found.items())


def test_a_module_in_two_places_is_written_once_and_pruned_in_both() -> None:
    shared = pruned_linear()
    model = nn.Sequential(shared, shared)
    assert set(made(model, "removed")) == {"0.weight", "0.bias"}
    found = forms.formed(model, "removed")
    assert found.aliases == {"1.weight": "0.weight", "1.bias": "0.bias"}
    assert set(made(model, "compact")) == {"0.weight.kept", "0.weight.mask", "0.bias"}
    assert set(made(model, "pruned")) == {"0.weight_orig", "0.weight_mask", "0.bias"}


def tied(*sides: str) -> Tied:
    """An embedding and a head of one weight, each pruned otherwise."""
    model = Tied()
    for number, side in enumerate(sides):
        mask = torch.ones_like(model.embedding.weight)
        mask[number] = 0
        prune.custom_from_mask(getattr(model, side), "weight", mask)
    return model


@pytest.mark.parametrize("sides", [["embedding"], ["head"], ["embedding", "head"]])
def test_removing_goes_to_both_names_of_a_tied_weight(sides: list[str]) -> None:
    model = tied(*sides)
    found = forms.formed(model, "removed")
    held = {piece.name: piece.make() for piece in found.pieces}
    assert "head.weight" not in held
    assert found.aliases["head.weight"] == "embedding.weight"
    for side in sides:
        prune.remove(getattr(model, side), "weight")
    union = model.embedding.weight * (model.head.weight != 0)
    assert torch.equal(held["embedding.weight"] != 0, union != 0)


@pytest.mark.parametrize("sides", [["embedding"], ["head"], ["embedding", "head"]])
def test_a_tied_weight_with_other_masks_is_compact_as_it_is_pruned(sides: list[str], tmp_path: Path) -> None:
    model = tied(*sides)
    whole, compact = made(model, "pruned"), made(model, "compact")
    assert set(whole) == set(compact)
    for form in ("pruned", "compact"):
        path = tmp_path / f"{form}.safetensors"
        Session(model).save(path, form)
        back = checkpoints.opened(path).model
        one, other = (getattr(back, side)._parameters for side in ("embedding", "head"))
        assert one.get("weight", one.get("weight_orig")) is other.get("weight", other.get("weight_orig"))
        for side in ("embedding", "head"):
            assert torch.equal(getattr(back, side).weight, getattr(model, side).weight)


def test_a_tied_weight_with_one_mask_is_compact(tmp_path: Path) -> None:
    model = Tied()
    for side in (model.embedding, model.head):
        prune.l1_unstructured(side, "weight", 0.5)
    path = tmp_path / "out.safetensors"
    Session(model).save(path, "compact")
    assert {name for name in load_file(path) if "weight" in name} == {
        "embedding.weight.kept", "embedding.weight.mask"
    }  # fmt: skip
    back = checkpoints.opened(path).model
    assert back.head.weight_orig is back.embedding.weight_orig
    assert torch.equal(back.head.weight, model.head.weight)


def test_a_mask_that_scales_is_never_made_bits() -> None:
    model = nn.Linear(3, 2)
    prune.custom_from_mask(model, "weight", torch.full((2, 3), 0.5))
    assert set(made(model, "compact")) == {"weight_orig", "weight_mask", "bias"}
    assert torch.equal(made(model, "removed")["weight"], model.weight_orig * 0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.complex64])
@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), float("nan")])
def test_what_is_not_zero_under_its_mask_is_compact_as_it_is_pruned(odd: float, dtype: torch.dtype) -> None:
    def of(values: list[list[float]]) -> nn.Module:
        model = nn.Module()
        model.weight = nn.Parameter(torch.tensor(values, dtype=dtype))
        return prune.custom_from_mask(model, "weight", torch.tensor([[0, 1], [1, 0]]))

    assert set(made(of([[odd, 1.0], [2.0, 3.0]]), "compact")) == {"weight_orig", "weight_mask"}
    assert set(made(of([[1.0, odd], [2.0, 3.0]]), "compact")) == {"weight.kept", "weight.mask"}  # it is kept
    assert set(made(of([[6e4, 6e4], [6e4, 6e4]]), "compact")) == {"weight.kept", "weight.mask"}


def test_views_of_one_memory_are_written_apart(tmp_path: Path) -> None:
    flat = torch.arange(8.0)
    model = nn.Module()
    model.first, model.second = nn.Parameter(flat[:6]), nn.Parameter(flat[2:].view(2, 3).t())
    model.none, model.nothing = nn.Parameter(torch.zeros(0)), nn.Parameter(torch.zeros(0))
    for name, load in (("out.safetensors", load_file), ("out.pt", torch.load)):
        Session(model).save(tmp_path / name)
        saved = load(tmp_path / name)
        assert all(torch.equal(saved[name], tensor) for name, tensor in model.state_dict().items())
        assert len(saved) == 4
