"""Every command of the README, run."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from prune_tui import Session
from prune_tui.cli import open_model
from prune_tui.demo import lenet
from prune_tui.engine import checksums
from prune_tui.protocol import Open
from prune_tui.settings import config_file
from prune_tui.ui.keys import Keymap
from prune_tui.ui.widgets.pictures import PICTURES
from tests import readme_exit_codes, readme_findings
from tests.terminal.conftest import Start

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    part.strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.strip().splitlines()
    for part in line.split("&&")
]
INSTALLS = [command for command in COMMANDS if command.startswith("pip install")]
RUNS = [command for command in COMMANDS if command.startswith(("prune-tui apply", "python "))]
CHECKS = [command for command in COMMANDS if command.startswith("prune-tui check")]
LISTS = [command for command in COMMANDS if command.startswith("prune-tui sessions")]
COPIES = [
    command
    for command in COMMANDS
    if command.startswith(("prune-tui show", "prune-tui diff", "prune-tui convert", "prune-tui -1"))
]
PRINTS = [command for command in COMMANDS if command.startswith(("prune-tui completion", "prune-tui man"))]
SETTLES = [command for command in COMMANDS if command.startswith("prune-tui config")]
SERVES = [command for command in COMMANDS if command.startswith("prune-tui web")]
STARTS = [
    command
    for command in COMMANDS
    if command.startswith("prune-tui")
    and command not in [*RUNS, *CHECKS, *LISTS, *COPIES, *PRINTS, *SETTLES, *SERVES]
]

NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self, num_classes=2):
        super().__init__()
        self.head = torch.nn.Linear(3, num_classes)

factory = Net
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the README's commands name."""
    (tmp_path / "my_model.py").write_text(NET)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "module.py").write_text(NET)
    save_file({"head.weight": torch.ones(2, 3), "head.bias": torch.zeros(2)}, tmp_path / "model.safetensors")
    return tmp_path


def test_there_is_no_command_that_is_not_tested_here() -> None:
    known = [*INSTALLS, *STARTS, *RUNS, *CHECKS, *LISTS, *COPIES, *PRINTS, *SETTLES, *SERVES]
    assert [command for command in COMMANDS if command not in known] == ["pytest"]


@pytest.mark.parametrize("command", INSTALLS)
def test_what_is_to_be_installed_can_be(command: str) -> None:
    _, *arguments = shlex.split(command)
    run = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--dry-run", "--quiet", "--disable-pip-version-check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_test_command_finds_the_tests() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_steps.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "test_steps.py" in run.stdout


@pytest.mark.parametrize("command", STARTS)
def test_what_is_to_be_opened_opens(command: str, folder: Path, start: Start) -> None:
    terminal = start(*shlex.split(command)[1:], cwd=folder, columns=120, lines=40)
    if "cuda" in command and not torch.cuda.is_available():
        terminal.wait_for("sees no CUDA device; use --device cpu")
        assert terminal.exit_code() == 2
        return
    if "--resume" in command:  # tests/terminal/test_going_on.py has something to go on with
        terminal.wait_for("there is no session to go on with")
        assert terminal.exit_code() == 2
        return
    terminal.wait_for("params", "Modules")
    terminal.press("q")
    assert terminal.exit_code() == 0


