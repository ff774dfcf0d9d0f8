"""A streamed session does to a checkpoint what a session does, bit by bit."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from prune_tui import Session, steps
from prune_tui.engine import bits, checksums, memory, outline, pruned, saving
from prune_tui.engine.exports import recipe_reader, replaying
from prune_tui.engine.selection import cores
from prune_tui.engine.sources import method_histories
from prune_tui.engine.streaming import StreamedSession, save, why_not
from prune_tui.engine.walking import named_modules_of
from prune_tui.files import FORMS
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError
from prune_tui.steps import METHOD_BY_NAME
from tests.engine.saving import checkpoints
from tests.engine.saving.test_folder_writer import by_index
from tests.engine.saving.test_saver import metadata
from tests.engine.test_session_property import SETTINGS

NAMES = [name for name in checkpoints.tensors() if name != "ids"]
STEPS: list[tuple[str, Any, dict[str, Any]]] = [
    ("identity", "embed.weight", {}),
    ("l1_unstructured", "layers.*.weight", {"amount": 0.3}),
    ("l1_unstructured", ["layers.0.attn.weight", "narrow.weight"], {"amount": 0.4, "ties": "index"}),
    ("random_unstructured", "*.weight", {"amount": 0.2}),
    ("random_structured", ["conv.weight", "embed.weight"], {"amount": 1, "dim": 1}),
    ("ln_structured", "*.weight", {"amount": 0.25, "n": 2, "dim": 0}),
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
]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces even of small tensors, so that bits are cut in the middle of them."""
    monkeypatch.setattr(cores, "PIECE", 32)


def masks_of(session: Session) -> dict[str, Tensor]:
    return {
        f"{path}.{name}": bits.alive(mask)
        for path, module in named_modules_of(session.model)
        for name in pruned.base_names(module)
        if (mask := pruned.mask(module, name)) is not None
    }


def both(path: Path, seed: int = 3) -> tuple[Session, StreamedSession]:
    """A session and a streamed one on a checkpoint."""
    return checkpoints.session_on(path, seed), StreamedSession(checkpoints.session_on(path, seed))


def done_to_both(session: Session, streamed: StreamedSession, method: str, targets: Any, settings: Any) -> bool:
    """Do a step to both; returns whether it could be done."""
    try:
        step = steps.build(method, targets, settings)
    except StepError:  # no step at all
        return False
    try:
        entry, notes = session.do_and_tell(step)
    except StepError as error:
        before = streamed.done, dict(streamed.changed)
        with pytest.raises(StepError, match=re.escape(str(error))):
            streamed.do_and_tell(step)
        assert (streamed.done, dict(streamed.changed)) == before
        return False
    found, told = streamed.do_and_tell(step)
    assert found == entry
    assert told == notes
    assert streamed.checksum() == session.checksum()
    return True


def compare(session: Session, streamed: StreamedSession) -> None:
    wanted = masks_of(session)
    assert streamed.whole_checksum() == checksums.of_model(session.model)
    for name, mask in streamed.masks().items():
        assert torch.equal(bits.unpack(mask), wanted[name])
    whole = outline.outline(session.model)[0]
    assert streamed.counts() == (whole.parameters, whole.masked)
    assert streamed.methods() == method_histories.described(session.model)


def test_every_method_after_every_other(tmp_path: Path) -> None:
    session, streamed = both(checkpoints.shards(tmp_path / "model"))
    before = {name: tensor.clone() for name, tensor in streamed.model.state_dict().items()}
    for one in STEPS:
        assert done_to_both(session, streamed, *one), one
    compare(session, streamed)
    after = streamed.model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())  # it stays as it is


@pytest.mark.parametrize("step", STEPS, ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(STEPS)])
def test_every_method_as_the_first(tmp_path: Path, step: Any) -> None:
    session, streamed = both(checkpoints.file(tmp_path))
    assert done_to_both(session, streamed, *step)
    compare(session, streamed)


@pytest.mark.parametrize("form", FORMS)
def test_what_came_pruned(tmp_path: Path, form: str) -> None:
    first = checkpoints.session_on(checkpoints.file(tmp_path))
    first.apply("random_unstructured", "*.weight", amount=0.3)
    first.save(tmp_path / "first.safetensors", form)
    session, streamed = both(tmp_path / "first.safetensors")
    for one in STEPS[1:8]:
        assert done_to_both(session, streamed, *one), one
    compare(session, streamed)


def test_tied_weights(tmp_path: Path) -> None:
    path = checkpoints.file(tmp_path, **{"head.weight": "embed.weight"})
    session, streamed = both(path)
    for one in (("l1_unstructured", "head.weight", {"amount": 0.3}), *STEPS[:8]):
        assert done_to_both(session, streamed, *one), one
    compare(session, streamed)
    for form in FORMS:
        session.save(tmp_path / f"{form}.safetensors", form)
        save(streamed, tmp_path / f"streamed-{form}.safetensors", form)
        same_files(tmp_path / f"{form}.safetensors", tmp_path / f"streamed-{form}.safetensors")


