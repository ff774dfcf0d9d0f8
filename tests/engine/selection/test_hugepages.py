"""New tensors on large pages are tensors as any other."""

import torch

from prune_tui.engine.selection import hugepages


def test_it_is_an_empty_tensor_like_another(monkeypatch):
    monkeypatch.setattr(hugepages, "_WORTH_IT", 1)
    for shape, dtype in (((3, 5), torch.float32), ((2000, 1000), torch.float64), ((0,), torch.float16)):
        like = torch.zeros(shape, dtype=dtype)
        fresh = hugepages.empty_like(like)
        assert (fresh.shape, fresh.dtype, fresh.stride()) == (like.shape, like.dtype, like.stride())
        assert torch.equal(fresh.fill_(2), torch.full_like(like, 2))


def test_only_whole_pages_inside_its_memory_are_spoken_of(monkeypatch):
    asked = []
    monkeypatch.setattr(hugepages, "_madvise", lambda: lambda *region: asked.append(region) or 0)
    fresh = hugepages.empty_like(torch.empty(2**21 + 1))
    start, length, advice = asked[0]
    assert advice == 14
    assert start % 4096 == length % 4096 == 0
    assert fresh.data_ptr() <= start
    assert start + length <= fresh.data_ptr() + 4 * fresh.numel()
    hugepages.empty_like(torch.empty(100))
    assert len(asked) == 1


def test_without_large_pages_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(hugepages, "_madvise", lambda: None)
    assert hugepages.empty_like(torch.empty(2**21)).shape == (2**21,)


def test_the_strides_of_the_other_are_kept_where_asked_for():
    turned = torch.empty(3, 5).t()
    assert hugepages.empty_like(turned).is_contiguous()
    assert hugepages.empty_like(turned, torch.preserve_format).stride() == turned.stride()
