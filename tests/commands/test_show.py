"""`prune-tui show`: the tree, a module, and what a checkpoint says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from prune_tui import Session
from prune_tui.demo import lenet
from tests.commands.conftest import Call

DEMO = """\
demo: LeNet, 60,074 parameters, 0.0% pruned, 240.3 KB, float32, cpu

module                                         params  pruned     bytes  dtype
LeNet                                           60.1k          240.3 KB  float32
  conv1  Conv2d  weight 6×1×3×3, bias 6            60             240 B  float32
  conv2  Conv2d  weight 16×6×3×3, bias 16         880            3.5 KB  float32
  fc1    Linear  weight 120×400, bias 120       48.1k          192.5 KB  float32
  fc2    Linear  weight 84×120, bias 84         10.2k           40.7 KB  float32
  fc3    Linear  weight 10×84, bias 10            850            3.4 KB  float32
"""


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    session = Session(lenet.trained(torch.device("cpu")))
    session.apply("l1_unstructured", "conv1.weight", amount=0.3)
    session.save(tmp_path / "pruned.safetensors")
    return tmp_path / "pruned.safetensors"


def test_the_tree(call: Call) -> None:
    assert call("show", "demo", "--device", "cpu") == (0, DEMO, "")


def test_as_many_levels_as_are_wanted(call: Call) -> None:
    lines = DEMO.splitlines(keepends=True)
    ended = call("show", "--depth", 0, "--device", "cpu").out.splitlines()
    assert [ended[0], ended[-1].split()] == [lines[0].rstrip(), ["LeNet", "60.1k", "240.3", "KB", "float32"]]
    assert len(ended) == 4


def test_a_checkpoint_tells_what_it_is(call: Call, pruned: Path) -> None:
    code, out, _ = call("show", pruned)
    assert code == 0
    assert "safetensors file, 60,074 parameters, <0.1% pruned" in " ".join(out.split())
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "  float32  11 tensors  240.5 KB" in lines
    assert f"  pruned.safetensors  11 tensors  {pruned.stat().st_size / 1000:.1f} KB" in lines
    assert "  prune_tui.form     pruned" in lines
    (conv1,) = (line for line in lines if line.startswith("  conv1"))
    assert "●weight 6×1×3×3" in conv1
    assert conv1.split()[-5:] == ["60", "26.7%", "456", "B", "float32"]


def test_one_module(call: Call, pruned: Path) -> None:
    code, out, _ = call("show", pruned, "--module", "conv1")
    assert code == 0
    assert " buffer     weight_mask  6×1×3×3  float32  cpu  216 B  keeps 38 of 54" in out.splitlines()
    assert "L1Unstructured → weight  amount=0.3" in out
    assert " weight  1  L1Unstructured(amount=0.3)  −16" in out.splitlines()


def test_json_is_what_the_readme_says(call: Call, pruned: Path) -> None:
    report = json.loads(call("show", pruned, "--json").out)
    assert list(report) == [
        "source", "model", "parameters", "masked", "bytes", "dtypes", "devices", "checkpoint", "notes", "modules",
    ]  # fmt: skip
    assert (report["parameters"], report["masked"], report["dtypes"]) == (60074, 16, ["float32"])
    assert list(report["checkpoint"]) == [
        "path", "kind", "files", "dtypes", "metadata", "config", "prefix", "chosen", "others", "left_out",
        "unplaced", "refusal", "compacted",
    ]  # fmt: skip
    assert report["checkpoint"]["dtypes"] == [
        {"dtype": "float32", "tensors": 11, "elements": 60128, "bytes": 240512}
    ]
    conv1 = report["modules"][1]
    assert list(conv1) == [
        "path", "type", "parameters", "masked", "bytes", "dtypes", "devices", "shared_with", "tensors",
    ]  # fmt: skip
    assert conv1["tensors"][1] == {"name": "weight", "shape": [6, 1, 3, 3], "masked": 16, "pruned": True}
    module = json.loads(call("show", pruned, "--module", "conv1", "--json").out)["module"]
    assert list(module) == ["path", "title", "where", "tensors", "hooks", "parametrizations", "histories"]
    assert module["tensors"][2]["kept"] == 38


def test_shards_and_configuration(call: Call, tmp_path: Path) -> None:
    save_file({"a.weight": torch.ones(2, 3)}, tmp_path / "model-1.safetensors")
    save_file({"b.weight": torch.ones(4, dtype=torch.float16)}, tmp_path / "model-2.safetensors")
    places = {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "tiny", "layers": [1, 2]}))
    report = json.loads(call("show", tmp_path, "--json").out)["checkpoint"]
    assert [(file["name"], file["tensors"], file["tensor_bytes"]) for file in report["files"][:2]] == [
        ("model-1.safetensors", 1, 24),
        ("model-2.safetensors", 1, 8),
    ]
    assert [(row["dtype"], row["bytes"]) for row in report["dtypes"]] == [("float32", 24), ("float16", 8)]
    assert report["config"] == {"model_type": "tiny", "layers": [1, 2]}
    assert "  layers      [1, 2]" in call("show", tmp_path).out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.safetensors"], "there is no file none.safetensors"),
        (["demo", "--module", "con1"], "demo has no module con1; did you mean conv1?"),
        (["demo", "--module", "§"], "demo has no module §; prune-tui show SOURCE lists them"),
        (["demo", "--depth", "-1"], "--depth -1: it is a number of levels, 0 or more"),
        (["demo", "--depth", "1", "--module", "fc1"], "--depth 1: it is for the tree; leave out --module"),
        (["demo", "--seed", "-1"], "--seed -1: a seed is a whole number from 0 to 9223372036854775807"),
    ],
)
def test_what_cannot_be_shown(call: Call, arguments: list[str], said: str) -> None:
    assert call("show", *arguments) == (2, "", f"prune-tui: {said}\n")
    code, out, err = call("show", *arguments, "--json")
    assert (code, err) == (2, f"prune-tui: {said}\n")
    assert json.loads(out) == {"source": arguments[0], "error": said}


def test_names_cannot_command_the_terminal(call: Call, tmp_path: Path) -> None:
    save_file({"a\x1b[31m.[bold]w": torch.ones(2)}, tmp_path / "x.safetensors", {"k\n": "v\x07"})
    code, out, _ = call("show", tmp_path / "x.safetensors")
    assert code == 0
    assert "\n  a�[31m       [bold]w 2" in out
    assert not {"\x1b", "\x07"} & set(out)


def test_ten_thousand_tensors(call: Call, tmp_path: Path) -> None:
    names = [f"layers.{number}.{part}.weight" for number in range(2500) for part in "qkvo"]
    save_file({name: torch.ones(1) for name in names}, tmp_path / "large.safetensors")
    code, out, _ = call("show", tmp_path / "large.safetensors")
    assert code == 0
    assert out.count("weight 1") == 10_000


def test_what_is_unpacked_of_a_compact_file_is_told(call: Call, pruned: Path, tmp_path: Path) -> None:
    Session.open(pruned).save(tmp_path / "small.safetensors", "compact")
    told = " ".join(call("show", tmp_path / "small.safetensors").out.split())
    assert (
        "Compact: 1 tensor kept as values and bits in the files; the bytes of tensors and modules are those"
        " unpacked, originals and masks"
    ) in told
    assert "Compact" not in call("show", pruned).out
