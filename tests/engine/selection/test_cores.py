"""Work in pieces on several threads."""

import threading

import numpy as np
import pytest

from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.selection import cores


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    monkeypatch.setattr(cores, "available", lambda: 4)


def test_results_come_in_the_order_of_the_pieces():
    assert cores.spread(lambda piece: piece * piece, list(range(100)), never) == [n * n for n in range(100)]
    assert cores.spread(lambda piece: piece, [], never) == []


def test_several_threads_work_at_a_time():
    together = threading.Barrier(4, timeout=10)
    assert cores.spread(lambda _: together.wait() >= 0, [None] * 4, never) == [True] * 4


def test_the_first_failure_is_raised_and_ends_the_others():
    begun = []

    def work(piece):
        begun.append(piece)
        raise ValueError(piece)

    with pytest.raises(ValueError, match=r"^\d+$"):
        cores.spread(work, list(range(1000)), never)
    assert len(begun) <= 4


def test_work_that_nobody_waits_for_is_given_up():
    asked = iter([False] * 10)
    done = []
    with pytest.raises(Cancelled):
        cores.spread(done.append, list(range(1000)), lambda: next(asked, True))
    assert len(done) <= 10


def test_no_thread_outlives_the_call():
    before = threading.active_count()
    cores.spread(lambda piece: piece, list(range(50)), never)
    assert threading.active_count() == before


def test_scratch_is_each_threads_own():
    mine = cores.scratch(np.int32, 8)
    assert cores.scratch(np.int32, 5).base is mine.base or np.shares_memory(cores.scratch(np.int32, 5), mine)
    assert not np.shares_memory(cores.scratch(np.int32, 8, 1), mine)
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(cores.scratch(np.int32, 8)))
    thread.start()
    thread.join()
    assert not np.shares_memory(theirs[0], mine)


def test_slices_cover_everything_once(monkeypatch):
    monkeypatch.setattr(cores, "PIECE", 4)
    assert [list(range(10))[piece] for piece in cores.slices(10)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(cores.slices(0)) == []
