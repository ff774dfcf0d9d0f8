"""Settings that every test shares."""

import gc
import os

import pytest
from hypothesis import settings

# The same examples everywhere: a failure in CI is a failure here. HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=50, database=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# torch alone is a million objects, and with each app some thousands more: looked through seldom, a tenth is saved.
gc.set_threshold(50_000, 20, 100)

# Several tests run at a time: each with all cores, torch's threads would wait for each other a third of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Wherever the tests run, the app believes to be in the same terminal: pictures are drawn for its colours.
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color")
os.environ.pop("NO_COLOR", None)
# What the person at this machine has settled is theirs.
os.environ["PRUNE_TUI_CONFIG"] = os.devnull


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: tests of the app and of processes wait a third of their time: three for two cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2
