"""Who could continue a stopped process: a shell in the same session, in a group of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prune_tui.ui.job_control import continued_by_somebody, stop

# Process id: parent, group, session.
UNDER_A_SHELL = {1: (0, 1, 1), 10: (1, 10, 10), 20: (10, 20, 10)}
UNDER_A_WRAPPER = {**UNDER_A_SHELL, 21: (20, 20, 10)}
STARTED_BY_TMUX = {1: (0, 1, 1), 20: (1, 20, 20)}
IN_A_SCRIPT = {1: (0, 1, 1), 20: (1, 20, 20), 21: (20, 20, 20)}


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[dict[int, tuple[int, int, int]]], Path]:
    def written(known: dict[int, tuple[int, int, int]]) -> Path:
        for process, (parent, group, session) in known.items():
            (tmp_path / str(process)).mkdir()
            (tmp_path / str(process) / "stat").write_text(
                f"{process} (a) S (b) S {parent} {group} {session} 34816 20"
            )
        (tmp_path / "meminfo").touch()
        return tmp_path

    return written


@pytest.mark.parametrize(
    ("known", "somebody"),
    [(UNDER_A_SHELL, True), (UNDER_A_WRAPPER, True), (STARTED_BY_TMUX, False), (IN_A_SCRIPT, False)],
)
def test_a_shell_with_job_control_continues_its_jobs(
    processes: Callable[[dict[int, tuple[int, int, int]]], Path],
    known: dict[int, tuple[int, int, int]],
    somebody: bool,
) -> None:
    assert continued_by_somebody(20, processes(known)) is somebody


def test_where_nobody_tells_of_processes_the_kernel_decides(tmp_path: Path) -> None:
    assert continued_by_somebody(20, tmp_path / "none")


def test_an_orphaned_group_goes_on_at_once() -> None:
    child = os.fork()
    if child == 0:  # a session of its own: nobody could continue it, and the kernel does not stop it
        os.setsid()
        stop(0, lambda: False)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
