"""The lines that are printed beside a compact file read it, without prune-tui."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from prune_tui import Session
from prune_tui.engine.saving import COMPACT_READING
from tests.engine.exports.sessions import net
from tests.engine.saving import checkpoints

README = Path(__file__).parents[3] / "README.md"
SHOW = """
import pathlib, sys
torch.save(read_compact(*pathlib.Path(sys.argv[1]).glob("*.safetensors")), sys.argv[2])
assert "prune_tui" not in sys.modules
"""


def read_alone(folder: Path, out: Path) -> dict[str, torch.Tensor]:
    """What the lines give for the files of a folder, in a process of their own."""
    subprocess.run(
        [sys.executable, "-c", COMPACT_READING + SHOW, folder, out], check=True, cwd=folder, timeout=100
    )
    found: dict[str, torch.Tensor] = torch.load(out, weights_only=True)
    return found


def test_of_one_file(tmp_path: Path) -> None:
    session = Session(net())
    session.apply("l1_unstructured", "*.weight", amount=0.7)
    session.apply("random_unstructured", "5.bias", amount=1.0)
    (tmp_path / "out").mkdir()
    session.save(tmp_path / "out" / "model.safetensors", "compact")
    found = read_alone(tmp_path / "out", tmp_path / "read.pt")
    model = net()
    model.load_state_dict(found)
    for name in ("0", "3", "5"):
        assert torch.equal(model.get_submodule(name).weight, session.model.get_submodule(name).weight)
    assert not model[5].bias.any()


def test_of_several(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.shards(tmp_path / "model"))
    session.apply("l1_unstructured", "*.weight", amount=0.7)
    session.save(tmp_path / "out", "compact")
    found = read_alone(tmp_path / "out", tmp_path / "read.pt")
    session.save(tmp_path / "removed", "removed")
    wanted = checkpoints.opened(tmp_path / "removed").model.state_dict()
    assert set(found) == set(wanted)
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


def test_they_stand_in_the_readme() -> None:
    assert COMPACT_READING.strip() in README.read_text()
