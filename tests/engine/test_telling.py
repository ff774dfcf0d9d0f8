"""How far work is: told now and then, in order, and not at all when it is done at once."""

import threading

import pytest

from prune_tui.engine import telling
from prune_tui.engine.telling import Share


def test_what_is_done_at_once_says_nothing():
    seen = []
    Share("counting", 10, seen.append).add(5)
    assert seen == []


def test_parts_of_many_threads_add_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telling, "EVERY", 0)
    seen = []
    share = Share("counting", 400, seen.append)
    threads = [threading.Thread(target=lambda: [share.add(1) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[-1] == "counting 100%"
    assert [int(text.split()[1][:-1]) for text in seen] == sorted(number * 100 // 400 for number in range(1, 401))
