"""Pickles that want more than tensors: what they want is told, and nothing is run unasked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine.sources import SourceError, checkpoint_model, wanted_names
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint_reader import read
from tests.engine.sources.torch_samples import Small, small

_FORMATS = pytest.mark.parametrize("zipped_file", [True, False], ids=["zip", "old"])
_MODULE = (
    "tests.engine.sources.torch_samples.Small",
    "torch.nn.modules.linear.Linear",
    "torch.nn.modules.batchnorm.BatchNorm1d",
)


def saved(content: Any, folder: Path, *, zipped_file: bool = True) -> Path:
    torch.save(content, folder / "run.ckpt", _use_new_zipfile_serialization=zipped_file)
    return folder / "run.ckpt"


class _Runs:
    def __init__(self, folder: Path) -> None:
        self.mark = folder / "it ran"

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@_FORMATS
def test_what_it_wants_is_listed_and_not_run(tmp_path: Path, zipped_file: bool) -> None:
    path = saved({"model": {"x": torch.ones(1)}, "bad": _Runs(tmp_path)}, tmp_path, zipped_file=zipped_file)
    with pytest.raises(SourceError) as refused:
        read(path)
    message = str(refused.value)
    assert "run.ckpt is a pickle that wants to use pathlib.Path.touch" in message or "builtins.getattr" in message
    assert "Nothing of it was run" in message
    assert "--allow " in message
    assert "--trust" in message
    assert not (tmp_path / "it ran").exists()
    read(path, Asked(trust=True))
    assert (tmp_path / "it ran").exists()


@_FORMATS
def test_a_name_is_allowed(tmp_path: Path, zipped_file: bool) -> None:
    content = {"model": {"x": torch.ones(3)}, "args": argparse.Namespace(lr=0.1)}
    path = saved(content, tmp_path, zipped_file=zipped_file)
    with pytest.raises(
        SourceError, match=r"wants to use argparse\.Namespace\. .* \(--allow argparse\.Namespace\)"
    ):
        read(path)
    before = torch.serialization.get_safe_globals()
    found = read(path, Asked(allow=("argparse.Namespace",)))
    assert (found.chosen, list(found.tensors), found.left_out) == ("model", ["x"], ("args",))
    assert set(torch.serialization.get_safe_globals()) == set(before)


def test_only_what_is_missing_is_listed(tmp_path: Path) -> None:
    path = saved(small(), tmp_path)
    with pytest.raises(SourceError) as refused:
        read(path, Asked(allow=_MODULE[:1]))
    assert f"wants to use {_MODULE[1]}, {_MODULE[2]}. " in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "zipped_file"),
    [(Asked(allow=_MODULE), True), (Asked(trust=True), True), (Asked(trust=True), False)],
    ids=["allow", "trust", "trust an old file"],
)
def test_a_module_is_the_model_itself(tmp_path: Path, asked: Asked, zipped_file: bool) -> None:
    path = saved(small(), tmp_path, zipped_file=zipped_file)
    loaded = checkpoint_model.load(read(path, asked), None)
    assert isinstance(loaded.model, Small)
    batch = torch.randn(5, 3)
    assert torch.equal(loaded.model(batch), small()(batch))
    assert loaded.checkpoint is not None
    assert list(loaded.checkpoint.tensors) == list(small().state_dict())


def test_a_module_in_the_old_format_needs_trust(tmp_path: Path) -> None:
    path = saved(small(), tmp_path, zipped_file=False)
    with pytest.raises(SourceError) as refused:
        read(path, Asked(allow=_MODULE))
    message = str(refused.value)
    assert "does not load it with names allowed alone: Only persistent_load of storage is allowed" in message
    assert message.endswith("--trust lets it run whatever it brings")


def test_a_pruned_module_comes_with_its_own_hooks(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    prune.l1_unstructured(model[0], "weight", 0.3)
    prune.random_unstructured(model[0], "weight", 0.5)
    loaded = checkpoint_model.load(read(saved(model, tmp_path), Asked(trust=True)), None)
    assert torch.equal(loaded.model[0].weight_mask, model[0].weight_mask)  # type: ignore[index,union-attr]
    (hook,) = loaded.model[0]._forward_pre_hooks.values()  # type: ignore[index,union-attr]
    assert [type(method) for method in hook] == [prune.L1Unstructured, prune.RandomUnstructured]


def test_modules_of_a_trainer(tmp_path: Path) -> None:
    path = saved({"model": small(), "ema": nn.Linear(2, 2), "epoch": 3}, tmp_path)
    found = read(path, Asked(trust=True))
    assert (found.chosen, found.others, found.left_out) == ("model", ("ema",), ("epoch",))
    assert isinstance(found.module, Small)
    assert isinstance(read(path, Asked("ema", trust=True)).module, nn.Linear)


def test_a_name_that_cannot_be_imported(tmp_path: Path) -> None:
    data = b"\x80\x02}X\x01\x00\x00\x00xcno_such_module\nThing\n)Rs."
    from tests.engine.sources.torch_samples import with_pickle

    path = tmp_path / "run.pt"
    path.write_bytes(with_pickle(data))
    with pytest.raises(
        SourceError, match=r"--allow no_such_module\.Thing could not be imported .*No module named"
    ):
        read(path, Asked(allow=("no_such_module.Thing",)))
    with pytest.raises(SourceError, match=r"run\.pt could not be loaded .*No module named"):
        read(path, Asked(trust=True))


def test_what_torch_finds_plain_needs_no_leave(tmp_path: Path) -> None:
    from collections import Counter, OrderedDict, defaultdict

    content = OrderedDict(
        model={"x": torch.ones(1)},
        size=torch.Size([1]),
        device=torch.device("cpu"),
        dtype=torch.bfloat16,
        count=Counter("a"),
        default=defaultdict(int),
        some={1},
        more=bytearray(b"x"),
        less=b"x",
        number=1j,
    )
    assert list(read(saved(content, tmp_path)).tensors) == ["x"]


def test_the_command_that_allows_many_is_whole_and_can_be_typed(tmp_path: Path) -> None:
    names = [f"my.module.Class{number}" for number in range(7)]
    wanted_names.check(tmp_path / "a.pt", tuple(names), tuple(names))
    with pytest.raises(SourceError) as refused:
        wanted_names.check(tmp_path / "a.pt", tuple(names), names[:1])
    assert f"({' '.join(f'--allow {name}' for name in names[1:])}), or let it run" in str(refused.value)
    with pytest.raises(SourceError, match=r"\(--allow 'x;rm -rf ~'\)"):
        wanted_names.check(tmp_path / "a.pt", ("x;rm -rf ~",), ())


@pytest.mark.parametrize("wanted", [[f"a.B{number}" for number in range(1000)], [f"a.{'B' * 5000}"]])
def test_what_no_model_wants_is_not_listed_to_be_allowed(tmp_path: Path, wanted: list[str]) -> None:
    with pytest.raises(SourceError) as refused:
        wanted_names.check(tmp_path / "a.pt", tuple(wanted), ())
    assert "--allow" not in str(refused.value)
    assert "If you know where the file comes from, let it run whatever it brings (--trust)" in str(refused.value)
    assert len(str(refused.value)) < 2_000
