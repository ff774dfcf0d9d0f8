"""The demo, and the device a name means."""

from __future__ import annotations

import pytest
import torch

from prune_tui.engine.sources import SourceError, load
from prune_tui.engine.sources.reader import choose_device
from prune_tui.protocol import Open


def test_the_demo_comes_with_its_accuracy() -> None:
    loaded = load(Open(device="cpu"))
    assert type(loaded.model).__name__ == "LeNet"
    assert loaded.metric is not None
    assert loaded.metric.measure(loaded.model, lambda: False) > 0.9


def test_the_demo_takes_no_arguments() -> None:
    with pytest.raises(SourceError, match="the demo takes no --arg"):
        load(Open(arguments=("x=1",), device="cpu"))


def test_auto_is_cuda_when_there() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:x", "CPU"])
def test_a_name_that_means_no_device(name: str) -> None:
    with pytest.raises(SourceError, match="is not a device; use auto, cpu, cuda or cuda:0"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_cuda_here() -> None:
    with pytest.raises(SourceError, match=r"--device cuda:1: this torch .* sees no CUDA device; use --device cpu"):
        choose_device("cuda:1")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_no_such_cuda_device() -> None:
    with pytest.raises(SourceError, match="--device cuda:99: there are"):
        choose_device("cuda:99")


def test_a_device_that_torch_knows_but_cannot_use() -> None:
    with pytest.raises(SourceError, match=r"--device xla: torch cannot use it \(.*\); use --device cpu"):
        choose_device("xla")


def test_the_meta_device_holds_no_values() -> None:
    with pytest.raises(SourceError, match="--device meta: no values live there"):
        choose_device("meta")
