"""What leaves a session gives its masks again, whichever way: one checksum."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from textual.widgets import Input

from prune_tui import Session
from prune_tui.demo import lenet
from prune_tui.engine import checksums
from tests.engine.exports.test_script import alone
from tests.in_process import EngineHere, app_on, press, running


async def _made_by_keys(folder: Path) -> str:
    """A session on the demo by keys alone, exported as lenet.yaml and lenet.py; the checksum of its masks."""
    app = app_on()
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter")  # L1 on conv1.weight
        await press(pilot, "2", "up", "enter")  # random on top of it
        await press(pilot, "t", "3", "ctrl+a", "ctrl+k", "2", "enter")  # another tensor, by count
        await press(pilot, "j", "5", "up", "up", "enter", "4", "enter")  # channels of conv2
        await press(pilot, "6", "enter", "plus")  # all weights at once, a little more
        await press(pilot, "3", "enter", "u")  # one step that is taken back
        await press(pilot, "j", "j", "3", "enter", "0", "enter")  # fc2: pruned for good
        for file in ("lenet.yaml", "lenet.py"):
            await press(pilot, "e")
            pilot.app.screen.query_one(Input).value = file
            await press(pilot, "enter", "escape")
            assert (folder / file).is_file()
        engine = app.engine
        assert isinstance(engine, EngineHere)
        return checksums.of_model(engine.model)


async def test_keys_recipe_script_and_python_end_with_one_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    by_keys = await _made_by_keys(tmp_path)

    session = Session(lenet.trained(torch.device("cpu")))
    done = session.replay("lenet.yaml", strict=True)
    assert [entry.method for entry in done] == [
        "l1_unstructured",
        "random_unstructured",
        "l1_unstructured",
        "ln_structured",
        "random_structured",
        "global_unstructured",
        "l1_unstructured",
        "remove",
    ]
    assert [done[place].settings["amount"] for place in (1, 2)] == [0.35, 2]
    by_replay = checksums.of_model(session.model)

    command = "apply lenet.yaml demo --device cpu --strict --json -o applied.pt"
    applied = subprocess.run(
        [sys.executable, "-m", "prune_tui", *command.split()], capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    by_apply = json.loads(applied.stdout)["checksum"]

    ended = alone(tmp_path / "lenet.py", "scripted.pt")
    assert ended.returncode == 0, ended.stderr
    by_script = ended.stdout.strip()

    assert by_keys == by_replay == by_apply == by_script
    for file in ("applied.pt", "scripted.pt"):
        saved = torch.load(file, weights_only=True)
        for name, tensor in session.model.state_dict().items():
            assert torch.equal(saved[name], tensor), (file, name)
