"""Saving a session: what is refused before a byte is written, and that a failure leaves all as it was."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from prune_tui import Session
from prune_tui.engine import saving, saving_answers
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.saving import forms, mask_values, safetensors_writer, saver
from prune_tui.engine.saving.saver import OverSourceError
from prune_tui.files import Form
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError
from prune_tui.whole_file import ExistsError
from tests.engine.saving import checkpoints


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as stored:
        found: dict[str, str] = stored.metadata()
    return found


@pytest.mark.parametrize("name", ["out.pt", "out.safetensors", "out"])
@pytest.mark.parametrize(
    "failure",
    [OSError(28, "No space left on device"), RuntimeError("unexpected pos 64 vs 0"), MemoryError("none")],
)
def test_a_failure_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, failure: Exception
) -> None:
    def fail(_: object, path: Path, *__: object) -> None:
        path.write_bytes(b"half")
        raise failure

    monkeypatch.setattr(torch, "save", fail)
    monkeypatch.setattr(safetensors_writer, "write", lambda path, *_: fail(_, path))
    out = tmp_path / name
    if out.suffix:
        out.write_text("old")
    with pytest.raises(StepError, match=r"out.* cannot be written: .*; (it is as it was before|nothing of it)"):
        Session(nn.Linear(2, 2)).save(out, overwrite=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"] * bool(out.suffix)


def test_what_safetensors_cannot_hold(tmp_path: Path) -> None:
    class Extra(nn.Linear):
        def get_extra_state(self) -> str:
            return "more"

    out = tmp_path / "out.safetensors"
    with pytest.raises(StepError, match=r"_extra_state is a str; safetensors holds tensors only: save out\.pt"):
        Session(Extra(2, 2)).save(out)
    with pytest.raises(StepError, match="weight cannot be saved: on the meta device: no values"):
        Session(nn.Linear(2, 2, device="meta")).save(out)
    model = nn.Linear(2, 2)
    model.register_buffer("sparse", torch.eye(2).to_sparse())
    with pytest.raises(StepError, match=r"sparse cannot be written to .*: layout sparse_coo: .*; save out\.pt"):
        Session(model).save(out)
    assert list(tmp_path.iterdir()) == []
    Session(Extra(2, 2)).save(tmp_path / "out.pt")
    assert torch.load(tmp_path / "out.pt", weights_only=True)["_extra_state"] == "more"
    Session(model).save(tmp_path / "sparse.pt")
    assert torch.equal(torch.load(tmp_path / "sparse.pt", weights_only=True)["sparse"].to_dense(), torch.eye(2))


def test_over_the_source_only_when_asked_twice(tmp_path: Path) -> None:
    source = checkpoints.file(tmp_path)
    session = checkpoints.session_on(source)
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    before = source.read_bytes()
    (tmp_path / "link.safetensors").symlink_to(source.name)
    for place in (source, tmp_path / "link.safetensors"):
        with pytest.raises(OverSourceError, match=f"{place.name} is what the model was opened from"):
            saving.save(session, place, overwrite=True)
    with pytest.raises(ExistsError, match=r"model\.safetensors exists already"):
        saving.save(session, source, over_source=True)
    assert source.read_bytes() == before
    saving.save(session, source, overwrite=True, over_source=True)
    assert "conv.weight_mask" in load_file(source)
    # The session goes on with what it has mapped: the file that was.
    session.undo()
    session.save(tmp_path / "again.safetensors")
    assert torch.equal(
        load_file(tmp_path / "again.safetensors")["conv.weight"], checkpoints.tensors()["conv.weight"]
    )


def test_over_a_shard_of_the_source_neither(tmp_path: Path) -> None:
    folder = checkpoints.shards(tmp_path / "model")
    session = checkpoints.session_on(folder)
    with pytest.raises(OverSourceError):
        saving.save(session, folder / "model-00002-of-00003.safetensors", overwrite=True)
    with pytest.raises(StepError, match=r"no \.json is written"):
        saving.save(session, folder / "model.safetensors.index.json", overwrite=True, over_source=True)
    with pytest.raises(StepError, match="model exists and is no empty folder; name a new one"):
        saving.save(session, folder, overwrite=True, over_source=True)


REFUSED = [
    ("no/out.pt", {}, "there is no folder .*no; make it first"),
    ("no/out", {}, "there is no folder .*no; make it first"),
    ("taken.safetensors", {}, "taken.safetensors exists already"),
    ("file", {}, "file exists and is no empty folder; name a new one, or a .safetensors or .pt file"),
    ("out.gguf", {}, "no .gguf is written; .safetensors, .pt, .pth, .bin are, and folders"),
    ("out.pt", {"form": "compact"}, "the compact form is written to .safetensors files and folders only"),
    ("out.safetensors", {"form": "zipped"}, "no form 'zipped'; a model is saved as pruned, removed, compact"),
    ("x" * 300, {}, "cannot be written: File name too long"),
    ("a\0b.pt", {}, "cannot be written: no file's name has a zero byte"),
]


@pytest.mark.parametrize(("name", "options", "said"), REFUSED, ids=[name[:20] for name, _, _ in REFUSED])
def test_what_is_refused(tmp_path: Path, name: str, options: dict[str, Any], said: str) -> None:
    (tmp_path / "taken.safetensors").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StepError, match=said):
        Session(nn.Linear(2, 2)).save(tmp_path / name, **options)
    assert {path.name for path in tmp_path.iterdir()} == {"taken.safetensors", "file"}


@pytest.mark.parametrize("name", ["out.pt", "out.safetensors", "out"])
def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    monkeypatch.setattr(torch, "save", None)
    monkeypatch.setattr(safetensors_writer, "write", None)
    with pytest.raises(StepError, match=r"out.* needs 24 bytes and 1,000,000 are free there; nothing was written"):
        Session(nn.Linear(2, 2)).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.safetensors", "out"])
def test_it_can_be_stopped(tmp_path: Path, name: str) -> None:
    told: list[tuple[int, int]] = []
    session = Session(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    with pytest.raises(Cancelled):
        saving.save(session, tmp_path / name, tell=lambda *one: told.append(one), stop=lambda: len(told) > 1)
    assert len(told) == 2
    assert list(tmp_path.iterdir()) == []
    saving.save(session, tmp_path / name, tell=lambda *one: told.append(one))
    assert told[-1] == (96, 96)


def test_an_interrupted_folder_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Session(nn.Linear(2, 2)).save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    size = Session(nn.Linear(2, 2)).save(tmp_path / "out")
    assert [(path.name, path.stat().st_size) for path in (tmp_path / "out").iterdir()] == [
        ("model.safetensors", size)
    ]


def test_the_file_says_what_was_done(tmp_path: Path) -> None:
    session = Session(nn.Linear(4, 2))
    session.save(tmp_path / "before.safetensors")
    assert metadata(tmp_path / "before.safetensors") == {"format": "pt", "prune_tui.form": "pruned"}
    session.apply("l1_unstructured", "weight", amount=0.5)
    session.apply("random_unstructured", ["weight", "bias"], amount=1)
    session.save(tmp_path / "out.safetensors")
    told = metadata(tmp_path / "out.safetensors")
    assert told["prune_tui.recipe"] == session.recipe()
    assert told["prune_tui.took"] == '[{"weight": 4}, {"weight": 1, "bias": 1}]'
    assert told["prune_tui.torch"] == torch.__version__


def test_masks_that_no_header_holds_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saver, "_LONGEST", 100)
    session = Session(nn.Linear(4, 2))
    session.apply("l1_unstructured", "weight", amount=0.5)
    session.save(tmp_path / "out.safetensors")
    told = metadata(tmp_path / "out.safetensors")
    assert "too many for a file's header; export a recipe" in told["prune_tui.left_out"]
    assert "prune_tui.recipe" not in told


def test_a_second_session_goes_on_with_the_history_of_the_first(tmp_path: Path) -> None:
    first = checkpoints.session_on(checkpoints.file(tmp_path), seed=7)
    first.apply("l1_unstructured", "layers.*.weight", amount=0.5)
    first.save(tmp_path / "first.safetensors")
    second = checkpoints.session_on(tmp_path / "first.safetensors")
    second.apply("random_unstructured", "conv.weight", amount=0.25)
    second.save(tmp_path / "second.safetensors")
    steps = yaml.safe_load(metadata(tmp_path / "second.safetensors")["prune_tui.recipe"])["steps"]
    assert [step["method"] for step in steps] == ["l1_unstructured", "random_unstructured"]
    assert len(checkpoints.session_on(tmp_path / "second.safetensors").past.took) == 2


def test_force_keeps_links_and_rights(tmp_path: Path) -> None:
    (tmp_path / "real.safetensors").write_text("old")
    (tmp_path / "real.safetensors").chmod(0o640)
    (tmp_path / "out.safetensors").symlink_to("real.safetensors")
    with pytest.raises(ExistsError):
        Session(nn.Linear(2, 2)).save(tmp_path / "out.safetensors")
    Session(nn.Linear(2, 2)).save(tmp_path / "out.safetensors", overwrite=True)
    assert (tmp_path / "out.safetensors").is_symlink()
    assert (tmp_path / "real.safetensors").stat().st_mode & 0o777 == 0o640
    assert set(load_file(tmp_path / "real.safetensors")) == {"weight", "bias"}


def two_halved() -> Session:
    """A session on two layers whose pruning was taken away again."""
    session = Session(nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)))
    session.apply("l1_unstructured", "*", amount=0.5)
    session.apply("remove", "*")
    return session


def meanwhile(edit: Callable[[], object], calls: list[int]) -> Callable[[int, int], None]:
    """What is told of a save's progress, and edits the model once, from a thread of its own."""

    def tell(written: int, _: int) -> None:
        if not calls:
            thread = threading.Thread(target=edit)
            thread.start()
            thread.join(60)
        calls.append(written)

    return tell


