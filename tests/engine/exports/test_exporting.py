"""What one is told to type after an export: it holds where the person is, not where the engine works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prune_tui.engine import sources
from prune_tui.engine.exports import exporting
from prune_tui.engine.session import Session
from prune_tui.protocol import Export, Open

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
