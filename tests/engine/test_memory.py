"""What a step needs is told before it begins."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import memory
from prune_tui.step_settings import StepError
from prune_tui.steps import L1Unstructured
from tests.engine.fingerprints import exact

CPU = torch.device("cpu")


def test_each_tensor_gets_a_mask_and_a_product_in_its_dtype():
    assert memory.of_masks([torch.ones(10), torch.ones(4, dtype=torch.float16)]) == {CPU: 96}
    assert memory.of_masks([]) == {}


def test_asking_torch_about_ties_takes_sixteen_bytes_an_entry_and_copies():
    assert memory.of_topk(100, 0, 4, gathered=False) == 100 * (4 + 16)
    assert memory.of_topk(100, 50, 4, gathered=True) == 100 * (8 + 8 + 16) + 50 * 12


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**7, "20.0 MB"), (10**10, "10.0 GB")],
)
def test_sizes_are_readable(size, text):
    assert memory.readable(size) == text


def test_what_is_free_is_what_linux_says(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "none")
    assert memory.free(CPU) is None
    Path(tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:   5 kB\n")
    assert memory.free(CPU) == 5120
    Path(tmp_path / "meminfo").write_text("MemTotal:  9 kB\n")
    assert memory.free(CPU) is None
    assert memory.free(torch.device("meta")) is None


def test_where_nobody_tells_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda _: None)
    memory.check("anything", {CPU: 10**18})


def test_masks_that_do_not_fit_are_refused_before_anything_happens(monkeypatch):
    model = nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10))
    prune.identity(model[1], "weight")
    monkeypatch.setattr(memory, "free", lambda _: 1599)
    before = exact(model)
    with pytest.raises(StepError) as refused:
        Session(model).apply("random_unstructured", ["0.weight", "1.weight"], amount=0.5)
    assert str(refused.value) == (
        "random_unstructured of 0.weight and 1.weight needs 1.6 kB more memory on cpu, 1.6 kB is free;"
        " prune fewer tensors at a time, or remove earlier pruning first"
    )
    assert exact(model) == before
    Session(model).apply("random_unstructured", ["0.weight"], amount=0.5)
    Session(model).apply("remove", ["0.weight"])


def test_a_cgroup_leaves_less_than_the_machine_has(tmp_path, monkeypatch):
    for name in ("_MEMINFO", "_CGROUPS", "_CGROUP_FILES"):
        monkeypatch.setattr(memory, name, tmp_path / name)
    (tmp_path / "_MEMINFO").write_text("MemAvailable:   5 kB\n")
    (tmp_path / "_CGROUPS").write_text("9:cpu:/x\n0::/a/b\n")
    within = tmp_path / "_CGROUP_FILES" / "a" / "b"
    within.mkdir(parents=True)
    (within / "memory.max").write_text("max\n")
    (within / "memory.current").write_text("10\n")
    assert memory.free(CPU) == 5120
    (within.parent / "memory.max").write_text("3000\n")
    (within.parent / "memory.current").write_text("2500\n")
    assert memory.free(CPU) == 500
    (within.parent / "memory.stat").write_text("anon 7\ninactive_file 400\n")
    assert memory.free(CPU) == 900


def test_a_cgroup_of_version_1(tmp_path, monkeypatch):
    for name in ("_MEMINFO", "_CGROUPS", "_CGROUP_FILES"):
        monkeypatch.setattr(memory, name, tmp_path / name)
    (tmp_path / "_CGROUPS").write_text("4:cpu,memory:/job\n0::/\n")
    within = tmp_path / "_CGROUP_FILES" / "memory" / "job"
    within.mkdir(parents=True)
    (within / "memory.limit_in_bytes").write_text("9000\n")
    (within / "memory.usage_in_bytes").write_text("8000\n")
    assert memory.free(CPU) == 1000
    (within / "memory.usage_in_bytes").write_text("9500\n")
    assert memory.free(CPU) == 0


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("identity", {}),
        ("l1_unstructured", {"amount": 0.5}),
        ("ln_structured", {"amount": 0.5}),
        ("lamp", {"amount": 0.5}),
        ("global_structured", {"amount": "to 50%"}),
        ("global_unstructured", {"amount": 0.5, "floor": 0.1}),
        ("semi_structured", {}),
    ],
)
def test_what_does_not_fit_is_refused_in_the_preview(method, settings, monkeypatch):
    session = Session(nn.Linear(100, 100))
    monkeypatch.setattr(memory, "free", lambda _: 1000)
    for do in (session.preview, session.apply):
        with pytest.raises(StepError, match=rf"{method} of weight needs .* memory on cpu, 1.0 kB is free; prune"):
            do(method, "weight", **settings)


def test_the_ranking_of_torch_itself_is_counted(monkeypatch):
    model = nn.Linear(100, 100)
    model.weight.data[:60] = math.nan  # where NaN would go, torch itself ranks
    needed = memory.of_one_vector(10_000, 10_000, 9000, 4)
    monkeypatch.setattr(memory, "free", lambda _: needed - 1)
    with pytest.raises(StepError, match=f"global_unstructured of weight needs {memory.readable(needed)} more"):
        Session(model).preview("global_unstructured", "weight", amount=9000)
    monkeypatch.setattr(memory, "free", lambda _: needed)
    assert Session(model).preview("global_unstructured", "weight", amount=9000).effects[0].took == 9000


MEASURED = """
import sys
from pathlib import Path
from torch import nn
from prune_tui import Session
from prune_tui.engine import memory

def told(name):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024

estimates = []
checked = memory.check
memory.check = lambda what, needed, instead="": estimates.extend(needed.values()) or checked(what, needed, instead)
session = Session(nn.Linear(2048, 2048, bias=False))
session.preview("identity", "weight")
settings = {"amount": 0.5} if sys.argv[1] == "lamp" else {}
Path("/proc/self/clear_refs").write_text("5")
before = told("VmRSS")
session.preview(sys.argv[1], "weight", **settings)
print(estimates[-1], told("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("method", ["lamp", "semi_structured"])
def test_estimates_are_near_what_is_measured(method):
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, method], capture_output=True, text=True, check=True, timeout=120
    )
    estimate, measured = map(int, done.stdout.split())
    assert estimate / 2.5 < measured < estimate * 1.6


def test_what_takes_most_of_what_is_free_is_told_before_and_done(monkeypatch):
    session = Session(nn.Linear(100, 100))
    needed = 2 * 10_000 * 4
    monkeypatch.setattr(memory, "free", lambda _: needed)
    told = session.foresee(L1Unstructured(targets=("weight",), amount=0.5)).notes
    assert told == ("needs about 80.0 kB more memory on cpu, 80.0 kB is free",)
    session.apply("l1_unstructured", "weight", amount=0.5)


def test_what_takes_little_is_not_told_of(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda _: 1000)
    assert memory.cautions({CPU: 750}) == ()
    assert memory.cautions({CPU: 751}) == ("needs about 751 bytes more memory on cpu, 1.0 kB is free",)
    assert memory.cautions({CPU: 1001}) == (), "that is refused"
    monkeypatch.setattr(memory, "free", lambda _: None)
    assert memory.cautions({CPU: 10**18}) == ()


def test_of_several_devices_each_is_compared_with_its_own(monkeypatch):
    gpu = torch.device("cuda", 0)
    monkeypatch.setattr(memory, "free", lambda device: {CPU: 10**9, gpu: 4 * 10**9}[device])
    needed = {CPU: 10**8, gpu: 32 * 10**8}
    memory.check("anything", needed)
    assert memory.cautions(needed) == ("needs about 3.2 GB more memory on cuda:0, 4.0 GB is free",)
