"""What a step needs is told before it begins."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import memory
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import exact

CPU = torch.device("cpu")


def test_each_tensor_gets_a_mask_and_a_product_in_its_dtype():
    assert memory.of_masks([torch.ones(10), torch.ones(4, dtype=torch.float16)]) == {CPU: 96}
    assert memory.of_masks([]) == {}


def test_asking_torch_about_ties_takes_sixteen_bytes_an_entry_and_copies():
    assert memory.of_topk(100, 0, 4, gathered=False) == 100 * (4 + 16)
    assert memory.of_topk(100, 50, 4, gathered=True) == 100 * (8 + 8 + 16) + 50 * 12


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**7, "20.0 MB"), (10**10, "10.0 GB")],
)
def test_sizes_are_readable(size, text):
    assert memory.readable(size) == text


def test_what_is_free_is_what_linux_says(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    assert memory.free(CPU) is None
    Path(tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:   5 kB\n")
    assert memory.free(CPU) == 5120
    Path(tmp_path / "meminfo").write_text("MemTotal:  9 kB\n")
    assert memory.free(CPU) is None
    assert memory.free(torch.device("meta")) is None


def test_where_nobody_tells_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda _: None)
    memory.check("anything", {CPU: 10**18})


def test_masks_that_do_not_fit_are_refused_before_anything_happens(monkeypatch):
    model = nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10))
    prune.identity(model[1], "weight")
    monkeypatch.setattr(memory, "free", lambda _: 1599)
    before = exact(model)
    with pytest.raises(StepError) as refused:
        Session(model).apply("random_unstructured", ["0.weight", "1.weight"], amount=0.5)
    assert str(refused.value) == (
        "random_unstructured of 0.weight and 1.weight needs 1.6 kB more memory on cpu, 1.6 kB is free;"
        " prune fewer tensors at a time, or remove earlier pruning first"
    )
    assert exact(model) == before
    Session(model).apply("random_unstructured", ["0.weight"], amount=0.5)
    Session(model).apply("remove", ["0.weight"])
