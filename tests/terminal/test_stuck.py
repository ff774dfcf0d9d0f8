"""Code that holds the interpreter in a call of C: no interrupt reaches it, and the screen goes on all the same."""

from __future__ import annotations

from pathlib import Path

from tests.terminal.conftest import Start
from tests.terminal.emulated import alive, children

STUCK = '''
import re
from torch.nn.utils import prune

class StuckMethod(prune.BasePruningMethod):
    """Never comes back from C, and holds the interpreter lock."""
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        re.match("(a+)+$", "a" * 60 + "b")
        return default_mask
'''


def test_another_engine_takes_its_place_and_does_the_steps_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "stuck.py"
    file.write_text(STUCK)
    terminal = start("--plugin", file, columns=120, lines=40)
    terminal.wait_for("LeNet", "conv1", "accuracy 99.7%")
    (engine,) = children(terminal.process.pid)
    terminal.press("j", "3")
    terminal.wait_for("enter applies", "of 54 left")
    terminal.press("enter")
    terminal.wait_for("1 unsaved step")
    terminal.press("9")
    terminal.wait_for("s stuck")
    terminal.press("s")
    terminal.wait_for("ctrl+r restarts the engine if it does not stop")
    terminal.press("enter")
    terminal.wait_for("esc stops")
    terminal.press("escape")
    terminal.wait_for("Restart the engine?", "do your 1 step again")
    terminal.press("r")
    terminal.wait_for("importing torch")
    terminal.wait_until(lambda: not alive(engine), "end of the stuck engine")
    terminal.wait_for("1 unsaved step", "keeps 38 of 54")
    terminal.press("u")
    terminal.wait_until(lambda: "weight_mask" not in terminal.text, "undo")
