"""A session on a checkpoint, whose masks are bits, does to it what torch does to a model of the same tensors."""

from __future__ import annotations

import contextlib
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prune_tui import Session
from prune_tui.engine import bits, memory, packed_masks, pruned, reading
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.selection import cores
from prune_tui.engine.walking import named_modules_of
from prune_tui.files import FORMS
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import bits as every_bit
from tests.engine.fingerprints import by_torch, exact, fingerprint, history
from tests.engine.saving import checkpoints
from tests.engine.saving.test_folder_writer import by_index
from tests.engine.saving.test_saver import metadata
from tests.engine.test_session_property import edits, with_mask

NAMES = [name for name in checkpoints.tensors() if name != "ids"]
STEPS: list[tuple[str, Any, dict[str, Any]]] = [
    ("identity", "embed.weight", {}),
    ("l1_unstructured", "layers.*.weight", {"amount": 0.3}),
    ("l1_unstructured", ["layers.0.attn.weight", "narrow.weight"], {"amount": 0.4, "ties": "index"}),
    ("random_unstructured", "*.weight", {"amount": 0.2}),
    ("random_structured", ["conv.weight", "embed.weight"], {"amount": 1, "dim": 1}),
    ("ln_structured", "*.weight", {"amount": 0.25, "n": 2, "dim": 0}),
    ("custom_from_mask", "embed.weight", {"mask": torch.arange(96).view(12, 8) % 7 != 0}),
    ("global_unstructured", "*", {"amount": 0.3}),
    ("global_unstructured", "*.weight", {"amount": 0.1, "ties": "index"}),
    ("global_unstructured", "layers.*", {"amount": 5, "pruning_method": "RandomUnstructured"}),
    ("global_unstructured", "*.weight", {"amount": 0.1, "floor": 0.1}),
    ("semi_structured", "layers.*.weight", {"pattern": "2:4"}),
    ("global_structured", "layers.*.weight", {"amount": 2}),
    ("lamp", "*.weight", {"amount": 0.05}),
    ("uniform_plus", "*.weight", {"amount": 0.05}),
    ("erdos_renyi_kernel", "*.weight", {"amount": 0.05}),
    ("l1_unstructured", "embed.weight", {"amount": "to 80%"}),
    ("ln_structured", "embed.weight", {"amount": "to 90%", "n": 1, "dim": 0}),
    ("remove", "conv.weight", {}),
]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces even of small tensors, so that bits are cut in the middle of them."""
    monkeypatch.setattr(cores, "PIECE", 32)
    monkeypatch.setattr(reading, "PIECE", 20)
    monkeypatch.setattr(packed_masks, "_PIECE", 12)


def with_code(path: Path) -> nn.Module:
    """A model of the tensors of a checkpoint, in their order, whose modules are not known by their names alone."""
    model = nn.Module()
    for name, tensor in checkpoints.opened(path).model.state_dict().items():
        *above, own = name.split(".")
        module = model
        for part in above:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]  # type: ignore[assignment]
        if tensor.is_floating_point():
            module.register_parameter(own, nn.Parameter(tensor.clone(), requires_grad=False))
        else:
            module.register_buffer(own, tensor.clone())
    return model


def alike(model: nn.Module, twin: nn.Module) -> None:
    """The same names in the same order, hooks, histories, and every bit of originals, masks and weights."""
    theirs = dict(twin.named_modules())
    for path, module in model.named_modules():
        other = theirs.pop(path)
        assert list(module._parameters) == list(other._parameters), path
        assert list(module._buffers) == list(other._buffers), path
        hooks = [[history(hook) for hook in one._forward_pre_hooks.values()] for one in (module, other)]
        assert hooks[0] == hooks[1], path
        for name in pruned.base_names(module):
            assert every_bit(getattr(module, name)) == every_bit(getattr(other, name)), (path, name)
    assert not theirs
    ours, plain = model.state_dict(), twin.state_dict()
    assert {name: every_bit(one) for name, one in ours.items()} == {
        name: every_bit(one) for name, one in plain.items()
    }
    assert {type(one) for one in ours.values()} == {Tensor}


def masks_of(model: nn.Module) -> list[Tensor]:
    return [
        mask
        for _, module in named_modules_of(model)
        for name in pruned.base_names(module)
        if (mask := pruned.mask(module, name)) is not None
    ]


def both(path: Path, seed: int = 3) -> tuple[Session, Session]:
    """A session on a checkpoint, and one on a model of its tensors."""
    return checkpoints.session_on(path, seed), Session(with_code(path), seed)


def done_to_both(session: Session, other: Session, one: tuple[str, Any, dict[str, Any]]) -> None:
    method, targets, settings = one
    foreseen = session.preview(method, targets, **settings)
    wanted = other.preview(method, targets, **settings)
    told = [(effect.target, effect.left, effect.threshold) for effect in wanted.effects]
    assert [(effect.target, effect.left, effect.threshold) for effect in foreseen.effects] == told
    assert foreseen.notes == wanted.notes
    assert session.apply(method, targets, **settings) == other.apply(method, targets, **settings)
    assert session.checksum() == other.checksum()


@given(st.data())
def test_any_sequence_of_edits_is_torchs_or_nothing(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = checkpoints.file(Path(folder))
        session = checkpoints.session_on(path, seed=data.draw(st.integers(0, 3)))
        model, done = session.model, list[tuple[Any, dict[str, Any]]]()
        states, redoable = [fingerprint(model)], list[tuple[Any, Any]]()
        for _ in range(data.draw(st.integers(1, 6))):
            action = data.draw(st.sampled_from(["apply"] * 5 + ["undo", "redo"]))
            if action == "undo" and done:
                session.undo()
                redoable.append((done.pop(), states.pop()))
            elif action == "redo" and redoable:
                session.redo()
                step, state = redoable.pop()
                done.append(step)
                states.append(state)
            elif action == "apply":
                method, targets, settings = data.draw(edits(NAMES))
                settings, before = with_mask(model, targets, settings), exact(model)
                try:
                    session.preview(method, targets, **settings)
                    assert exact(model) == before, "a preview changed something"
                    entry = session.apply(method, targets, **settings)
                except StepError:
                    assert exact(model) == before, "a refusal changed something"
                    continue
                done.append((entry, settings))
                states.append(fingerprint(model))
                redoable.clear()
            assert fingerprint(model) == states[-1]
            alike(model, by_torch_alone(path, done))
        assert all(isinstance(mask, PackedMask) for mask in masks_of(model))


def by_torch_alone(path: Path, done: list[tuple[Any, dict[str, Any]]]) -> nn.Module:
    twin = with_code(path)
    with torch.random.fork_rng():
        for entry, settings in done:
            by_torch(twin, entry.method, list(entry.took), settings, entry.seed)
    return twin


def test_every_method_after_every_other_and_all_of_it_back(tmp_path: Path) -> None:
    session, other = both(checkpoints.shards(tmp_path / "model"))
    states = []
    for one in STEPS:
        states.append(fingerprint(session.model))
        done_to_both(session, other, one)
        alike(session.model, other.model)
        assert all(isinstance(mask, PackedMask) for mask in masks_of(session.model))
    last = fingerprint(session.model)
    assert session.whole_checksum() == other.whole_checksum()
    assert session.recipe().partition("steps:")[2] == other.recipe().partition("steps:")[2]
    while states:
        session.undo()
        assert fingerprint(session.model) == states.pop()
    for _ in STEPS:
        session.redo()
    assert fingerprint(session.model) == last


@pytest.mark.parametrize("step", STEPS[:-1], ids=[f"{one[0]}-{at}" for at, one in enumerate(STEPS[:-1])])
def test_every_method_as_the_first(tmp_path: Path, step: Any) -> None:
    session, other = both(checkpoints.file(tmp_path))
    done_to_both(session, other, step)
    alike(session.model, other.model)
    amount = step[2].get("amount")
    if isinstance(amount, float):
        session.amend(amount / 2)
        other.amend(amount / 2)
        alike(session.model, other.model)
    done_to_both(session, other, step)
    alike(session.model, other.model)


@pytest.mark.parametrize("form", FORMS)
def test_what_came_pruned(tmp_path: Path, form: str) -> None:
    first, ordinary = both(checkpoints.file(tmp_path))
    for one in (first, ordinary):
        one.apply("random_unstructured", "*.weight", amount=0.3)
    first.save(tmp_path / "first.safetensors", form)  # type: ignore[arg-type]
    session, other = checkpoints.session_on(tmp_path / "first.safetensors"), ordinary
    if form == "removed":
        ordinary.apply("remove", "*.weight")
    before = fingerprint(session.model)
    for one in STEPS[1:8]:
        method, targets, settings = one
        settings = {"seed": 7, **settings} if "random" in method else settings
        # By name: the forms have the tensors in different orders, and so would a pattern.
        patterns = [targets] if isinstance(targets, str) else targets
        targets = [name for name in NAMES if any(fnmatch(name, pattern) for pattern in patterns)]
        session.apply(method, targets, **settings)
        other.apply(method, targets, **settings)
    assert session.whole_checksum() == other.whole_checksum()
    for _ in STEPS[1:8]:
        session.undo()
    assert [every_bit(one) for one in session.model.state_dict().values()] == [
        every_bit(one) for one in checkpoints.opened(tmp_path / "first.safetensors").model.state_dict().values()
    ]
    assert fingerprint(session.model)[1:] == before[1:]


def test_tied_weights(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path, **{"head.weight": "embed.weight"}))
    other = Session(with_code(tmp_path / "model.safetensors"))
    embed, head = other.model.get_submodule("embed"), other.model.get_submodule("head")
    head._parameters["weight"] = embed._parameters["weight"]
    for one in (("l1_unstructured", "head.weight", {"amount": 0.3}), *STEPS[:8]):
        session.apply(one[0], one[1], **{"seed": 1, **one[2]} if "random" in one[0] else one[2])
        other.apply(one[0], one[1], **{"seed": 1, **one[2]} if "random" in one[0] else one[2])
    assert session.whole_checksum() == other.whole_checksum()


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        *((kind, form) for kind in ("out.safetensors", "out") for form in FORMS),
        ("out.pt", "pruned"),
        ("out.pt", "removed"),
    ],
)
def test_the_files_are_those_of_an_ordinary_session(tmp_path: Path, form: Any, kind: str) -> None:
    session, other = both(checkpoints.file(tmp_path))
    for one in STEPS[:-1]:
        done_to_both(session, other, one)
    (tmp_path / "other").mkdir()
    session.save(tmp_path / kind, form)
    other.save(tmp_path / "other" / kind, form)
    if kind == "out.pt":
        first, second = (
            torch.load(path, weights_only=True) for path in (tmp_path / kind, tmp_path / "other" / kind)
        )
        assert {name: every_bit(one) for name, one in first.items()} == {
            name: every_bit(one) for name, one in second.items()
        }
    else:
        same_tensors(tmp_path / kind, tmp_path / "other" / kind)
    again = checkpoints.session_on(tmp_path / kind)
    if form != "removed":
        assert again.whole_checksum() == session.whole_checksum()


def all_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, or of a folder of one or several."""
    if not path.is_dir():
        return load_file(path)
    return by_index(path) if list(path.glob("*.index.json")) else load_file(path / "model.safetensors")


