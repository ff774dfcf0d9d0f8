"""The two wings of the house meet in the protocol only: checked on running processes, and on the import graph."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ("torch", "numpy", "safetensors", "prune_tui.engine", "prune_tui.demo")
SCREEN = ("textual", "rich", "cyclopts", "prune_tui.ui", "prune_tui.client", "prune_tui.cli")

# It ends as the engine does: a lane may still be in torch's code, which an ordinary exit does not survive.
REPORT = """
import os, sys
print(*sorted(name for name in sys.modules if name.startswith({names!r})), flush=True)
os._exit(0)
"""


def _loaded(code: str, names: tuple[str, ...]) -> list[str]:
    """Which modules of these packages a fresh interpreter has imported after some code."""
    ended = subprocess.run(
        [sys.executable, "-c", code + REPORT.format(names=names)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ended.returncode == 0, ended.stderr
    return [
        module
        for module in ended.stdout.splitlines()[-1].split()
        if any(module == name or module.startswith(f"{name}.") for name in names)
    ]


def test_importing_the_package_imports_neither_wing() -> None:
    assert _loaded("import prune_tui", (*ENGINE, *SCREEN)) == []


def test_the_public_api_is_there_when_it_is_asked_for() -> None:
    loaded = _loaded("from prune_tui import Session", (*ENGINE, *SCREEN))
    assert "torch" in loaded
    assert not [module for module in loaded if module.startswith(SCREEN)]


STARTED_UI = """
import asyncio
from prune_tui.client import EngineProcess
from prune_tui.protocol import Open
from prune_tui.ui.app import PruneApp

async def main():
    app = PruneApp(Open(device="cpu"), EngineProcess)
    async with app.run_test(size=(120, 40)) as pilot:
        while app.main.status.summary is None:
            await pilot.pause(0.05)
        for key in ("j", "3", "enter", "question_mark", "escape", "f12", "escape"):
            await pilot.press(key)
            await pilot.pause(0.05)

asyncio.run(main())
"""


def test_a_started_ui_has_imported_nothing_of_the_engine() -> None:
    assert _loaded(STARTED_UI, ENGINE) == []


STARTED_ENGINE = """
import socket, threading
from prune_tui import frames, protocol
from prune_tui.engine.server import Server

here, there = socket.socketpair()
threading.Thread(target=Server(there).serve, daemon=True).start()
here.sendall(frames.encode(protocol.Question(1, protocol.Open(device="cpu"))))
while frames.receive(here, protocol.Answer).id != 1:
    pass
"""


def test_a_started_engine_has_imported_nothing_of_the_ui() -> None:
    assert _loaded(STARTED_ENGINE, SCREEN) == []


def test_the_engine_can_speak_before_it_has_torch() -> None:
    assert _loaded("import prune_tui.engine.process", ("torch", "numpy", *SCREEN)) == []


EARLY_OUTLINE = """
from prune_tui.engine.early_outline import early_outline
from prune_tui.protocol import Open
assert len(early_outline(Open({file!r})).rows) == 2
"""


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
def test_the_first_tree_needs_no_torch(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    (save_file if file.suffix == ".safetensors" else torch.save)({"fc.weight": torch.ones(2, 3)}, file)
    assert _loaded(EARLY_OUTLINE.format(file=str(file)), ("torch", "numpy", *SCREEN)) == []


def test_the_command_line_imports_no_parser_before_it_needs_one() -> None:
    assert _loaded("import prune_tui.cli", (*ENGINE, "textual", "rich", "cyclopts")) == []


def test_the_import_contracts_are_kept() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if linter is None:
        pytest.skip("import-linter is not installed")
    command = [linter, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout
