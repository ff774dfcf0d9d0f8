import threading

import pytest

from prune_tui.engine.lanes import Lane
from prune_tui.protocol import GetHistory, GetModule, Question, Undo

WAIT = 10


class Bench:
    """A lane with a thread, whose work waits until it is let go."""

    def __init__(self, *, supersede, idle=False):
        self.done, self.dropped, self.idled = [], [], threading.Semaphore(0)
        self.began, self.let_go = threading.Semaphore(0), threading.Semaphore(0)
        self.lane = Lane(
            self.work, self.dropped.append, supersede=supersede, idle=self.idled.release if idle else None
        )
        self.thread = threading.Thread(target=self.lane.run, daemon=True)

    def work(self, job):
        self.began.release()
        assert self.let_go.acquire(timeout=WAIT)
        self.done.append((job.question.id, job.stopped))

    def start(self):
        self.thread.start()
        return self

    def finish(self, jobs):
        for _ in range(jobs):
            self.let_go.release()
        self.lane.put(Question(99, Undo()))
        for _ in range(jobs):
            assert self.began.acquire(timeout=WAIT)
        assert self.began.acquire(timeout=WAIT)  # the last one runs: all before it are done
        self.lane.close()
        self.let_go.release()
        self.thread.join(WAIT)
        assert not self.thread.is_alive()
        return self.done[:-1]


def dropped(bench):
    return [(job.question.id, job.stopped) for job in bench.dropped]


def test_edits_are_all_done_in_order():
    bench = Bench(supersede=False)
    for identifier in range(5):
        bench.lane.put(Question(identifier, Undo()))
    assert bench.start().finish(5) == [(identifier, "") for identifier in range(5)]
    assert dropped(bench) == []


def test_a_newer_request_of_a_kind_takes_the_place_of_those_that_wait():
    bench = Bench(supersede=True)
    for identifier, request in enumerate([GetModule(""), GetHistory(), GetModule(""), GetModule("")]):
        bench.lane.put(Question(identifier, request))
    assert bench.start().finish(2) == [(1, ""), (3, "")]
    assert dropped(bench) == [(0, "superseded"), (2, "superseded")]


def test_the_one_that_runs_is_told_to_stop():
    bench = Bench(supersede=True).start()
    bench.lane.put(Question(1, GetModule("")))
    assert bench.began.acquire(timeout=WAIT)
    bench.lane.put(Question(2, GetHistory()))
    bench.lane.put(Question(3, GetModule("")))
    bench.began.release()
    assert bench.finish(3) == [(1, "superseded"), (2, ""), (3, "")]


def test_cancelling_reaches_the_one_that_runs_and_those_that_wait():
    bench = Bench(supersede=False).start()
    bench.lane.put(Question(1, Undo()))
    assert bench.began.acquire(timeout=WAIT)
    bench.lane.put(Question(2, Undo()))
    bench.lane.put(Question(3, Undo()))
    for identifier in (1, 2, 17):
        bench.lane.cancel(identifier)
    bench.began.release()
    assert bench.finish(2) == [(1, "cancelled"), (3, "")]
    assert dropped(bench) == [(2, "cancelled")]


def test_closing_stops_the_one_that_runs_and_leaves_the_rest():
    bench = Bench(supersede=False).start()
    bench.lane.put(Question(1, Undo()))
    assert bench.began.acquire(timeout=WAIT)
    bench.lane.put(Question(2, Undo()))
    bench.lane.close()
    bench.let_go.release()
    bench.thread.join(WAIT)
    assert bench.done == [(1, "cancelled")]


def test_idle_is_called_when_the_queue_has_run_empty():
    bench = Bench(supersede=False, idle=True).start()
    bench.lane.put(Question(1, Undo()))
    bench.lane.put(Question(2, Undo()))
    bench.let_go.release(2)
    assert bench.idled.acquire(timeout=WAIT)
    assert [identifier for identifier, _ in bench.done] == [1, 2]
    assert not bench.idled.acquire(timeout=0.05)
    bench.lane.close()
    bench.thread.join(WAIT)
    assert not bench.thread.is_alive()


def test_whoever_idles_is_told_of_work():
    bench = Bench(supersede=False)
    assert not bench.lane.has_work()
    bench.lane.put(Question(1, Undo()))
    assert bench.lane.has_work()


def test_a_lane_whose_work_raised_goes_on_with_the_next_job():
    worked = []

    def work(job):
        worked.append((job.question.id, job.stopped))
        if len(worked) == 1:
            raise KeyboardInterrupt
        lane.close()

    first = Question(1, Undo())
    lane = Lane(work, lambda _: None, supersede=False)
    lane.put(first)
    with pytest.raises(KeyboardInterrupt):
        lane.run()
    assert not lane.has_work()
    lane.cancel(1)  # it has ended, and another one may bear its id
    lane.put(first)
    lane.run()
    assert worked == [(1, ""), (1, "")]
