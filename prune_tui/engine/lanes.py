"""The engine's threads: each lane works its requests one at a time, and can be told to stop one.

In the edit lane every request is done, in order. In the others a newer request of the same kind takes the place of
the older, waiting or running: nobody looks at a picture that is no longer asked for.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from prune_tui.protocol import Question


@dataclasses.dataclass(eq=False)
class Job:
    """A request in a lane.

    Attributes:
        question: The request and its id.
        stopped: Why nobody waits for it any more: `cancelled` or `superseded`; empty while somebody does.
    """

    question: Question
    stopped: str = ""

    def stop(self) -> bool:
        """Asked by the work between two pieces."""
        return bool(self.stopped)


class Lane:
    """A queue of requests and the loop that works it.

    Args:
        work: Answers one job; called in the lane's thread.
        dropped: Told of a job that was taken out of the queue before it began.
        supersede: Whether a newer request of a kind takes the place of the older.
        idle: Called in the lane's thread each time the queue has run empty.
    """

    def __init__(
        self,
        work: Callable[[Job], None],
        dropped: Callable[[Job], None],
        *,
        supersede: bool,
        idle: Callable[[], None] | None = None,
    ) -> None:
        self._work = work
        self._dropped = dropped
        self._supersede = supersede
        self._idle = idle
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._closed = False
        self.thread: int | None = None
        """The thread that works; None before it does."""
        self._changed = threading.Condition()

    def put(self, question: Question) -> None:
        """Queue a request."""
        with self._changed:
            dropped = self._outdated_by(question) if self._supersede else []
            self._waiting = [job for job in self._waiting if job not in dropped]
            self._waiting.append(Job(question))
            self._changed.notify()
        for job in dropped:
            self._dropped(job)

    def _outdated_by(self, question: Question) -> list[Job]:
        kind = type(question.request)
        if self._running is not None and type(self._running.question.request) is kind:
            self._running.stopped = self._running.stopped or "superseded"
        dropped = [job for job in self._waiting if type(job.question.request) is kind]
        for job in dropped:
            job.stopped = "superseded"
        return dropped

    def cancel(self, identifier: int) -> None:
        """Stop the request with this id, if it is here and has not ended."""
        with self._changed:
            if self._running is not None and self._running.question.id == identifier:
                self._running.stopped = "cancelled"
            dropped = [job for job in self._waiting if job.question.id == identifier]
            self._waiting = [job for job in self._waiting if job not in dropped]
        for job in dropped:
            job.stopped = "cancelled"
            self._dropped(job)

    def has_work(self) -> bool:
        """Whether something waits, or the lane is to end."""
        return self._closed or bool(self._waiting)

    def close(self) -> None:
        """End the loop after the job that runs, which is told to stop."""
        with self._changed:
            self._closed = True
            if self._running is not None:
                self._running.stopped = "cancelled"
            self._changed.notify()

    def run(self) -> None:
        """Work until closed."""
        self.thread = threading.get_ident()
        while True:
            with self._changed:
                while not self.has_work():
                    self._changed.wait()
                if self._closed:
                    return
                job = self._running = self._waiting.pop(0)
            self._work_one(job)
            if self._idle is not None and not self.has_work():
                self._idle()

    def _work_one(self, job: Job) -> None:
        try:
            self._work(job)
        finally:
            with self._changed:
                self._running = None
