"""Folders of a model: which weights are opened, what is said of others, and what a copy has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from prune_tui import Session
from prune_tui.engine.named import class_name
from prune_tui.engine.sources import SourceError
from tests.engine.saving import checkpoints


def test_a_name_that_is_proposed_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-dash.pt", "other.pt"):
        torch.save({"w": torch.ones(2)}, tmp_path / name)
    with pytest.raises(SourceError, match=r"name one of them: prune-tui \./-dash\.pt$"):
        Session.open(".")


def test_a_name_of_two_lines_is_told_on_one(tmp_path: Path) -> None:
    for name in ("a\nb.pt", "c.pt"):
        torch.save({"w": torch.ones(2)}, tmp_path / name)
    with pytest.raises(SourceError) as refused:
        Session.open(tmp_path)
    assert r"holds 2 checkpoints, a\nb.pt, c.pt; name one of them: prune-tui $'" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_whose_configuration_cannot_be_read_opens_by_its_names(tmp_path: Path) -> None:
    folder = checkpoints.shards(tmp_path / "model")
    (folder / "config.json").write_bytes(b"\xff{")
    session = Session.open(folder)
    assert session.checkpoint is not None
    assert session.checkpoint.kind == "Hugging Face folder, 3 safetensors files"
    (note,) = session.notes
    assert note.startswith("the modules are known by the names of their tensors alone: ")
    assert f"{folder / 'config.json'} cannot be read as JSON" in note
    session.save(tmp_path / "out")
    assert (tmp_path / "out" / "config.json").read_bytes() == b"\xff{"


def sentence_folder(folder: Path) -> Path:
    """A model, a later module of a SentenceTransformer with weights, and another export."""
    checkpoints.shards(folder)
    (folder / "modules.json").write_text(
        json.dumps([{"idx": 0, "path": ""}, {"idx": 1, "path": "1_Pooling"}, {"idx": 2, "path": "2_Dense"}])
    )
    for name in ("1_Pooling", "2_Dense", "openvino", "../outside"):
        (folder / name).mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    save_file({"linear.weight": torch.ones(2, 2)}, folder / "2_Dense" / "model.safetensors")
    (folder / "openvino" / "openvino_model.bin").write_bytes(b"unpruned")
    (folder / "openvino" / "config.json").write_text("{}")
    return folder


def test_weights_below_are_told_and_a_copy_has_those_that_are_loaded_with_it(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "model")
    session = Session.open(folder)
    told = [note for note in session.notes if note.startswith("the weights in")]
    assert told == [
        f"the weights in 2_Dense are not shown: prune-tui {folder}/2_Dense opens those;"
        " they are copied as they are when the model is saved as a folder",
        f"the weights in openvino are neither shown nor copied: prune-tui {folder}/openvino opens those",
    ]
    assert "linear" not in dict(session.model.named_children())
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    size = session.save(tmp_path / "out", "removed")
    assert torch.equal(load_file(tmp_path / "out/2_Dense/model.safetensors")["linear.weight"], torch.ones(2, 2))
    files = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {str(path.relative_to(tmp_path / "out")) for path in files if path.parent != tmp_path / "out"} == {
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
        "openvino/config.json",
    }
    assert size == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("listed", ["[", "{}", '[{"path": "../outside"}, {"path": 3}, 4, {"path": "."}]'])
def test_a_list_of_modules_leads_nowhere_else(tmp_path: Path, listed: str) -> None:
    folder = sentence_folder(tmp_path / "model")
    (tmp_path / "outside" / "secret.txt").write_text("1")
    (folder / "modules.json").write_text(listed)
    Session.open(folder).save(tmp_path / "out")
    assert not list((tmp_path / "out").rglob("secret.txt"))
    assert not (tmp_path / "out" / "2_Dense").exists()


def test_a_folder_with_weights_below_alone_names_them(tmp_path: Path) -> None:
    (tmp_path / "0_Transformer").mkdir()
    save_file({"w": torch.ones(2)}, tmp_path / "0_Transformer" / "model.safetensors")
    with pytest.raises(
        SourceError, match=r"there are some in 0_Transformer: prune-tui .*/0_Transformer opens those$"
    ):
        Session.open(tmp_path)


@pytest.mark.models
def test_a_sentence_transformer_comes_back(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    library = pytest.importorskip("sentence_transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    (tmp_path / "bert" / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcde"])
    )
    transformers.BertTokenizer(str(tmp_path / "bert" / "vocab.txt")).save_pretrained(tmp_path / "bert")
    modules = library.sentence_transformer.modules
    whole = library.SentenceTransformer(
        modules=[modules.Transformer(str(tmp_path / "bert")), modules.Pooling(8), modules.Dense(8, 4)],
        device="cpu",
    )
    whole.save(str(tmp_path / "model"))
    session = Session.open(tmp_path / "model")
    session.apply("l1_unstructured", "*.query.weight", amount=0.5)
    session.save(tmp_path / "out", "removed")
    back = library.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    assert torch.equal(back[2].linear.weight, whole[2].linear.weight)
    zeros = [int((one == 0).sum()) for name, one in back.named_parameters() if name.endswith("query.weight")]
    assert zeros == [32]
    assert back.encode("a b c").shape == (4,)


def test_a_folder_that_is_named_by_a_dot_is_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bert").mkdir()
    save_file({"fc.weight": torch.ones(2, 2)}, tmp_path / "bert" / "model.safetensors")
    monkeypatch.chdir(tmp_path / "bert")
    assert class_name(Session.open(".").model) == "bert"
    assert class_name(Session.open("../bert/../bert/.").model) == "bert"


def test_a_file_beside_the_one_that_is_opened_is_told(tmp_path: Path) -> None:
    for name in ("model.safetensors", "other.safetensors"):
        save_file({"fc.weight": torch.ones(2, 2)}, tmp_path / name)
    notes = Session.open(tmp_path).notes
    assert (
        f"model.safetensors was opened, not other.safetensors: prune-tui {tmp_path}/other.safetensors" in notes[0]
    )
    (tmp_path / "config.json").write_text("{}")  # of transformers' folders they are of the same model
    assert not any("other.safetensors" in note for note in Session.open(tmp_path).notes)
