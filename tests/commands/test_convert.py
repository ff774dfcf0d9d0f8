"""`prune-tui convert`: other files and forms of a model, and what it never writes over."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from prune_tui import Session
from prune_tui.demo import lenet
from prune_tui.engine import saving
from prune_tui.engine.comparison import compare
from prune_tui.engine.sources import load
from prune_tui.protocol import Open
from tests.commands.conftest import Call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo with 90% of fc1 pruned, in pruned.safetensors."""
    monkeypatch.chdir(tmp_path)
    session = Session(lenet.trained(torch.device("cpu")))
    session.apply("l1_unstructured", "fc1.weight", amount=0.9)
    session.save("pruned.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "form"),
    [
        ("out.safetensors", "pruned"),
        ("out.safetensors", "removed"),
        ("out.safetensors", "compact"),
        ("out.pt", "removed"),
        ("out", "pruned"),
        ("llama-3.2", "compact"),
    ],
)
def test_every_kind_and_form(call: Call, folder: Path, output: str, form: str) -> None:
    code, out, _ = call("convert", "pruned.safetensors", output, "--form", form)
    assert code == 0
    assert out.startswith(f"wrote {output} in the form {form}\n")
    assert ("Zeros alone make a file no smaller" in out) == (form == "removed")
    if output.endswith(".pt"):
        assert set(torch.load(output, weights_only=True)) == set(lenet.trained(torch.device("cpu")).state_dict())
        return
    found = compare(load(Open("pruned.safetensors")), load(Open(output)))
    assert (found.same_structure, found.same_values) == (True, True)


def test_the_sizes_are_told(call: Call, folder: Path) -> None:
    before = (folder / "pruned.safetensors").stat().st_size
    code, out, _ = call("convert", "pruned.safetensors", "small.safetensors", "--form", "compact", "--json")
    after = (folder / "small.safetensors").stat().st_size
    report = json.loads(out)
    assert code == 0
    assert list(report) == [
        "source", "output", "form", "parameters", "masked", "bytes_before", "bytes", "notes",
    ]  # fmt: skip
    assert (report["bytes_before"], report["bytes"], report["masked"]) == (before, after, 43200)
    text = call("convert", "pruned.safetensors", "small.safetensors", "--form", "compact", "--force").out
    assert f"before  {before:>15,} bytes  pruned.safetensors\n" in text
    assert f"after   {after:>15,} bytes  {after / before:.1%}\n" in text


def test_a_model_that_is_not_pruned(call: Call, folder: Path) -> None:
    code, out, _ = call("convert", "demo", "demo.safetensors", "--device", "cpu")
    assert code == 0
    assert out.endswith("\nNothing is pruned here: every form has the same tensors.\n")
    assert set(load_file("demo.safetensors")) == set(lenet.trained(torch.device("cpu")).state_dict())


def test_what_is_not_in_the_copy_is_told(call: Call, folder: Path) -> None:
    save_file({"a": torch.ones(2)}, "a.safetensors", {"format": "pt", "author": "me"})
    code, _, err = call("convert", "a.safetensors", "b.safetensors")
    assert (code, err) == (0, "! metadata is not copied: author\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.pt", "x.pt"], "there is no file none.pt"),
        (["demo", "taken.pt"], "taken.pt exists already; --force replaces it"),
        (["pruned.safetensors", "pruned.safetensors"], "pruned.safetensors exists already; --force replaces it"),
        (
            ["pruned.safetensors", "pruned.safetensors", "--force"],
            "pruned.safetensors is what the model was opened from; --force --over-source replaces it",
        ),
        (
            ["pruned.safetensors", "pruned.safetensors", "--over-source"],
            "--over-source goes with --force: both say that the file that is read may be replaced",
        ),
        (
            ["demo", "out.gguf"],
            "out.gguf: no .gguf is written; .safetensors, .pt, .pth, .bin are, and folders, without such an end",
        ),
        (["demo", "no/such/out.pt"], "there is no folder no/such"),
    ],
)
def test_refusals_change_nothing(call: Call, folder: Path, arguments: list[str], said: str) -> None:
    (folder / "taken.pt").write_text("mine")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    code, out, err = call("convert", *arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"prune-tui: {said}")
    code, out, _ = call("convert", *arguments, "--json")
    assert code == 2
    assert json.loads(out)["error"].startswith(said)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_over_the_source_when_that_is_said_twice(call: Call, folder: Path) -> None:
    code, _, _ = call(
        "convert", "pruned.safetensors", "pruned.safetensors", "--force", "--over-source", "--form", "removed"
    )
    assert code == 0
    assert "fc1.weight" in load_file("pruned.safetensors")


def test_a_signal_leaves_nothing_behind(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: Any, **__: Any) -> int:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError

    monkeypatch.setattr(saving, "save", ended)
    code, out, err = call("convert", "pruned.safetensors", "out.safetensors", "--json")
    assert code == 128 + signal.SIGTERM
    assert json.loads(out)["error"] == "interrupted; nothing was written"
    assert err.endswith("prune-tui: interrupted; nothing was written\n")


@pytest.mark.parametrize("command", [("convert", "pruned.safetensors", ""), ("apply", "r.yaml", "demo", "-o", "")])
def test_an_output_without_a_name_is_told(call: Call, folder: Path, command: tuple[str, ...]) -> None:
    code, _, err = call(*command)
    assert code == 2
    assert "the name of the output is empty: name a .safetensors or .pt file, or a new folder" in err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("output", ["/proc/x.pt", "/proc/x"])
def test_where_no_files_are_kept_nothing_is_said_of_room(call: Call, folder: Path, output: str) -> None:
    code, _, err = call("convert", "pruned.safetensors", output)
    assert code == 2
    assert "nothing can be written to /proc" in err or "the folder /proc is not yours to write to" in err
    assert "bytes" not in err
