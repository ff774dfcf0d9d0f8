"""How much memory a session on a checkpoint takes: two tensors and the masks' bits, however many there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from prune_tui.engine import memory
from tests.engine.saving import checkpoints

DONE = """
import sys
from pathlib import Path
from prune_tui import steps
from tests.anonymous_memory import peak_of_anonymous_memory
from tests.engine.saving import checkpoints

folder, method, form, given = Path(sys.argv[1]), sys.argv[2], sys.argv[3], eval(sys.argv[4])
session = checkpoints.session_on(folder)
with peak_of_anonymous_memory() as peak:
    session.apply("l1_unstructured", ["t0.weight", "t1.weight"], amount=0.1, ties="index")
    session.preview(method, "*.weight", **given)
    session.apply(method, "*.weight", **given)
    session.undo()
    session.redo()
    session.recipe()
    session.whole_checksum()
    session.save(sys.argv[5], form)
print(peak.bytes)
"""
SEEN = """
import sys
from pathlib import Path
from prune_tui.engine import layers, norms, outline, statistics
from prune_tui.engine.cancelling import never
from tests.anonymous_memory import peak_of_anonymous_memory
from tests.engine.saving import checkpoints

session = checkpoints.session_on(Path(sys.argv[1]))
session.apply("global_unstructured", "*.weight", amount=0.5, ties="index")
with peak_of_anonymous_memory() as peak:
    outline.outline(session.model)
    for at in range(8):
        for view in ("effective", "mask", "step"):
            statistics.statistics(layers.layers_of(session, f"t{at}.weight", view), never)
    norms.norms(session, never)
    session.check()
    session.model.get_submodule("t0").weight
print(peak.bytes)
"""
LARGEST, TENSORS = 4 * 2**22, 10
SLACK = 60_000_000
"""For threads and their scratch, and what is imported on first use."""


MORE = {
    # Of equal scores torch itself is asked which go, and that takes what it takes.
    "random_unstructured": memory.of_topk(LARGEST // 4, LARGEST // 8, 4, gathered=True),
    # Scores, and which of each group are the largest.
    "semi_structured": sum(
        memory.of_working("semi_structured", [torch.empty(LARGEST // 4, device="meta")]).values()
    ),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten tensors of 16 MB: in memory, its masks and products alone would take 320 MB."""
    folder = tmp_path_factory.mktemp("large") / "model"
    held = {f"t{at}.weight": torch.randn(2**11, 2**11) for at in range(TENSORS)}
    return checkpoints.shards(folder, held, parts=4)


def peak(script: str, *arguments: str) -> int:
    command = [sys.executable, "-c", script, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
@pytest.mark.parametrize(
    ("method", "form", "given"),
    [
        ("l1_unstructured", "pruned", {"amount": 0.5, "ties": "index"}),
        ("global_unstructured", "removed", {"amount": 0.5, "ties": "index"}),
        ("random_unstructured", "compact", {"amount": 0.5, "seed": 4}),
        ("identity", "compact", {}),
        ("ln_structured", "pruned", {"amount": 0.5, "n": 2, "dim": 0}),
        ("semi_structured", "pruned", {"pattern": "2:4"}),
    ],
)
def test_no_more_is_held_than_two_tensors_and_the_bits(
    large: Path, tmp_path: Path, method: str, form: str, given: dict[str, object]
) -> None:
    bits = 2 * LARGEST * TENSORS // 32  # of two steps: undo keeps those of the first
    found = peak(DONE, str(large), method, form, repr(given), str(tmp_path / "out"))
    assert found < 2 * LARGEST + bits + SLACK + MORE.get(method, 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_looking_takes_no_more(large: Path) -> None:
    assert peak(SEEN, str(large)) < 2 * LARGEST + SLACK
