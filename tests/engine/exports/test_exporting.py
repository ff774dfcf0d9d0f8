"""What one is told to type after an export: it holds where the person is, not where the engine works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from prune_tui.engine import sources
from prune_tui.engine.exports import exporting
from prune_tui.engine.session import Session
from prune_tui.protocol import Export, Open
from tests.engine.saving import checkpoints

NET = "import torch\n\ndef net():\n    return torch.nn.Linear(4, 2)\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model in `models`, where the engine works."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.py").write_text(NET)
    (tmp_path / "models" / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path / "models")
    return tmp_path


def command(path: Path, folder: str, kind: Any = "recipe", source: str = "net.py:net", **origin: Any) -> str:
    session = Session(sources.load(Open(source, device="cpu")).model)
    session.apply("l1_unstructured", "*.weight" if source == "demo" else "weight", amount=0.5)
    wanted = Export(str(path), kind, folder=folder)
    return exporting.export(session, Open(source, **origin), wanted).command


def test_names_are_those_of_the_persons_folder(home: Path) -> None:
    told = command(home / "out.yaml", str(home), plugins=("mine.py",))
    assert told == "prune-tui apply out.yaml models/net.py:net --plugin models/mine.py -o pruned.pt"
    assert command(home / "a b.py", str(home), "script") == "python 'a b.py' pruned.pt"


def test_what_is_not_below_it_is_told_whole(home: Path) -> None:
    (home / "elsewhere").mkdir()
    told = command(home / "out.yaml", str(home / "elsewhere"))
    assert told == f"prune-tui apply {home}/out.yaml {home}/models/net.py:net -o pruned.pt"
    told = command(home / "again.yaml", "")
    assert told == f"prune-tui apply {home}/again.yaml {home}/models/net.py:net -o pruned.pt"


def test_a_source_that_is_no_file_stays(home: Path) -> None:
    told = command(home / "-out.yaml", str(home), source="demo", device="cpu")
    assert told == "prune-tui apply ./-out.yaml demo --device cpu -o pruned.pt"


def test_the_command_can_be_run_there(home: Path) -> None:
    told = shlex.split(command(home / "-out.yaml", str(home)))
    assert told.pop(0) == "prune-tui"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-m", "prune_tui", *told], cwd=home, env=environment, check=True, timeout=100)
    assert (home / "pruned.pt").is_file()


@pytest.mark.parametrize(
    ("output", "made"), [("pruned.safetensors", "file"), ("pruned", "shards"), ("pruned.pt", "pt")]
)
def test_a_checkpoint_is_opened_as_it_was(home: Path, output: str, made: str) -> None:
    source = home / "models" / "model"
    if made == "shards":
        checkpoints.shards(source)
    elif made == "file":
        source = checkpoints.file(home / "models")
    else:
        source = home / "models" / "last.pt"
        torch.save({"ema": checkpoints.tensors(), "other": {"a.weight": torch.ones(2)}}, source)
    origin = Open(str(source), key="ema" if made == "pt" else "", device="cpu")
    loaded = sources.load(origin)
    session = Session(loaded.model, checkpoint=loaded.checkpoint)
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    told = exporting.export(session, origin, Export(str(home / "out.yaml"), "recipe", folder=str(home))).command
    key = " --key ema" if made == "pt" else ""
    assert told == f"prune-tui apply out.yaml models/{source.name}{key} --device cpu -o {output}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "prune_tui", *shlex.split(told)[1:]]
    subprocess.run(command, cwd=home, env=environment, check=True, timeout=100)
    assert torch.equal(checkpoints.opened(home / output).model.conv.weight_mask, session.model.conv.weight_mask)


def test_every_option_of_opening_is_told(home: Path) -> None:
    (home / "models" / "w.pt").write_text("")
    told = command(
        home / "out.yaml", str(home), weights="w.pt", allow=("my.Class", "other one"), trust=True, key="ema"
    )
    assert told == (
        "prune-tui apply out.yaml models/net.py:net --weights models/w.pt --allow my.Class --allow 'other one'"
        " --key ema --trust -o pruned.pt"
    )