@pytest.mark.parametrize("command", RUNS)
def test_what_needs_no_screen_runs(command: str, tmp_path: Path) -> None:
    (recipe,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "lenet-pruned.yaml").write_text(recipe)
    session = Session(lenet.trained(torch.device("cpu")))
    session.replay(recipe)
    (tmp_path / "lenet-pruned.py").write_text(session.script(Open("demo", device="cpu")))
    python = [sys.executable] if command.startswith("python") else [sys.executable, "-m", "prune_tui"]
    run = subprocess.run(
        [*python, *shlex.split(command)[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    assert checksums.of_model(session.model) in run.stdout + run.stderr
    assert (tmp_path / "pruned.pt").is_file() == ("pruned.pt" in command)


@pytest.mark.parametrize("command", COPIES)
def test_what_looks_into_files_does(command: str, tmp_path: Path) -> None:
    session = Session(lenet.trained(torch.device("cpu")))
    session.save(tmp_path / "model.safetensors")
    session.apply("l1_unstructured", "fc1.weight", amount=0.9)
    session.save(tmp_path / "pruned.safetensors")
    run = subprocess.run(
        [sys.executable, "-m", "prune_tui", *shlex.split(command)[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == ("diff" in command), run.stderr  # the pruned model is another one
    assert {"show": "conv1", "-1": "conv1", "diff": "43,200 masked in B", "convert": "small.safetensors"}[
        command.split()[1]
    ] in run.stdout


@pytest.mark.parametrize("command", PRINTS)
def test_what_is_for_the_shell_is_printed(command: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "prune_tui", *shlex.split(command)[1:]], capture_output=True, text=True, check=True
    )
    wanted = {"completion": "complete -F _prune_tui prune-tui", "man": '.TH PRUNE\\-TUI 1 ""'}
    assert wanted[command.split()[1]] in run.stdout


def test_settings_are_made_and_checked_as_the_readme_has_them(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for command, said in zip(SETTLES, (f"made {file}", f"{file}: nothing is wrong"), strict=True):
        run = subprocess.run(
            [sys.executable, "-m", "prune_tui", *shlex.split(command)[1:]],
            env={**os.environ, "PRUNE_TUI_CONFIG": str(file)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert said in run.stdout + run.stderr
    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file.write_text(shown)
    config = config_file.read(file)
    assert Keymap(config.keys).first("app.log") == ""


@pytest.mark.parametrize("command", SERVES)
def test_what_is_for_a_browser_is_served(command: str, unused_tcp_port: int) -> None:
    pytest.importorskip("textual_serve", reason="textual-serve is not installed")
    arguments = [*shlex.split(command)[1:], "--port", str(unused_tcp_port)]
    with subprocess.Popen(
        [sys.executable, "-m", "prune_tui", *arguments], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        address = server.stderr.readline().split()[-1]
        while True:
            try:
                with urllib.request.urlopen(address) as page:
                    assert 'id="terminal"' in page.read().decode()
                break
            except urllib.error.URLError:  # it does not listen yet
                assert server.poll() is None
                time.sleep(0.1)
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


@pytest.mark.parametrize("command", LISTS)
def test_what_is_kept_is_listed(command: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "prune_tui", *shlex.split(command)[1:]],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "no session is kept in" in run.stderr


@pytest.mark.parametrize("command", CHECKS)
def test_what_is_to_be_checked_is_sound(command: str, folder: Path) -> None:
    _, *arguments = shlex.split(command)
    run = subprocess.run(
        [sys.executable, "-m", "prune_tui", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "nothing found" in run.stdout


def test_the_table_of_findings_is_that_of_the_doctor() -> None:
    assert readme_findings.written() == readme_findings.table(), "run: python -m tests.readme_findings"


def test_the_table_of_exit_codes_is_that_of_the_commands() -> None:
    assert readme_exit_codes.written() == readme_exit_codes.table(), "run: python -m tests.readme_exit_codes"


def test_the_python_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert "l1_unstructured ('0.weight',) {'amount': 0.3} None {'0.weight': 16}" in run.stdout
    assert {"0.bias", "0.weight_orig", "0.weight_mask"} < set(load_file(tmp_path / "pruned.safetensors"))


def test_every_picture_is_there() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file(), picture


@pytest.mark.parametrize("picture", PICTURES)
def test_the_gallery_shows_each_picture_of_a_tensor(picture: str) -> None:
    assert f"(screenshots/{picture}.svg)" in README


@pytest.mark.parametrize("picture", sorted((ROOT / "screenshots").glob("*.svg")), ids=lambda file: file.stem)
def test_no_picture_is_made_for_nothing(picture: Path) -> None:
    assert f"({picture.relative_to(ROOT)})" in README


def test_every_option_has_a_row() -> None:
    first_cells = " ".join(line.split(" | ")[0] for line in README.splitlines() if line.startswith("| `--"))
    options = [name.replace("_", "-") for name in inspect.signature(open_model).parameters if name != "source"]
    assert [option for option in options if f"`--{option}" not in first_cells] == []


def test_every_link_into_the_repository_leads_somewhere() -> None:
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(((?!http)[^)]*)\)", README):
        assert (ROOT / target).exists(), target
