"""A checkpoint on top of a model that code has built: what fits is loaded, what does not is told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui.engine import pruned
from prune_tui.engine.sources import SourceError, load
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.protocol import Open

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=3, half=False, meta=False):
        super().__init__()
        with torch.device("meta" if meta else "cpu"):
            self.fc = nn.Linear(4, width)
            self.norm = nn.BatchNorm1d(width)
            self.out = nn.Linear(width, 2)
        if half:
            self.half()

    def forward(self, x):
        return self.out(self.norm(self.fc(x)))

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(self.embedding(x))

class Wrapping(nn.Module):
    def __init__(self):
        super().__init__()
        self.module = nn.Linear(3, 4)

    def forward(self, x):
        return self.module(x)

def recurrent():
    return nn.LSTM(3, 4)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(CODE)
    return tmp_path


def opened(folder: Path, tensors: dict[str, Tensor], symbol: str = "Net", **how: Any) -> Loaded:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "net.safetensors")
    return load(Open(f"{folder}/net.py:{symbol}", weights=str(folder / "net.safetensors"), **how))


def made(folder: Path, symbol: str = "Net", seed: int = 7) -> nn.Module:
    """A model of other weights than those that the code makes when it is opened."""
    return load(Open(f"{folder}/net.py:{symbol}", seed=seed)).model.eval()


def test_the_weights_are_those_of_the_checkpoint(folder: Path) -> None:
    other = made(folder)
    found = opened(folder, other.state_dict())
    inputs = torch.randn(6, 4)
    assert torch.equal(found.model.eval()(inputs), other(inputs))
    assert found.notes == ()
    assert found.checkpoint is not None
    assert found.checkpoint.kind == "safetensors file"


def test_the_file_is_copied_not_mapped(folder: Path) -> None:
    found = opened(folder, made(folder).state_dict())
    assert found.checkpoint is not None
    mapped = {tensor.data_ptr() for tensor in found.checkpoint.tensors.values()}
    assert not mapped & {tensor.data_ptr() for tensor in found.model.state_dict().values()}


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_a_wrappers_prefix_is_taken_off(folder: Path, prefix: str) -> None:
    other = made(folder)
    found = opened(folder, {prefix + name: tensor for name, tensor in other.state_dict().items()})
    assert torch.equal(found.model.fc.weight, other.fc.weight)
    assert found.notes == (f"every name begins with {prefix}, as a wrapper's do: not shown, and saved again",)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "model."])
def test_a_model_whose_code_has_a_module_of_a_wrappers_name(folder: Path, prefix: str) -> None:
    other = made(folder, "Wrapping")
    torch.save({prefix + name: tensor for name, tensor in other.state_dict().items()}, folder / "net.pt")
    found = load(Open(f"{folder}/net.py:Wrapping", weights=str(folder / "net.pt")))
    assert torch.equal(found.model.module.weight, other.module.weight)
    assert found.checkpoint is not None
    assert list(found.checkpoint.tensors) == ["module.weight", "module.bias"]
    assert found.checkpoint.prefix == prefix
    assert found.notes == (
        (f"every name begins with {prefix}, as a wrapper's do: not shown, and saved again",) if prefix else ()
    )


def test_what_does_not_fit_is_told(folder: Path) -> None:
    held = made(folder).state_dict()
    del held["out.bias"]
    held["head.weight"] = torch.ones(2)
    held["fc.weight"] = torch.ones(5, 4)
    found = opened(folder, held)
    source = f"{folder}/net.py:Net"
    assert found.notes == (
        f"2 tensors of {source} not in the weights, as the code has left them: fc.weight, out.bias",
        f"1 tensor of the weights not in {source}: head.weight",
        "1 tensor not loaded for its shape: fc.weight is (5, 4) there and (3, 4) in the model",
    )


def test_the_models_dtype_stays(folder: Path) -> None:
    other = made(folder)
    found = opened(folder, other.state_dict(), arguments=("half=True",))
    assert found.model.fc.weight.dtype is torch.float16
    assert torch.equal(found.model.fc.weight, other.fc.weight.half())
    assert found.notes[0].startswith("8 tensors of another dtype, converted to the model's: ")


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        (
            {"a": torch.ones(2)},
            r"nothing of .*net.safetensors fits .*net.py:Net: the checkpoint has a, the model fc",
        ),
        ({"fc.weight": torch.ones(2)}, r"fc.weight is \(2,\) there and \(3, 4\) in the model. Is another --arg"),
    ],
)
def test_nothing_fits(folder: Path, tensors: dict[str, Tensor], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        opened(folder, tensors)


def test_a_model_on_meta_cannot_be_copied_to(folder: Path) -> None:
    with pytest.raises(SourceError, match="builds its model on the meta device"):
        opened(folder, made(folder).state_dict(), arguments=("meta=True",))


def test_code_that_refuses_to_load_is_named(folder: Path) -> None:
    held = made(folder).state_dict()
    (folder / "net.py").write_text(f"{CODE}\nNet.load_state_dict = lambda *_, **__: 1 / 0\n")
    with pytest.raises(SourceError, match=r"net.safetensors could not be loaded into .*net.py:Net .*ZeroDivision"):
        opened(folder, held)


# ---------------------------------------------------------------- pruned


def test_pruned_tensors_come_back_as_torchs_own(folder: Path) -> None:
    other = made(folder)
    prune.l1_unstructured(other.fc, "weight", 0.5)
    prune.random_unstructured(other.fc, "bias", 1)
    found = opened(folder, other.state_dict())
    model = found.model.eval()
    inputs = torch.randn(6, 4)
    assert torch.equal(model.fc.weight, other.fc.weight)  # before any forward
    assert torch.equal(model(inputs), other(inputs))
    assert list(model.state_dict()) == list(other.state_dict())
    assert [type(hook) for hook in model.fc._forward_pre_hooks.values()] == [prune.CustomFromMask] * 2
    assert model.fc.weight_mask.dtype is torch.float32
    assert found.notes == ("2 tensors are pruned in this checkpoint; how is not told in the file",)
    prune.l1_unstructured(model.fc, "weight", 2)
    prune.remove(model.fc, "weight")
    assert int((model.fc.weight == 0).sum()) == 8


def test_a_pruned_lstm_computes_with_its_masks(folder: Path) -> None:
    other = made(folder, "recurrent")
    prune.l1_unstructured(other, "weight_hh_l0", 0.5)
    found = opened(folder, other.state_dict(), "recurrent")
    inputs = torch.randn(5, 2, 3)
    assert torch.equal(found.model(inputs)[0], other(inputs)[0])


def test_a_model_that_its_code_prunes_takes_a_pruned_checkpoint(folder: Path) -> None:
    (folder / "net.py").write_text(
        f"{CODE}\nfrom torch.nn.utils import prune\n\n"
        "def sparse():\n    net = Net()\n    prune.identity(net.fc, 'weight')\n    return net\n"
    )
    other = made(folder)
    prune.l1_unstructured(other.fc, "weight", 0.5)
    found = opened(folder, other.state_dict(), "sparse")
    assert torch.equal(found.model.fc.weight, other.fc.weight)
    assert [type(hook) for hook in found.model.fc._forward_pre_hooks.values()] == [prune.Identity]


def test_a_mask_without_its_original_is_told(folder: Path) -> None:
    other = made(folder)
    held = other.state_dict()
    held["fc.weight_mask"] = torch.ones(7)
    found = opened(folder, held)
    assert found.notes == (f"1 tensor of the weights not in {folder}/net.py:Net: fc.weight_mask",)
    assert not pruned.is_pruned(found.model.fc, "weight")


# ---------------------------------------------------------------- tied


def test_what_is_tied_stays_tied(folder: Path) -> None:
    other = made(folder, "Tied")
    found = opened(folder, {"embedding.weight": other.embedding.weight.detach()}, "Tied")
    assert found.model.head.weight is found.model.embedding.weight
    assert torch.equal(found.model.head.weight, other.head.weight)
    assert found.notes == ()


def test_one_side_pruned(folder: Path) -> None:
    other = made(folder, "Tied")
    prune.l1_unstructured(other.head, "weight", 0.5)
    held = {name: tensor for name, tensor in other.state_dict().items() if name != "embedding.weight"}
    model = opened(folder, held, "Tied").model
    tokens = torch.arange(5)
    assert torch.equal(model(tokens), other(tokens))
    assert model.head.weight_orig is model.embedding.weight


def test_both_sides_pruned_over_one_original(folder: Path) -> None:
    other = made(folder, "Tied")
    prune.l1_unstructured(other.head, "weight", 0.5)
    prune.random_unstructured(other.embedding, "weight", 0.5)
    held = {name: tensor for name, tensor in other.state_dict().items() if name != "head.weight_orig"}
    found = opened(folder, held, "Tied")
    tokens = torch.arange(5)
    assert torch.equal(found.model(tokens), other(tokens))
    assert found.model.head.weight_orig is found.model.embedding.weight_orig
    assert found.notes == ("2 tensors are pruned in this checkpoint; how is not told in the file",)


def test_tied_tensors_that_differ_in_the_weights_are_told(folder: Path) -> None:
    weight = made(folder, "Tied").embedding.weight.detach()
    found = opened(folder, {"embedding.weight": weight, "head.weight": copy.deepcopy(weight) + 1}, "Tied")
    assert found.notes == (
        f"embedding.weight and head.weight are one tensor in {folder}/net.py:Tied,"
        " and differ in the weights: head.weight was taken",
    )
    assert torch.equal(found.model.embedding.weight, weight + 1)


# ---------------------------------------------------------------- where weights have no place


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("demo", "the demo has weights of its own and takes no --weights"),
        ("net.safetensors", "net.safetensors is a checkpoint and takes no --weights"),
    ],
)
def test_only_code_takes_weights(source: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        load(Open(source, weights="other.safetensors"))


def test_there_are_no_such_weights(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file nowhere\.safetensors"):
        load(Open(f"{folder}/net.py:Net", weights="nowhere.safetensors"))
