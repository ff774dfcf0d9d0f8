"""Which part of a trainer's checkpoint is the model, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from prune_tui.engine.sources import SourceError
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.checkpoint_reader import read


def state(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.ones(2) for name in names or ("fc.weight", "fc.bias")}


def opened(content: Any, folder: Path, key: str = "") -> Checkpoint:
    torch.save(content, folder / "run.pt")
    return read(folder / "run.pt", Asked(key))


@pytest.mark.parametrize(
    ("content", "chosen", "others"),
    [
        (state(), "", ()),
        ({"state_dict": state()}, "state_dict", ()),
        ({"ema": state(), "model": state()}, "model", ("ema",)),
        ({"ema_state_dict": state(), "module": state(), "model_state_dict": state()}, "model_state_dict", None),
        ({"ema": {"model": state(), "decay": 0.9}, "net": state()}, "net", ("ema.model",)),
        ({"ema": {"model": state(), "decay": 0.9}}, "ema.model", ()),
        ({"my_weights": state()}, "my_weights", ()),
        ({"small": state("a"), "large": state("a", "b", "c")}, "large", ("small",)),
        ({"state_dict": state(), "best": torch.tensor(0.9)}, "state_dict", (".",)),
        ({"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "weights": state()}, "weights", ()),
        ({"optimizer_state_dict": {"exp_avg": torch.ones(2)}, "zoo": state("a")}, "zoo", ()),
    ],
)
def test_the_choice(tmp_path: Path, content: Any, chosen: str, others: tuple[str, ...] | None) -> None:
    found = opened(content, tmp_path)
    assert found.chosen == chosen
    assert others is None or found.others == others


def test_what_is_told(tmp_path: Path) -> None:
    content = {"epoch": 3, "model": state(), "ema": state(), "optimizer": {"state": {}}, "args": {"lr": 0.1}}
    found = opened(content, tmp_path)
    assert found.left_out == ("epoch", "optimizer", "args")
    assert found.notes == (
        "model of the checkpoint is shown; --key takes another: ema",
        "also holds epoch, optimizer, args: not shown",
    )


def test_what_is_no_tensor_within_the_part(tmp_path: Path) -> None:
    found = opened({"model": {**state(), "step": 7, 3: torch.ones(1)}}, tmp_path)
    assert list(found.tensors) == ["fc.weight", "fc.bias"]
    assert found.left_out == ("step", "3")


def test_a_flat_state_dict_with_a_number(tmp_path: Path) -> None:
    found = opened({**state(), "epoch": 3}, tmp_path)
    assert found.chosen == ""
    assert found.left_out == ("epoch",)
    assert found.notes == ("also holds epoch: not shown",)


@pytest.mark.parametrize(
    ("key", "chosen", "names"),
    [
        ("ema", "ema.model", ["e"]),
        ("ema.model", "ema.model", ["e"]),
        ("model", "model", ["m"]),
        (".", "", ["top"]),
    ],
)
def test_a_key_chooses(tmp_path: Path, key: str, chosen: str, names: list[str]) -> None:
    content = {"model": state("m"), "ema": {"model": state("e")}, "top": torch.ones(1)}
    found = opened(content, tmp_path, key)
    assert (found.chosen, list(found.tensors)) == (chosen, names)


def test_a_wrong_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as refused:
        opened({"model": state(), "ema": {"model": state()}}, tmp_path, "emma.model")
    assert str(refused.value) == (
        f"{tmp_path}/run.pt: it holds no tensors at --key emma.model (did you mean 'ema.model'?);"
        " there are model, ema.model"
    )


@pytest.mark.parametrize(
    ("content", "names"),
    [([torch.ones(1), torch.ones(2)], ["0", "1"]), ((torch.ones(1),), ["0"]), (torch.ones(3), ["tensor"])],
)
def test_tensors_without_a_dictionary(tmp_path: Path, content: Any, names: list[str]) -> None:
    assert list(opened(content, tmp_path).tensors) == names


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"lr": 1, "epochs": 3}, "it is a dictionary with lr, epochs"),
        ({}, "it is a dictionary without names"),
        ({0: torch.ones(1)}, "it is a dictionary without names"),
        (3, "it is of type int"),
        (None, "it is of type NoneType"),
    ],
)
def test_no_tensors(tmp_path: Path, content: Any, what: str) -> None:
    with pytest.raises(SourceError, match=rf"run\.pt: it holds no tensors: {what}"):
        opened(content, tmp_path)


def test_dictionaries_in_themselves_and_each_other(tmp_path: Path) -> None:
    ring: dict[str, Any] = {"model": state()}
    ring["ring"] = ring
    laughing: dict[str, Any] = {"x": torch.ones(1)}
    for _ in range(60):
        laughing = {"a": laughing, "b": laughing}
    assert opened({**ring, "laughing": laughing}, tmp_path).chosen == "model"
