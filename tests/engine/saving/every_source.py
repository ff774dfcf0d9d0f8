"""One small model in every kind of source that opens, so that what is saved of each can be compared."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from torch import Tensor, nn

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 2)
        self.norm = nn.BatchNorm2d(3)
        self.head = nn.Sequential(nn.Linear(12, 4), nn.Linear(4, 2, bias=False))

    def forward(self, batch):
        return self.head(torch.relu(self.norm(self.conv(batch))).flatten(1))

def trained():
    torch.manual_seed(7)
    net = Net()
    net.norm.running_mean.uniform_()
    net.norm.running_var.uniform_(0.5, 2)
    return net.eval()
"""
BATCH = torch.arange(18, dtype=torch.float32).view(2, 1, 3, 3) / 9 - 1


class Kind(NamedTuple):
    """A kind of source.

    Attributes:
        write: Writes it into a folder; returns what is opened.
        how: The options of `Session.open` beside the name.
        prunable: It can be pruned where it is opened.
        runs: What is opened has a forward.
        prefix: What every name in it begins with.
    """

    write: Callable[[Path], str]
    how: Mapping[str, Any] = MappingProxyType({})
    prunable: bool = True
    runs: bool = False
    prefix: str = ""


@functools.cache
def code() -> dict[str, Any]:
    """What the file with the model's code holds."""
    found: dict[str, Any] = {"__name__": "net_of_code"}
    exec(NET, found)
    return found


def trained() -> nn.Module:
    """The model as its code makes it."""
    with torch.random.fork_rng():
        model: nn.Module = code()["trained"]()
    return model


def state() -> dict[str, Tensor]:
    return dict(trained().state_dict())


def code_file(folder: Path) -> Path:
    file = folder / "net_of_code.py"
    file.write_text(NET)
    return file


def _safetensors(folder: Path) -> str:
    save_file(state(), folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder / "model.safetensors")


def _shards(folder: Path) -> str:
    held, names = state(), ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    places = {name: names["head" in name] for name in held}
    for shard in names:
        save_file({name: held[name] for name in held if places[name] == shard}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return str(folder)


def _index(folder: Path) -> str:
    return f"{_shards(folder)}/model.safetensors.index.json"


def _hugging_face(folder: Path) -> str:
    (folder / "config.json").write_text('{"hidden_size": 4}')
    _safetensors(folder)
    return str(folder)


def _torch(folder: Path) -> str:
    torch.save(state(), folder / "model.pt")
    return str(folder / "model.pt")


def _old(folder: Path) -> str:
    torch.save(state(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    return str(folder / "pytorch_model.bin")


def _wrapped(folder: Path) -> str:
    torch.save({f"module.{name}": one for name, one in state().items()}, folder / "model.pth")
    return str(folder / "model.pth")


def _trainer(folder: Path) -> str:
    torch.save({"epoch": 3, "ema": {"net": state()}, "model": {"w": torch.ones(2)}}, folder / "last.ckpt")
    return str(folder / "last.ckpt")


def _module(folder: Path) -> str:
    """Of torch's own classes: every process that opens it has their code."""
    model = trained()
    whole = nn.Sequential()
    for name, child in model.named_children():
        whole.add_module(name, child)
    torch.save(whole, folder / "model.pt")
    return str(folder / "model.pt")


def _numpy(folder: Path) -> str:
    np.savez(folder / "model.npz", **{name: tensor.numpy() for name, tensor in state().items()})
    return str(folder / "model.npz")


def _distributed(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of there being one rank
        dcp.save({"model": state()}, checkpoint_id=str(folder / "trained"), no_dist=True)
    return str(folder / "trained")


def _script(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(trained(), BATCH).save(folder / "model.pt")
    return str(folder / "model.pt")


def _exported(folder: Path) -> str:
    torch.export.save(torch.export.export(trained(), (BATCH,)), folder / "model.pt2")
    return str(folder / "model.pt2")


def _code(folder: Path) -> str:
    return f"{code_file(folder)}:trained"


def _code_with_weights(folder: Path) -> str:
    _safetensors(folder)
    return f"{code_file(folder)}:Net"


KINDS = {
    "safetensors": Kind(_safetensors),
    "shards": Kind(_shards),
    "index": Kind(_index),
    "hugging-face": Kind(_hugging_face),
    "torch": Kind(_torch),
    "old-torch": Kind(_old),
    "wrapped": Kind(_wrapped, prefix="module."),
    "trainer": Kind(_trainer, {"key": "ema.net"}),
    "module": Kind(_module, {"trust": True}),
    "numpy": Kind(_numpy),
    "distributed": Kind(_distributed),
    "script": Kind(_script, prunable=False),
    "exported": Kind(_exported, prunable=False),
    "code": Kind(_code, runs=True),
    "code-with-weights": Kind(_code_with_weights, {"weights": "model.safetensors"}, runs=True),
}
