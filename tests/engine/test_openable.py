"""`Session.open`: whatever the command opens, in the calling process."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import prune_tui
from prune_tui import Session
from prune_tui.engine.sources import SourceError

NET = """
import random
import numpy
import torch

class Net(torch.nn.Module):
    def __init__(self, width=2, activation="relu"):
        super().__init__()
        self.activation = activation
        self.head = torch.nn.Linear(3, width)
        random.random(), numpy.random.rand()

    def forward(self, batch):
        return self.head(batch)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With code and weights for it; the working folder."""
    (tmp_path / "net.py").write_text(NET)
    save_file({"head.weight": torch.ones(2, 3), "head.bias": torch.zeros(2)}, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkpoint_is_pruned_saved_and_opened_again(folder: Path) -> None:
    session = Session.open("model.safetensors")
    session.apply("l1_unstructured", "*.weight", amount=2)
    session.save("pruned.safetensors")
    back = Session.open(Path("pruned.safetensors"))
    assert back.notes == ("1 tensor is pruned in this checkpoint",)
    assert torch.equal(back.model.head.weight_mask, session.model.head.weight_mask)


def test_code_with_arguments_and_weights(folder: Path) -> None:
    session = Session.open("net.py:Net", arguments={"width": 2, "activation": "tanh"}, weights="model.safetensors")
    assert session.model.activation == "tanh"
    assert torch.equal(session.model.head.weight, torch.ones(2, 3))
    assert session.model(torch.ones(1, 3)).tolist() == [[3.0, 3.0]]
    session.apply("l1_unstructured", "head.weight", amount=1)
    assert "arguments: [width=2, activation='tanh']" in session.recipe()
    session.save("out.safetensors", "removed")
    assert int((load_file("out.safetensors")["head.weight"] == 0).sum()) == 1


def test_parts_and_pickles_as_the_options_have_it(folder: Path) -> None:
    torch.save({"a": {"w": torch.ones(2)}, "b": {"w": torch.zeros(3)}}, "parts.pt")
    assert Session.open("parts.pt", key="b").model.w.shape == (3,)
    torch.save(torch.nn.Linear(2, 2), "module.pt")
    with pytest.raises(ValueError, match="wants to use torch"):
        Session.open("module.pt")
    assert isinstance(Session.open("module.pt", trust=True).model, torch.nn.Linear)
    allowed = Session.open("module.pt", allow="torch.nn.modules.linear.Linear")
    assert isinstance(allowed.model, torch.nn.Linear)


def test_the_same_seed_builds_the_same_model_and_the_processs_generators_stay(folder: Path) -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first, again, other = (Session.open("net.py:Net", seed=seed).model.head.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]


def test_a_cuda_that_is_not_started_yet_keeps_the_seed_that_waits_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    tracker = torch.cuda._lazy_seed_tracker
    monkeypatch.setattr(tracker, "manual_seed_all_cb", ("123", []))
    before = dict(vars(tracker), call_order=list(tracker.call_order))
    Session.open("net.py:Net", seed=7)
    assert vars(tracker) == before


@pytest.mark.parametrize("output", ["out.pt", "out.safetensors", "out"])
def test_what_is_written_to_a_mapped_model_stays_through_steps_and_saving(folder: Path, output: str) -> None:
    session = Session.open("model.safetensors")
    with torch.no_grad():
        session.model.head.weight += 1
        session.model.head.bias.data += 5
    session.preview("l1_unstructured", "head.weight", amount=2)
    session.apply("l1_unstructured", "head.weight", amount=2)
    session.save(output)
    assert session.model.head.weight_orig.tolist() == [[2.0] * 3] * 2
    assert session.model.head.bias.tolist() == [5.0, 5.0]
    back = Session.open(output).model.head
    assert torch.equal(back.weight_orig, session.model.head.weight_orig)
    assert torch.equal(back.bias, session.model.head.bias)


def test_a_path_is_a_file_whatever_it_is_called(folder: Path) -> None:
    (folder / "model.safetensors").rename("demo")
    assert Session.open(Path("demo")).model.state_dict().keys() == {"head.weight", "head.bias"}
    assert type(Session.open(Path("net.py:Net")).model).__name__ == "Net"


def test_what_cannot_be_opened_says_why() -> None:
    with pytest.raises(SourceError, match=r"there is no file missing\.safetensors"):
        Session.open("missing.safetensors")
    with pytest.raises(SourceError, match=r"arguments: layer is a Linear, and no value that Python writes"):
        Session.open("net.py:Net", arguments={"layer": torch.nn.Linear(1, 1)})
    with pytest.raises(SourceError, match="seed=-1: a seed is a whole number"):
        Session.open("demo", seed=-1)


def test_what_is_inside_a_wrapper_is_opened(folder: Path) -> None:
    (folder / "wrapped.py").write_text("import torch\nnet = torch.nn.DataParallel(torch.nn.Linear(2, 2))\n")
    assert isinstance(Session.open("wrapped.py:net").model, torch.nn.Linear)


def test_it_can_be_reached_by_the_packages_own_name() -> None:
    assert prune_tui.Session.open("demo", device="cpu").history == ()


@pytest.mark.parametrize("output", ["out.safetensors", "out.pt"])
def test_a_pickled_wrapper_is_saved_by_the_names_that_it_has(folder: Path, output: str) -> None:
    torch.save(torch.nn.DataParallel(torch.nn.Linear(2, 2)), "wrapped.pt")
    session = Session.open("wrapped.pt", trust=True)
    assert session.notes == ("every name begins with module., as a wrapper's do: not shown, and saved again",)
    session.apply("l1_unstructured", "weight", amount=2)
    session.save(output, "removed")
    stored = torch.load(output) if output.endswith(".pt") else load_file(output)
    assert set(stored) == {"module.weight", "module.bias"}
    back = Session.open(output)
    assert torch.equal(back.model.weight, session.model.weight_orig * session.model.weight_mask)
    torch.nn.DataParallel(torch.nn.Linear(2, 2)).load_state_dict(stored)
