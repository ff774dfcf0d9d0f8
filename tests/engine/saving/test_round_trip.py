"""Whatever is done to a model, saving and opening it gives the same masks, hooks and values back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import bits, pruned
from prune_tui.engine.opening import open_session
from prune_tui.engine.walking import named_modules_of
from prune_tui.files import FORMS
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError
from tests.engine.saving import checkpoints
from tests.engine.test_session_property import NAMES, edits, made, with_mask

KINDS = ["out.safetensors", "out", "out.pt"]


def state(model: nn.Module) -> dict[str, tuple[Tensor, Tensor | None]]:
    """The effective values and the mask of every parameter."""
    found = {}
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            values, mask = pruned.effective(module, name), pruned.mask(module, name)
            assert values is not None
            kept = None if mask is None else bits.alive(mask).detach()
            found[f"{path}.{name}" if path else name] = (values.detach(), kept)
    return found


def histories(session: Session) -> dict[str, list[tuple[str, str]]]:
    """For every pruned tensor, the classes in its hook, each with its settings where torch keeps them."""
    found = {}
    for path, module in named_modules_of(session.model):
        for _, name, hook in pruned.pruning_hooks(module):
            methods = pruned.methods_of(hook)
            assert isinstance(hook, prune.PruningContainer) == (len(methods) > 1)
            settings = [
                {key: value for key, value in vars(one).items() if key not in {"mask", "_tensor_name"}}
                for one in methods
            ]
            found[f"{path}.{name}" if path else name] = [
                (type(one).__name__, str(held)) for one, held in zip(methods, settings, strict=True)
            ]
    return found


def equal(one: Tensor | None, other: Tensor | None) -> bool:
    """The same numbers: NaN is NaN, and -0.0 is 0.0."""
    if one is None or other is None:
        return one is other
    return (one.dtype, one.shape) == (other.dtype, other.shape) and torch.equal(
        torch.nan_to_num(one), torch.nan_to_num(other)
    )


@given(st.data(), st.sampled_from(sorted(NAMES)), st.sampled_from(FORMS), st.sampled_from(KINDS))
def test_random_steps_come_back(data: st.DataObject, name: str, form: str, kind: str) -> None:
    session = Session(made(name), seed=3)
    for _ in range(data.draw(st.integers(0, 4))):
        method, targets, settings = data.draw(edits(NAMES[name]))
        try:
            session.apply(method, targets, **with_mask(session.model, targets, settings))
        except StepError:
            continue
    kind = "out.safetensors" if form == "compact" and kind == "out.pt" else kind
    with tempfile.TemporaryDirectory() as folder:
        check_round_trip(session, Path(folder), form, kind)


def check_round_trip(session: Session, folder: Path, form: str, kind: str) -> None:
    """Save, open, compare, and save again."""
    session.save(folder / kind, form)
    back = checkpoints.session_on(folder / kind)
    wanted, found = state(session.model), state(back.model)
    again = back.model.state_dict()
    for path, (values, mask) in wanted.items():
        if form == "removed":
            assert equal(again[path], _with_zeros_of_all_names(session.model, path, values))
        else:
            assert equal(found[path][0], values)
            assert equal(found[path][1], mask)
    if form != "removed":
        assert histories(back) == histories(session)
        assert list(back.past.took) == [dict(entry.took) for entry in session.history]
    back.save(folder / f"again-{kind}", form)
    first, second = (_stored(folder / one) for one in (kind, f"again-{kind}"))
    assert set(first) == set(second)
    assert all(first[one].view(torch.uint8).equal(second[one].view(torch.uint8)) for one in first)


def _with_zeros_of_all_names(model: nn.Module, path: str, values: Tensor) -> Tensor:
    """Values under the masks of every name that their parameter has."""
    places = {}
    for where, module in named_modules_of(model):
        for name in pruned.base_names(module):
            key = f"{where}.{name}" if where else name
            places[key] = (pruned.parameter_of(module, name), pruned.mask(module, name))
    for parameter, mask in places.values():
        if parameter is places[path][0] and mask is not None:
            values = values * mask.to(values.dtype)
    return values.detach()


def _stored(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".pt":
        return {name: tensor.reshape(-1) for name, tensor in torch.load(path, weights_only=True).items()}
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return {name: tensor.reshape(-1) for file in files for name, tensor in load_file(file).items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_several_files(tmp_path: Path, form: str, kind: str) -> None:
    if (form, kind) == ("compact", "out.pt"):
        pytest.skip("the compact form is no torch file's")
    session = checkpoints.session_on(checkpoints.shards(tmp_path / "model"), seed=5)
    session.apply("l1_unstructured", "layers.*", amount=0.3)
    session.apply("ln_structured", "conv.weight", amount=0.5, n=2, dim=0)
    session.apply("random_unstructured", ["conv.weight", "embed.weight"], amount=0.25)
    session.apply("global_unstructured", "*.weight", amount=0.2)
    check_round_trip(session, tmp_path, form, kind)


def test_the_history_of_a_removed_model_is_told(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    session.save(tmp_path / "out.safetensors", "removed")
    loaded = checkpoints.opened(tmp_path / "out.safetensors")
    assert loaded.past.took == ({"conv.weight": 36},)
    assert "1 step was done to this checkpoint; the zeros stand in its values" in loaded.notes


def test_what_no_module_can_hold_is_saved_as_it_is(tmp_path: Path) -> None:
    held = {**checkpoints.tensors(), "half.weight": torch.ones(2), "conv.weight.part": torch.zeros(3)}
    session = checkpoints.session_on(checkpoints.file(tmp_path, held))
    session.apply("l1_unstructured", "embed.weight", amount=0.5)
    session.save(tmp_path / "out.safetensors", "removed")
    saved = load_file(tmp_path / "out.safetensors")
    assert set(saved) == set(held)
    assert all(torch.equal(saved[name], held[name]) for name in ("half.weight", "conv.weight.part"))


@pytest.mark.parametrize("form", FORMS)
def test_a_prefix_comes_back(tmp_path: Path, form: str) -> None:
    """As of a trainer that has saved the wrapper: names with `module.`, shown and pruned without it."""
    loaded = checkpoints.opened(checkpoints.file(tmp_path))
    assert loaded.checkpoint is not None
    wrapped = {f"module.{name}": tensor for name, tensor in loaded.checkpoint.tensors.items()}
    file = checkpoints.file(
        tmp_path, {**wrapped, "module.half.weight": torch.ones(1)}, **{"prune_tui.prefix": "module."}
    )
    session = checkpoints.session_on(file)
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    session.save(tmp_path / "out.safetensors", form)
    assert all(name.startswith("module.") for name in load_file(tmp_path / "out.safetensors"))
    back = checkpoints.session_on(tmp_path / "out.safetensors")
    assert equal(pruned.effective(back.model.conv, "weight"), pruned.effective(session.model.conv, "weight"))
    if form != "removed":
        assert histories(back) == histories(session)
    back.save(tmp_path / "again.safetensors", form)
    assert set(load_file(tmp_path / "again.safetensors")) == set(load_file(tmp_path / "out.safetensors"))


def test_the_recipe_in_a_file_makes_it_again(tmp_path: Path) -> None:
    """On the original, the steps of two sessions in a row give the masks of the second file."""
    first = checkpoints.session_on(checkpoints.file(tmp_path), seed=1)
    first.apply("random_unstructured", "*.weight", amount=0.3)
    first.save(tmp_path / "first.safetensors")
    second = checkpoints.session_on(tmp_path / "first.safetensors", seed=2)
    second.apply("l1_unstructured", "layers.*.weight", amount=0.5)
    second.apply("random_unstructured", "conv.weight", amount=0.5)
    opened = open_session(Open(str(checkpoints.file(tmp_path))), _Nothing(), lambda _: None, lambda: False)
    opened.session.replay(second.recipe(), strict=True)
    for path, (values, mask) in state(second.model).items():
        assert equal(state(opened.session.model)[path][1], mask)
        assert equal(state(opened.session.model)[path][0], values)


class _Nothing:
    """Measures nothing."""

    def begin(self, _: object) -> None:
        """Nothing is to be measured."""
