"""A script of a session on a checkpoint loads it without prune-tui and without the model's code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from prune_tui import Session
from prune_tui.engine import checksums, sources
from prune_tui.protocol import Open
from tests.engine.saving import checkpoints

ALONE = """
import importlib.abc, runpy, sys

class Nobody(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "prune_tui":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nobody())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def ran(session: Session, origin: Open, folder: Path) -> dict[str, torch.Tensor]:
    """What the script saves, once it has proved its masks."""
    script = folder / "script.py"
    script.write_text(session.script(origin))
    command = [sys.executable, "-W", "ignore", "-c", ALONE, str(script), str(folder / "pruned.pt")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=100)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == checksums.of_model(session.model)
    found: dict[str, torch.Tensor] = torch.load(folder / "pruned.pt", weights_only=True)
    return found


def stepped(origin: Open) -> Session:
    """A session on a source, with steps of several kinds."""
    loaded = sources.load(origin)
    session = Session(loaded.model, 4, past=loaded.past, checkpoint=loaded.checkpoint)
    session.apply("l1_unstructured", "*.weight", amount=0.5)
    session.apply("random_unstructured", "layers.*.bias", amount=3)
    session.apply("semi_structured", "conv.weight", pattern="1:3", dim=3)
    return session


def equal(found: dict[str, torch.Tensor], model: torch.nn.Module) -> None:
    wanted = model.state_dict()
    assert set(found) == set(wanted)
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("make", [checkpoints.file, lambda folder: checkpoints.shards(folder / "model")])
def test_safetensors(tmp_path: Path, make: object) -> None:
    origin = Open(str(make(tmp_path)))  # type: ignore[operator]
    session = stepped(origin)
    equal(ran(session, origin, tmp_path), session.model)


@pytest.mark.parametrize("form", ["pruned", "compact"])
def test_what_came_pruned(tmp_path: Path, form: str) -> None:
    first = checkpoints.session_on(checkpoints.file(tmp_path))
    first.apply("random_structured", ["conv.weight", "embed.weight"], amount=1, dim=0)
    first.save(tmp_path / "first.safetensors", form)
    origin = Open(str(tmp_path / "first.safetensors"))
    session = stepped(origin)
    equal(ran(session, origin, tmp_path), session.model)


def test_tied_weights_and_names_that_no_module_has(tmp_path: Path) -> None:
    held = {**checkpoints.tensors(), "half.weight": torch.ones(2)}
    save_file(held, tmp_path / "model.safetensors", metadata={"format": "pt", "head.weight": "embed.weight"})
    origin = Open(str(tmp_path / "model.safetensors"))
    session = stepped(origin)
    found = ran(session, origin, tmp_path)
    assert found["head.weight"].data_ptr() == found["embed.weight_orig"].data_ptr()
    assert "half.weight" not in found


def test_a_trainers_dictionary(tmp_path: Path) -> None:
    held = {f"module.{name}": tensor for name, tensor in checkpoints.tensors().items()}
    torch.save({"epoch": 3, "state_dict": held, "ema": {"conv.weight": torch.zeros(1)}}, tmp_path / "last.ckpt")
    origin = Open(str(tmp_path / "last.ckpt"))
    session = stepped(origin)
    found = ran(session, origin, tmp_path)
    equal({name.removeprefix("module."): tensor for name, tensor in found.items()}, session.model)
    assert all(name.startswith("module.") for name in found)


def test_what_plain_torch_cannot_read_is_left_to_be_filled_in(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2), tmp_path / "module.pt")
    origin = Open(str(tmp_path / "module.pt"), trust=True)
    loaded = sources.load(origin)
    session = Session(loaded.model, checkpoint=loaded.checkpoint)
    session.apply("l1_unstructured", "weight", amount=0.5)
    (tmp_path / "script.py").write_text(session.script(origin))
    command = [sys.executable, "-c", "import script; script.load_model()"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"write in load_model of this file how to load {tmp_path / 'module.pt'}" in ended.stderr


def test_a_recipe_over_two_sessions_gives_the_same_masks_on_the_original(tmp_path: Path) -> None:
    source = checkpoints.file(tmp_path)
    first = checkpoints.session_on(source, seed=1)
    first.apply("random_unstructured", "*.weight", amount=0.3)
    first.save(tmp_path / "first.safetensors")
    second = checkpoints.session_on(tmp_path / "first.safetensors", seed=2)
    second.apply("random_unstructured", "conv.weight", amount=0.5)
    again = checkpoints.session_on(source)
    again.replay(second.recipe(Open(str(tmp_path / "first.safetensors"))), strict=True)
    assert checksums.of_model(again.model) == checksums.of_model(second.model)
    assert json.dumps(str(tmp_path / "first")) not in second.recipe()