def same_tensors(one: Path, other: Path) -> None:
    first, second = (all_of(path) for path in (one, other))
    assert {name: every_bit(tensor) for name, tensor in first.items()} == {
        name: every_bit(tensor) for name, tensor in second.items()
    }


def same_files(one: Path, other: Path) -> None:
    """The same tensors and the same metadata."""
    same_tensors(one, other)
    names = [path.name for path in one.glob("*.safetensors")] if one.is_dir() else [""]
    assert [metadata(one / name) for name in names] == [metadata(other / name) for name in names]


def test_scores_of_a_file(tmp_path: Path) -> None:
    scores = {name: torch.rand(one.shape) for name, one in checkpoints.tensors().items() if name != "ids"}
    save_file(scores, tmp_path / "scores.safetensors")
    session, other = both(checkpoints.file(tmp_path))
    for scope in ("tensor", "global"):
        given_file = {"file": str(tmp_path / "scores.safetensors"), "amount": 0.3, "scope": scope}
        done_to_both(session, other, ("importance_scores", "layers.*.weight", given_file))
    alike(session.model, other.model)


def test_the_hook_of_a_global_step_holds_the_very_mask(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("global_unstructured", "*.weight", amount=0.5)
    session.undo()
    session.redo()
    for path in ("embed", "conv", "layers.0.attn"):
        module = session.model.get_submodule(path)
        (hook,) = module._forward_pre_hooks.values()
        assert hook.mask is module.weight_mask  # type: ignore[attr-defined]
        assert isinstance(module.weight_mask, PackedMask)


def test_nothing_is_kept_of_what_was_asked_for(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("l1_unstructured", "*.weight", amount=0.5)
    module = session.model.get_submodule("embed")
    assert torch.equal(module.weight, module.weight_orig * module.weight_mask)
    assert "weight" not in vars(module)
    with pytest.raises(AttributeError):
        del module.nothing


def test_a_mask_of_other_numbers_stays_as_it_is(tmp_path: Path) -> None:
    held = {"a.weight_orig": torch.ones(4), "a.weight_mask": torch.tensor([0.5, 0.0, 1.0, 1.0])}
    session = checkpoints.session_on(checkpoints.file(tmp_path, held))
    session.apply("l1_unstructured", "a.weight", amount=1)
    mask = session.model.get_submodule("a").weight_mask
    assert type(mask) is Tensor
    assert sorted(mask.tolist()) == [0.0, 0.0, 0.5, 1.0]
    session.undo()
    assert session.model.get_submodule("a").weight_mask.tolist() == [0.5, 0.0, 1.0, 1.0]


def test_strided_tensors_have_strided_masks(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.randn(6, 4).t()}, tmp_path / "model.pt")
    session = checkpoints.session_on(tmp_path / "model.pt")
    session.apply("ln_structured", "a.weight", amount=1, n=2, dim=0)
    twin = nn.Module()
    twin.weight = nn.Parameter(session.model.get_submodule("a").weight_orig.detach().clone())
    torch.nn.utils.prune.ln_structured(twin, "weight", 1, 2, 0)
    mask = session.model.get_submodule("a").weight_mask
    assert type(mask) is Tensor
    assert every_bit(mask) == every_bit(twin.weight_mask)


def test_what_now_fits_is_not_refused_and_what_does_not_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    monkeypatch.setattr(memory, "free", lambda _: 900)
    session.apply("l1_unstructured", "layers.*.weight", amount=0.5, ties="index")
    before = exact(session.model)
    with pytest.raises(StepError, match=r"lamp of .* needs 9.7 kB more memory .*, 900 bytes is free; it ranks"):
        session.apply("lamp", "*.weight", amount=0.5)
    monkeypatch.setattr(memory, "free", lambda _: 600)
    with pytest.raises(StepError, match=r"remove of .* needs 1.0 kB more memory .*, 600 bytes is free; save in"):
        session.apply("remove", "layers.*.weight")
    with pytest.raises(StepError, match=r"remove of .* needs 1.0 kB more memory .*, 600 bytes is free; save in"):
        session.preview("remove", "layers.*.weight")
    assert exact(session.model) == before


def test_a_failure_in_the_middle_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("random_unstructured", "*.weight", amount=0.2)
    before, register = exact(session.model), nn.Module.register_buffer

    def failing(module: nn.Module, name: str, tensor: Tensor, **more: Any) -> None:
        if tensor.shape == (4, 2, 3, 3):
            raise MemoryError
        register(module, name, tensor, **more)

    monkeypatch.setattr(nn.Module, "register_buffer", failing)
    with contextlib.suppress(StepError, MemoryError):
        session.apply("l1_unstructured", ["embed.weight", "conv.weight"], amount=0.2)
    monkeypatch.undo()
    assert exact(session.model) == before
    assert len(session.history) == 1


def test_methods_that_leave_put_nothing_large_away(tmp_path: Path) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("custom_from_mask", "embed.weight", mask=torch.arange(96).view(12, 8) % 3 != 0)
    module = session.model.get_submodule("embed")
    (hook,) = module._forward_pre_hooks.values()
    assert isinstance(hook.mask, PackedMask)  # type: ignore[attr-defined]
    session.undo()
    session.redo()
    assert torch.equal(bits.alive(hook.mask), bits.alive(module.weight_mask))  # type: ignore[attr-defined]
