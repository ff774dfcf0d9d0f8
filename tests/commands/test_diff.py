"""`prune-tui diff`: exit codes as diff has them, and a text for people or one object for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from prune_tui import Session
from prune_tui.demo import lenet
from tests.commands.conftest import Call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo, pruned, in each form."""
    monkeypatch.chdir(tmp_path)
    session = Session(lenet.trained(torch.device("cpu")))
    session.apply("l1_unstructured", "conv1.weight", amount=0.3)
    for form in ("pruned", "removed", "compact"):
        session.save(f"{form}.safetensors", form)
    return tmp_path


def test_the_same(call: Call, folder: Path) -> None:
    code, out, _ = call("diff", "pruned.safetensors", "pruned.safetensors", "--exact")
    assert code == 0
    assert out.endswith("\nThe same: 10 tensors equal bit for bit, masks too\n")


@pytest.mark.parametrize("other", ["removed", "compact"])
def test_the_same_in_another_form(call: Call, folder: Path, other: str) -> None:
    code, out, _ = call("diff", "pruned.safetensors", f"{other}.safetensors")
    assert code == 0
    assert "\nThe same effective values in 10 tensors; 1 tensor with other" in out
    assert call("diff", "pruned.safetensors", f"{other}.safetensors", "--exact").code == 1


def test_other_values_and_masks(call: Call, folder: Path) -> None:
    code, out, _ = call("diff", "demo", "pruned.safetensors", "--device", "cpu")
    assert code == 1
    assert out == (
        "A  demo: 10 tensors, 60,074 entries\n"
        "B  pruned.safetensors: 10 tensors, 60,074 entries, 1 mask over <0.1%\n"
        "\n"
        "Other values: 1\n"
        "  conv1.weight  16 of 54 (29.6%), at most 0.117, norm 0.132 of A's\n"
        "\n"
        "Other masks: 1\n"
        "  conv1.weight  16 masked in B, no mask in A\n"
        "\n"
        "Different: 1 tensor of 10 has other values\n"
    )


def test_other_structure(call: Call, folder: Path) -> None:
    save_file({"a.weight": torch.ones(2), "b": torch.ones(3), "c": torch.ones(1)}, "a.safetensors")
    save_file({"b": torch.ones(4), "c": torch.ones(1, dtype=torch.float16)}, "b.safetensors")
    code, out, _ = call("diff", "a.safetensors", "b.safetensors")
    assert code == 1
    for lines in (
        "Only in A: 1\n  a  1 tensor\n",
        "Other shapes: 1\n  b  3 in A, 4 in B\n",
        "Other dtypes: 1\n  c  float32 in A, float16 in B, equal values\n",
    ):
        assert lines in out
    assert out.endswith("\nDifferent: other structure; 0 tensors of 2 have other values\n")


def test_what_cannot_be_compared_is_trouble(call: Call, folder: Path) -> None:
    save_file({"n": torch.tensor([1])}, "a.safetensors")
    save_file({"n": torch.tensor([1.0])}, "b.safetensors")
    code, out, _ = call("diff", "a.safetensors", "b.safetensors")
    assert code == 2
    assert "Not compared: 1\n  n  no dtype holds every number of int64 and of float32\n" in out


def test_json_is_what_the_readme_says(call: Call, folder: Path) -> None:
    code, out, _ = call("diff", "pruned.safetensors", "removed.safetensors", "--json")
    report = json.loads(out)
    assert code == 0
    assert list(report) == [
        "a", "b", "same", "same_structure", "same_values", "exactly_same", "only_a", "only_b", "shapes", "dtypes",
        "identical", "tensors", "not_compared",
    ]  # fmt: skip
    assert report["a"] == {
        "source": "pruned.safetensors", "tensors": 10, "elements": 60074, "pruned": 1, "masked": 16,
    }  # fmt: skip
    assert (report["same"], report["exactly_same"], report["identical"]) == (True, False, 9)
    assert report["tensors"] == [
        {
            "name": "conv1.weight",
            "elements": 54,
            "differ": 0,
            "not_finite": 0,
            "max_abs": None,
            "relative": None,
            "under_mask": 0,
            "bits": 0,
            "masks": {"a": 16, "b": None, "only_a": 16, "only_b": 0},
        }
    ]


def test_what_cannot_be_opened(call: Call, folder: Path) -> None:
    said = "there is no file none.pt"
    assert call("diff", "demo", "none.pt") == (2, "", f"prune-tui: {said}\n")
    report = json.loads(call("diff", "demo", "none.pt", "--json").out)
    assert report == {"a": "demo", "b": "none.pt", "error": said}


def test_options_that_no_side_takes(call: Call, folder: Path) -> None:
    for option, value, kind in (
        ("--key", "model", "a checkpoint"),
        ("--arg", "x=1", "a class or function"),
        ("--weights", "x.pt", "a class or function"),
    ):
        said = f"prune-tui: {option} is for {kind}, and neither demo nor demo is one\n"
        assert call("diff", "demo", "demo", option, value) == (2, "", said)


def test_each_side_takes_the_options_for_its_kind(call: Call, folder: Path) -> None:
    (folder / "net.py").write_text("import torch\ndef net(size):\n    return torch.nn.Linear(size, 1)\n")
    code, out, _ = call("diff", "net.py:net", "pruned.safetensors", "--arg", "size=3")
    assert code == 1
    assert "Only in A: 2\n  weight\n  bias\n" in out