@pytest.mark.parametrize("name", ["out.safetensors", "out"])
def test_what_a_remove_wrote_is_taken_back_while_it_is_saved(tmp_path: Path, name: str) -> None:
    session, calls = two_halved(), list[int]()
    with pytest.raises(StepError, match=r"weight was changed while it was saved; save again"):
        saving.save(session, tmp_path / name, "removed", tell=meanwhile(session.undo, calls))
    assert calls
    assert list(tmp_path.iterdir()) == []
    session.save(tmp_path / name, "removed")


def test_the_last_tensor_is_trained_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, save = nn.Linear(4, 4), torch.save

    def slow(*given: Any) -> None:
        save(*given)
        with torch.no_grad():
            model.bias.add_(1)

    monkeypatch.setattr(torch, "save", slow)
    with pytest.raises(StepError, match="bias was changed while it was saved; save again"):
        Session(model).save(tmp_path / "out.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["l1_unstructured", "remove", "undo"])
def test_steps_that_make_new_tensors_do_not_disturb_a_save(tmp_path: Path, method: str) -> None:
    session, calls = Session(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))), list[int]()
    session.apply("l1_unstructured", "*.weight", amount=0.25)
    wanted = {name: tensor.clone() for name, tensor in session.model.state_dict().items()}
    settings = {"amount": 0.5} if method == "l1_unstructured" else {}
    edit = session.undo if method == "undo" else lambda: session.apply(method, "*.weight", **settings)
    saving.save(session, tmp_path / "out.safetensors", tell=meanwhile(edit, calls))
    found = load_file(tmp_path / "out.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    assert set(found) == set(wanted) != set(session.model.state_dict()) or method == "l1_unstructured"


def test_the_steps_that_are_told_are_those_of_the_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(nn.Linear(8, 8, bias=False))
    session.apply("l1_unstructured", "weight", amount=0.5)
    formed, calls = forms.of_held, list[int]()

    def after_a_step(held: forms.Held, form: Form) -> forms.Formed:
        meanwhile(lambda: session.apply("l1_unstructured", "weight", amount=0.5), calls)(0, 0)
        return formed(held, form)

    monkeypatch.setattr(forms, "of_held", after_a_step)
    session.save(tmp_path / "out.safetensors")
    assert metadata(tmp_path / "out.safetensors")["prune_tui.took"] == '[{"weight": 32}]'
    assert int(load_file(tmp_path / "out.safetensors")["weight_mask"].sum()) == 32
    assert int(session.model.weight_mask.sum()) == 16
    assert session.stored != session.state, "the second step is not in the file"
    session.undo()
    assert session.stored == session.state


def overwrite_in_place(path: Path) -> None:
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("during", [False, True])
def test_a_source_that_was_changed_is_not_saved(tmp_path: Path, during: bool) -> None:
    source = checkpoints.file(tmp_path)
    session, out = checkpoints.session_on(source), tmp_path / "out.safetensors"
    if not during:
        overwrite_in_place(source)
    tell = meanwhile(lambda: overwrite_in_place(source), [])
    with pytest.raises(StepError, match=r"model\.safetensors has changed since it was opened: it was written to"):
        saving.save(session, out, tell=tell)
    assert not out.exists()


def test_masks_are_counted_while_others_change_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(nn.Linear(8, 8))
    session.apply("l1_unstructured", "weight", amount=0.5)
    count, free = mask_values.kept_count, list[bool]()

    def counted(mask: mask_values.Mask) -> int:
        thread = threading.Thread(target=lambda: free.append(session.lock.acquire(timeout=5)))
        thread.start()
        thread.join()
        return count(mask)

    monkeypatch.setattr(mask_values, "kept_count", counted)
    found = saving_answers.sizes(session, Open("demo"))
    assert {one.form: one.bytes for one in found.forms} == {"pruned": 544, "removed": 288, "compact": 168}
    assert free == [True]
