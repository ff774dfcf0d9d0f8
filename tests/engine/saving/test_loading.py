"""The lines that are shown to whoever has saved a model load it, run as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.saving.loading import how_to_load
from prune_tui.files import FORMS, Form
from tests.engine.fingerprints import Tied

WRITTEN = [*((form, "out.safetensors") for form in FORMS), ("pruned", "out.pt"), ("removed", "out.pt")]


class Attention(nn.Module):
    """A buffer of it is called a mask and masks no parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 4)
        self.register_buffer("causal_mask", torch.ones(4, 4).tril())


class InTwoPlaces(nn.Sequential):
    """One module at the beginning and at the end."""

    def __init__(self) -> None:
        shared = nn.Linear(4, 4)
        super().__init__(shared, nn.ReLU(), shared)


def seeded(kind: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind()


def loaded(model: nn.Module, path: Path, form: Form, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """What a model's parameters are used as, once the lines have run."""
    monkeypatch.chdir(path.parent)
    shell, _, lines = how_to_load(path, form, is_folder=path.is_dir()).partition("\n")
    assert shell == f"prune-tui {path}"
    exec(lines, {"model": model})
    return effective(model)


def effective(model: nn.Module) -> dict[str, Tensor]:
    for module in model.modules():
        for hook in module._forward_pre_hooks.values():
            hook(module, ())
    names = [
        f"{path}.{name.removesuffix('_orig')}".lstrip(".")
        for path, module in model.named_modules(remove_duplicate=False)
        for name in module._parameters
    ]
    return {name: attribute(model, name).detach() for name in names}


def attribute(model: nn.Module, name: str) -> Tensor:
    path, _, own = name.rpartition(".")
    found: Tensor = getattr(model.get_submodule(path), own)
    return found


@pytest.mark.parametrize("kind", [Tied, Attention, InTwoPlaces])
@pytest.mark.parametrize(("form", "name"), WRITTEN)
def test_of_each_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Callable[[], nn.Module], form: Form, name: str
) -> None:
    session = Session(seeded(kind, 1))
    session.apply("l1_unstructured", "*weight", amount=0.5)
    session.save(tmp_path / name, form)
    found, wanted = loaded(seeded(kind, 2), tmp_path / name, form, monkeypatch), effective(session.model)
    if kind is Tied and form != "pruned":  # a model without masks has the zeros under both names
        wanted["head.weight"] = wanted["embedding.weight"]
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items())


@pytest.mark.parametrize("sides", [["embedding"], ["head"], ["embedding", "head"]])
@pytest.mark.parametrize("kept", [0.0, 0.5])
@pytest.mark.parametrize("folder", [False, True])
def test_a_compact_tie_with_masks_that_bits_do_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sides: list[str], kept: float, folder: bool
) -> None:
    model = seeded(Tied, 1)
    for number, side in enumerate(sides):
        mask = torch.ones(5, 4)
        mask[number] = kept
        prune.custom_from_mask(model.get_submodule(side), "weight", mask)
    path = tmp_path / ("out" if folder else "out.safetensors")
    Session(model).save(path, "compact")
    found = loaded(seeded(Tied, 2), path, "compact", monkeypatch)
    Session(model).save(tmp_path / "removed.safetensors", "removed")  # it has the zeros of both, too
    wanted = load_file(tmp_path / "removed.safetensors")["embedding.weight"]
    assert torch.equal(found["embedding.weight"], wanted)
    assert torch.equal(found["head.weight"], wanted)


def test_a_mask_in_two_places_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = seeded(InTwoPlaces, 1)
    prune.custom_from_mask(model.get_submodule("0"), "weight", torch.full((4, 4), 0.5))
    Session(model).save(tmp_path / "out.safetensors", "compact")
    found = loaded(seeded(InTwoPlaces, 2), tmp_path / "out.safetensors", "compact", monkeypatch)
    assert torch.equal(found["2.weight"], effective(model)["2.weight"])


def test_of_a_folder_that_transformers_reads(tmp_path: Path) -> None:
    (tmp_path / "my model").mkdir()
    said = f"prune-tui '{tmp_path}/my model'\n"
    assert how_to_load(tmp_path / "my model", "removed", is_folder=True) == said
    (tmp_path / "my model" / "config.json").write_text("{}")
    assert how_to_load(tmp_path / "my model", "pruned", is_folder=True) == said
    python = '\nfrom transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("my model")'
    assert how_to_load(tmp_path / "my model", "removed", is_folder=True) == said + python