def same_files(one: Path, other: Path) -> None:
    """The same tensors and the same metadata."""
    from safetensors.torch import load_file

    first, second = (by_index(path) if path.is_dir() else load_file(path) for path in (one, other))
    assert set(first) == set(second)
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype
        assert torch.equal(tensor.reshape(-1).view(torch.uint8), second[name].reshape(-1).view(torch.uint8)), name
    names = [path.name for path in one.glob("*.safetensors")] if one.is_dir() else [""]
    assert [metadata(one / name) for name in names] == [metadata(other / name) for name in names]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["out.safetensors", "out"])
def test_the_files_are_those_of_a_session(tmp_path: Path, form: str, kind: str) -> None:
    session, streamed = both(checkpoints.shards(tmp_path / "model"))
    for one in STEPS:
        done_to_both(session, streamed, *one)
    (tmp_path / "streamed").mkdir()
    size = saving.save(session, tmp_path / kind, form)
    told: list[tuple[int, int]] = []
    assert save(streamed, tmp_path / "streamed" / kind, form, tell=lambda *one: told.append(one)) == size
    assert told[-1][0] == told[-1][1]
    same_files(tmp_path / kind, tmp_path / "streamed" / kind)


@st.composite
def random_steps(draw: Any) -> tuple[str, list[str], dict[str, Any]]:
    not_here = {"remove", "importance_scores", "custom_method"}
    methods = [name for name, one in METHOD_BY_NAME.items() if not one.repair and name not in not_here]
    method = draw(st.sampled_from(methods))
    targets = draw(st.lists(st.sampled_from([*NAMES, "*.weight"]), min_size=1, max_size=3, unique=True))
    known = {setting.name for setting in METHOD_BY_NAME[method].settings}
    settings = {name: draw(strategy) for name, strategy in SETTINGS.items() if name in known}
    if method == "custom_from_mask":
        settings["mask"] = bits.pack(torch.arange(64).view(8, 8) % draw(st.integers(1, 5)) == 0)
    return method, targets, settings


@given(st.lists(random_steps(), min_size=1, max_size=5))
def test_random_steps(chosen: list[tuple[str, list[str], dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        session, streamed = both(checkpoints.file(Path(folder)))
        for one in chosen:
            done_to_both(session, streamed, *one)
        compare(session, streamed)


def test_scores_of_a_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    scores = {name: torch.rand(one.shape) for name, one in checkpoints.tensors().items() if name != "ids"}
    save_file(scores, tmp_path / "scores.safetensors")
    session, streamed = both(checkpoints.file(tmp_path))
    given_file = {"file": str(tmp_path / "scores.safetensors"), "amount": 0.3}
    for scope in ("tensor", "global"):
        assert done_to_both(
            session, streamed, "importance_scores", "layers.*.weight", {**given_file, "scope": scope}
        )
    compare(session, streamed)


def test_a_recipe_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    path = checkpoints.file(tmp_path)
    session, streamed = both(path)
    for one in STEPS:
        session.apply(one[0], one[1], **one[2])
    recipe = recipe_reader.read(session.recipe(Open(str(path))))
    done = replaying.replay(streamed, recipe, strict=True)
    assert done.as_recorded is True
    assert done.same_model is True
    compare(session, streamed)
    bad = recipe_reader.read(session.recipe().replace("amount: 0.3", "amount: 0.31", 1))
    fresh = both(path)[1]
    with pytest.raises(StepError, match="the masks are not those the recipe records"):
        replaying.replay(fresh, bad)
    assert (fresh.done, fresh.changed) == ((), {})


REASONS = [
    ("- {method: remove, targets: conv.weight}", "out", "recipe:4: steps[1] is a remove, which changes values"),
    ("- {method: refresh, targets: conv.weight}", "out", "recipe:4: steps[1] is a repair"),
    ("- {method: identity, targets: conv.weight}", "out.pt", ".pt files are written whole"),
    ("- {method: identity, targets: conv.weight}", "out.safetensors", ""),
]


@pytest.mark.parametrize(("second", "output", "why"), REASONS)
def test_what_cannot_be_streamed(tmp_path: Path, second: str, output: str, why: str) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    text = f"version: 1\nsteps:\n- {{method: identity, targets: embed.weight}}\n{second}\n"
    found = why_not(session, recipe_reader.read(text), tmp_path / output)
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_masks_of_other_numbers_are_not_streamed(tmp_path: Path) -> None:
    held = {"a.weight_orig": torch.ones(4), "a.weight_mask": torch.full((4,), 0.5)}
    session = checkpoints.session_on(checkpoints.file(tmp_path, held))
    recipe = recipe_reader.read("version: 1\nsteps: []\n")
    assert why_not(session, recipe, None) == "the mask of a.weight holds more than zeros and ones"


def test_a_step_that_does_not_fit_says_how_much_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = both(checkpoints.file(tmp_path))[1]
    monkeypatch.setattr(memory, "free", lambda _: 900)
    streamed.do_and_tell(steps.build("l1_unstructured", ["layers.*.weight"], {"amount": 0.5, "ties": "index"}))
    with pytest.raises(StepError, match=r"lamp of .* needs .* more memory .*, 900 bytes is free; it ranks"):
        streamed.do_and_tell(steps.build("lamp", ["*.weight"], {"amount": 0.5}))
    assert len(streamed.done) == 1
