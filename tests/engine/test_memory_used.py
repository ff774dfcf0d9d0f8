"""What the engine holds, as the system and the driver tell it."""

from __future__ import annotations

import gc
import mmap
from pathlib import Path

import pytest
import torch

from prune_tui.engine import memory_used
from prune_tui.engine.memory_used import MemoryTelling, of_devices, of_process
from prune_tui.memory_views import DeviceMemory, MemoryUsed

GPU = torch.device("cuda", 0)


def test_of_a_process_linux_tells_what_is_no_file(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("VmRSS:\t  900 kB\nRssAnon:\t  300 kB\nRssFile:\t  600 kB\n")
    assert of_process(status) == (300 * 1024, False)
    status.write_text("VmRSS:\t  900 kB\n")
    assert of_process(status) == (None, False)


def test_elsewhere_the_peak_is_told(tmp_path: Path) -> None:
    size, peak = of_process(tmp_path / "none")
    assert peak
    assert size is not None
    assert size > 10 * 2**20, "Python with torch is larger"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_what_is_written_to_counts_and_a_mapped_file_does_not(tmp_path: Path) -> None:
    size, piece = 64 * 2**20, 2**20
    with (tmp_path / "mapped").open("wb") as file:
        file.truncate(size)
    gc.collect()
    before = of_process()[0]
    with (tmp_path / "mapped").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(mapped[at : at + piece].count(b"\0") for at in range(0, size, piece)) == size
        between = of_process()[0]
    held = torch.ones(size, dtype=torch.uint8)
    after = of_process()[0]
    assert before is not None
    assert between is not None
    assert after is not None
    assert between - before < size // 2
    assert after - between > size // 2
    assert held.numel() == size


def test_of_a_device_its_driver_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (20, 80))
    assert of_devices([torch.device("cpu"), GPU]) == (DeviceMemory("cuda:0", 60, 80),)


def test_a_driver_that_fails_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: torch.device) -> tuple[int, int]:
        raise RuntimeError("CUDA error: device lost")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lost)
    assert of_devices([GPU]) == ()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_on_a_device_counts() -> None:
    (before,) = of_devices([GPU])
    held = torch.ones(2**28, dtype=torch.uint8, device=GPU)
    (after,) = of_devices([GPU])
    assert after.used - before.used >= held.numel()
    assert after.total == before.total == torch.cuda.get_device_properties(GPU).total_memory


def test_only_another_text_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([310 * 10**6, 312 * 10**6, 2 * 10**9])
    monkeypatch.setattr(memory_used, "of_process", lambda: (next(sizes), False))
    told: list[MemoryUsed] = []
    telling = MemoryTelling(told.append)
    for _ in range(3):
        telling.once()
    assert [one.text for one in told] == ["RAM 310 MB", "RAM 2.0 GB"]
