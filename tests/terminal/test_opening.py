"""From the command to a model on the screen, or to a message that says what to do."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.terminal.conftest import Start
from tests.terminal.emulated import children, has_loaded

PANES = ("Modules", "Module", "Tensor")
TORCH = "libtorch"
STARTING = ("starting the engine", "importing torch")


def test_the_panes_are_there_before_torch_is(start: Start) -> None:
    terminal = start()
    terminal.wait_until(lambda: bool(children(terminal.process.pid)), "engine")
    (engine,) = children(terminal.process.pid)
    os.kill(engine, signal.SIGSTOP)  # as if importing torch took for ever
    terminal.wait_for(*PANES)
    terminal.wait_until(lambda: any(text in terminal.text for text in STARTING), "word about what is waited for")
    assert not has_loaded(engine, TORCH)
    terminal.press("?")
    terminal.wait_for("esc closes")
    terminal.press("escape")
    os.kill(engine, signal.SIGCONT)
    terminal.wait_for("LeNet", "conv1", "fc3")
    assert has_loaded(engine, TORCH)
    assert not has_loaded(terminal.process.pid, TORCH)


TORCH_WAITS = """
import os, sys, time

class UntilToldOtherwise:
    def find_spec(self, name, path=None, target=None):
        while name == "torch" and not os.path.exists({flag!r}):
            time.sleep(0.05)

sys.meta_path.insert(0, UntilToldOtherwise())
"""


def test_the_tree_of_a_checkpoint_is_there_before_torch_is(start: Start, tmp_path: Path) -> None:
    flag, file = tmp_path / "go", tmp_path / "net.safetensors"
    save_file({f"layers.{n}.weight": torch.full((4, 3), 7.5) for n in range(50)}, file)
    (tmp_path / "sitecustomize.py").write_text(TORCH_WAITS.format(flag=str(flag)))
    paths = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    terminal = start(file, env={"PYTHONPATH": paths}, columns=100, lines=30)
    terminal.wait_for("net.safetensors", "layers", "values come once torch is there", timeout=20)
    terminal.press("/")
    terminal.wait_for("name or type")
    terminal.press("47")
    terminal.wait_for("└ 47")
    terminal.press("enter")
    terminal.wait_for("›   └ 47", "weight  4×3")
    (engine,) = children(terminal.process.pid)
    assert not has_loaded(engine, TORCH)
    flag.touch()
    terminal.wait_for("›   └ 47", "7.5", "600 params")
    assert has_loaded(engine, TORCH)


def test_keys_are_answered_while_a_model_is_opened(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text(
        "import time\nfrom torch import nn\n"
        "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n        time.sleep(600)\n"
    )
    terminal = start(f"{file}:Net")
    terminal.wait_for("opening")
    terminal.press("?")
    terminal.wait_for("esc closes", timeout=5)
    terminal.press("escape")
    terminal.wait_for(*PANES, timeout=5)
    terminal.press("q")
    assert terminal.exit_code(5) == 0


def test_80_by_24_is_enough(start: Start) -> None:
    terminal = start(columns=80, lines=24)
    terminal.wait_for("LeNet", "conv1", "accuracy 9")
    terminal.press("j")
    terminal.wait_for("weight", "out 0")
    screen = terminal.screen
    assert len(screen) == 24
    assert all(line for line in screen), "the panes fill the screen"
    borders = [line for line in screen if line.startswith(("╭", "╰", "┏", "┗"))]
    assert borders
    assert all(len(line) == 80 for line in borders)
    assert "▂▂" not in terminal.text, "no horizontal scroll bar"


@pytest.mark.parametrize("size", [(20, 5), (1, 1)])
def test_a_window_that_is_too_small_says_so_until_it_is_enlarged(start: Start, size: tuple[int, int]) -> None:
    terminal = start(columns=size[0], lines=size[1])
    if size != (1, 1):
        terminal.wait_for("prune-tui needs")
    terminal.wait_until(lambda: b"\x1b[?1049h" in terminal.output, "start of the app")
    terminal.resize(80, 24)
    terminal.wait_for("LeNet", "conv1", *PANES)
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []


def test_what_a_model_prints_goes_to_the_log_and_not_over_the_screen(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "loud.py"
    file.write_text(
        "import os, sys\nfrom torch import nn\n"
        "print('printed by Python')\nprint('complained by Python', file=sys.stderr)\n"
        "os.write(1, b'written to 1\\n')\nos.write(2, b'written to 2 \\x1b[31m[bold]\\n')\n"
        "net = nn.Sequential(nn.Linear(2, 2))\n"
    )
    terminal = start(f"{file}:net")
    terminal.wait_for("Sequential", "Linear")
    for text in ("printed by", "complained by", "written to"):
        assert text.encode() not in terminal.output
    terminal.press("f12")
    terminal.wait_for("printed by Python", "complained by Python", "written to 1", "written to 2")
    assert "[bold]" in terminal.text


# What cannot be opened

BROKEN = """
from torch import nn
import torch

def raises():
    raise ValueError("no weights [here]")

scripted = torch.jit.script(nn.Linear(2, 2))
"""


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("raises", "raised while building the model (broken.py:6): ValueError: no weights [here]"),
        ("scripted", "Open the Python module it was scripted from"),
    ],
)
def test_what_cannot_be_opened_exits_with_2_and_says_why(
    start: Start, tmp_path: Path, symbol: str, said: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    terminal = start(f"{file}:{symbol}")
    assert terminal.exit_code(40) == 2
    assert terminal.not_restored() == []
    after = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    assert said in after.replace("\r\n", " ")
    assert "Traceback" not in after


def test_debug_shows_the_traceback(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    terminal = start(f"{file}:raises", "--debug")
    assert terminal.exit_code(40) == 2
    after = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    assert "Traceback (most recent call last)" in after
    assert 'raise ValueError("no weights [here]")' in after


def test_what_is_inside_a_wrapper_is_offered(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "wrapped.py"
    file.write_text("from torch import nn\nnet = nn.DataParallel(nn.Sequential(nn.Linear(2, 2)))\n")
    terminal = start(f"{file}:net")
    terminal.wait_for("Open what is inside?", "DataParallel")
    terminal.press("enter")
    terminal.wait_for("Sequential", "Linear")


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_terminal_that_cannot_move_the_cursor_is_left_alone(start: Start, term: str | None) -> None:
    terminal = start(env={"TERM": term})
    assert terminal.exit_code() == 2
    assert terminal.output.startswith(b"prune-tui: TERM is ")
    assert terminal.output.count(b"\n") == 1


def test_a_redirected_standard_error_is_told_on_the_terminal(start: Start, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as file:
        terminal = start(stderr=file.fileno())
    assert terminal.exit_code() == 2
    assert b"prune-tui: standard error must be a terminal too" in terminal.output
