"""Saving that goes on where an earlier run was ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from prune_tui import Session
from prune_tui.engine import saving
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.saving import safetensors_writer
from prune_tui.engine.saving.unfinished_folder import finished_in, place_of
from prune_tui.step_settings import StepError
from tests.engine.saving import checkpoints
from tests.engine.test_checkpoint_sessions import same_files


def pruned(path: Path, amount: float = 0.5) -> Session:
    session = checkpoints.session_on(path)
    session.apply("l1_unstructured", "layers.*.weight", amount=amount)
    return session


def save(session: Session, path: Path, form: Any = "pruned", **more: Any) -> int:
    return saving.save(session, path, form, resumes=True, **more)


def test_what_is_finished_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = checkpoints.shards(tmp_path / "model"), tmp_path / "out"
    write, written = safetensors_writer.write, list[str]()

    def counted(path: Path, *given: object) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        write(path, *given)  # type: ignore[arg-type]
        written.append(path.name)

    monkeypatch.setattr(safetensors_writer, "write", counted)
    with pytest.raises(KeyboardInterrupt):
        save(pruned(source), out)
    assert finished_in(out) == 2
    written.clear()
    save(pruned(source), out)
    assert written == ["model-00003-of-00003.safetensors"]
    monkeypatch.undo()
    save(pruned(source), tmp_path / "anew")
    same_files(out, tmp_path / "anew")
    assert {path.name for path in tmp_path.iterdir()} == {"model", "out", "anew"}


@pytest.mark.parametrize("other", ["recipe", "form", "source"])
def test_another_recipe_form_or_source_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    source, out = checkpoints.shards(tmp_path / "model"), tmp_path / "out"
    told: list[int] = []
    with pytest.raises(Cancelled):
        save(pruned(source), out, tell=lambda *_: told.append(finished_in(out)), stop=lambda: 1 in told)
    assert finished_in(out) >= 1
    if other == "source":
        shard = source / "model-00003-of-00003.safetensors"
        shard.write_bytes(shard.read_bytes())
    names: list[str] = []
    write = safetensors_writer.write
    monkeypatch.setattr(
        safetensors_writer, "write", lambda path, *given: (names.append(path.name), write(path, *given))
    )
    save(pruned(source, 0.25 if other == "recipe" else 0.5), out, "removed" if other == "form" else "pruned")
    assert len(names) == 3


def test_a_failure_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = checkpoints.shards(tmp_path / "model"), tmp_path / "out"
    write = safetensors_writer.write

    def full(path: Path, *given: object) -> None:
        if finished_in(out) == 2:
            raise OSError(28, "No space left on device")
        write(path, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(safetensors_writer, "write", full)
    with pytest.raises(StepError) as said:
        save(pruned(source), out)
    assert str(said.value) == (
        f"{out} cannot be written: No space left on device; 2 files of it are finished and kept in"
        f" {place_of(out)}: the same command goes on, or delete it"
    )


def test_a_source_that_is_written_to_meanwhile_ends_it(tmp_path: Path) -> None:
    source, out = checkpoints.shards(tmp_path / "model"), tmp_path / "out"
    session = pruned(source)

    def write_to_it(*_: object) -> None:
        file = sorted(source.glob("*.safetensors"))[-1]
        os.utime(file, (1, 1))

    with pytest.raises(StepError, match="has changed since it was opened"):
        save(session, out, tell=write_to_it)
    assert not out.exists()
