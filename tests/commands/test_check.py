"""`prune-tui check` as people and scripts call it; its streams and its end in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prune_tui.commands import check as command
from prune_tui.views import Finding, Findings
from tests.commands.conftest import Call, Ended

SOURCE = """
import atexit, os, sys
import torch
from torch import nn
from torch.nn.utils import prune

print("loading", flush=True)

def healthy():
    return nn.Linear(4, 3)

def pruned():
    return prune.l1_unstructured(nn.Linear(4, 3), "weight", amount=3)

def broken():
    model = nn.Sequential(pruned(), prune.l1_unstructured(nn.Linear(3, 2), "weight", amount=1.0))
    try:
        prune.l1_unstructured(model[0], "weight", amount=99)
    except ValueError:
        pass
    return model

def raising():
    raise RuntimeError("no weights here")

def leaving():
    sys.exit(0)

def talking_to_the_end():
    atexit.register(print, "printed at exit")
    atexit.register(os.write, 1, b"written at exit\\n")
    return healthy()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(SOURCE)
    return tmp_path


Check = Callable[..., Ended]


@pytest.fixture
def check(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`check("nets.py:healthy")`: the command in this process, in the folder."""
    monkeypatch.chdir(folder)
    return lambda *arguments: call("check", *arguments)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prune_tui", "check", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80"},
    )


def test_a_sound_model(folder: Path) -> None:
    ended = run(folder, "nets.py:healthy")
    assert (ended.returncode, ended.stdout) == (0, "nets.py:healthy: nothing found: 29 checks on 2 tensors\n")
    assert ended.stderr == "loading\n"  # what the model prints is no part of the answer


def test_notes_alone_are_no_reason_to_fail(check: Check) -> None:
    ended = check("nets.py:pruned")
    assert ended.code == 0
    assert ended.out.startswith("Notes\n  reordered  the model: ")
    assert ended.out.endswith("\nnets.py:pruned: 2 notes: 29 checks on 2 tensors\n")


def test_findings_are_grouped_and_say_what_to_do(check: Check) -> None:
    ended = check("nets.py:broken")
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert [line for line in lines if line in {"Errors", "Warnings", "Notes"}] == ["Errors", "Warnings", "Notes"]
    assert max(map(len, lines)) <= 80
    text = " ".join(ended.out.split())
    assert "half-pruned 0.weight: 0.weight_orig and 0.weight_mask have lost their hook" in text
    assert 'Attach a hook again, or load the model anew. Repair: session.apply("reattach", "0.weight")' in text
    assert "dead 1.weight: all 6 entries of 1.weight are masked" in text
    assert text.endswith("nets.py:broken: 1 error, 1 warning, 2 notes: 29 checks on 4 tensors")


def test_json_is_what_the_readme_says(check: Check) -> None:
    ended = check("nets.py:broken", "--json")
    assert ended.code == 1
    report = json.loads(ended.out)
    assert list(report) == ["source", "checks", "tensors", "counts", "findings"]
    assert report["counts"] == {"error": 1, "warning": 1, "note": 2}
    first, second, *_ = report["findings"]
    assert list(first) == ["check", "severity", "module", "tensor", "means", "do", "repair"]
    change = "a hook keeps 9 of 12 entries of 0.weight again"
    assert first["repair"] == {"method": "reattach", "targets": ["0.weight"], "change": change}
    assert (second["check"], second["module"], second["tensor"]) == ("dead", "1", "1.weight")
    assert second["repair"] is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none.py:Net", "prune-tui: there is no file none.py"),
        ("nets.py:raising", "no weights here"),
        ("nets.py:leaving", "SystemExit"),
        ("nets.py:Nothing", "Nothing"),
    ],
)
def test_what_cannot_be_checked(check: Check, source: str, said: str) -> None:
    for options in ([], ["--json"]):
        ended = check(source, *options)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err
        assert "Traceback" not in ended.err
    assert "Traceback" in check(source, "--debug").err


def test_without_a_source_it_is_the_demo_that_is_checked(check: Check) -> None:
    ended = check()
    assert (ended.code, ended.out) == (0, "demo: nothing found: 29 checks on 10 tensors\n")


def test_options_it_does_not_have(folder: Path) -> None:
    ended = run(folder, "demo", "--readonly")
    assert ended.returncode == 2
    assert "Unknown option" in ended.stderr


def test_several_targets_are_a_list_and_odd_names_stay_one_line() -> None:
    from prune_tui.steps import Unite

    step = Unite(targets=("a.weight", "b.weight"))
    finding = Finding("unite", "warning", "a\nb", "", "x", "y", step)
    text = command.as_text("s", Findings((finding,), 1, 1))
    assert 'a�b: x. Y. Repair: session.apply("unite", ["a.weight", "b.weight"])' in " ".join(text.split())


def test_what_is_printed_at_exit_is_no_part_of_the_answer(folder: Path) -> None:
    ended = run(folder, "nets.py:talking_to_the_end", "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["tensors"] == 2
    assert "printed at exit\n" in ended.stderr
    assert "written at exit\n" in ended.stderr


@pytest.mark.parametrize(
    ("redirection", "why"),
    [
        (">&-", "it is closed"),
        pytest.param(
            ">/dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full"),
        ),
    ],
)
def test_an_answer_that_cannot_be_printed_is_told(folder: Path, redirection: str, why: str) -> None:
    command = f'"$0" -m prune_tui check nets.py:healthy {redirection}'
    ended = subprocess.run(
        ["sh", "-c", command, sys.executable], cwd=folder, capture_output=True, text=True, check=False
    )
    said = f"prune-tui: the findings cannot be printed to standard output: {why}"
    assert (ended.returncode, ended.stderr) == (2, f"loading\n{said}\n")


@pytest.mark.parametrize("seed", ["-1", str(2**63)])
def test_a_seed_out_of_range(check: Check, seed: str) -> None:
    ended = check("nets.py:healthy", "--seed", seed)
    said = f"prune-tui: --seed {seed}: a seed is a whole number from 0 to 9223372036854775807\n"
    assert (ended.code, ended.out, ended.err) == (2, "", said)


def test_what_a_model_raises_cannot_command_the_terminal(folder: Path, check: Check) -> None:
    (folder / "evil.py").write_text("def net():\n    raise RuntimeError('\\x1b]0;owned\\a')\n")
    for options in ([], ["--debug"]):
        ended = check("evil.py:net", *options)
        assert ended.code == 2
        assert r"\x1b]0;owned\x07" in ended.err
        assert not {"\x1b", "\a"} & set(ended.err)
