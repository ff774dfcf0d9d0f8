"""<TAB> in the shells themselves, with the scripts that `prune-tui completion` prints."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.terminal.emulated import Terminal

ROOT = Path(__file__).parent.parent.parent
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOADED = {
    "bash": 'bind "set show-all-if-ambiguous on"; eval "$(prune-tui completion bash)"; PS1="> "',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(prune-tui completion zsh)"; PS1="> "',
    "fish": "function fish_prompt; echo '> '; end; prune-tui completion fish | source",
}
LINES = {
    "prune-tui sh": "prune-tui show",
    "prune-tui show mo": "prune-tui show model.safetensors",
    "prune-tui show model.safetensors --module enc": "prune-tui show model.safetensors --module encoder",
    "prune-tui convert demo out --form=c": "prune-tui convert demo out --form=compact",
    "prune-tui my_m": "prune-tui my_model.py:",
    "prune-tui my_model.py:N": "prune-tui my_model.py:Net",
    r"prune-tui show my\ fo": r"prune-tui show my\ folder/",
    "prune-tui --theme colour-blind-": "prune-tui --theme colour-blind-light",
    "prune-tui show ~/mo": "prune-tui show ~/model.safetensors",
    r"prune-tui show ~/my\ fo": r"prune-tui show ~/my\ folder/",
    "prune-tui ~/my_model.py:N": "prune-tui ~/my_model.py:Net",
    "~/.bin/prune-tui sh": "~/.bin/prune-tui show",
}
"""What is typed, and what stands there after <TAB>."""
NO_HOME = ("prune-tui show '~/mo", r"prune-tui show \~/mo", "prune-tui show my_model.py:Net --weights=~/mo")
"""What no shell takes for something in the home folder."""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """A shell that has read the script, in a folder with a few models."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    names = ("encoder.weight", "decoder.fc.weight")
    save_file({name: torch.zeros(1) for name in names}, tmp_path / "model.safetensors")
    (tmp_path / "my_model.py").write_text("class Net: pass\n")
    (tmp_path / "my folder").mkdir()
    tools = tmp_path / ".bin"
    tools.mkdir()
    (tools / "prune-tui").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m prune_tui "$@"\n')
    (tools / "prune-tui").chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    with Terminal(SHELLS[name], 100, 24, cwd=tmp_path, env=env) as terminal:
        terminal.press(LOADED[name], "enter")
        terminal.press("echo re''ady", "enter")
        terminal.wait_for("ready", timeout=60)
        yield terminal


def test_what_stands_after_tab(shell: Terminal) -> None:
    for typed, whole in LINES.items():
        shell.press("clear", "enter")
        shell.wait_until(lambda: [line for line in shell.screen if line] == [">"], "the prompt alone")
        shell.press(typed, "tab")
        shell.wait_until(lambda whole=whole: whole in shell.text, whole)
        shell.press("\x15")


def test_where_a_tilde_is_no_home_nothing_is_put_there(shell: Terminal) -> None:
    for typed in NO_HOME:
        shell.press("clear", "enter")
        shell.wait_until(lambda: [line for line in shell.screen if line] == [">"], "the prompt alone")
        shell.press(typed, "tab", "!")
        shell.wait_for(f"{typed}!")
        shell.press("\x15")


def test_what_may_stand_there_is_listed(shell: Terminal) -> None:
    shell.press("clear", "enter")
    shell.press("prune-tui show --de", "tab")
    shell.wait_for("--depth", "--debug", "--device")
