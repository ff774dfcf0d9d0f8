"""A packed mask is to torch what the mask it stands for is, in a thirty-second of the memory."""

from __future__ import annotations

import copy
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from safetensors.torch import load_file, save_file
from torch import Tensor

from prune_tui.engine import bits, packed_masks, reading
from prune_tui.engine.packed_masks import PackedMask, bits_of, plain
from tests.engine.fingerprints import bits as every_bit

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.bool, torch.uint8, torch.complex64]
DTYPES += [torch.float8_e4m3fn, torch.float8_e5m2]


def both(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[Tensor, PackedMask]:
    """A mask, and the same at one bit an entry."""
    kept = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.6
    return kept.to(dtype), PackedMask(bits.pack(kept), dtype)


def same(one: Any, other: Any) -> None:
    if isinstance(one, list | tuple):
        for left, right in zip(one, other, strict=True):
            same(left, right)
    elif isinstance(one, Tensor):
        assert other.stride() == one.stride()
        assert every_bit(plain(other).contiguous()) == every_bit(one.contiguous())
    else:
        assert other == one


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_it_has_the_entries_of_the_mask(dtype: torch.dtype) -> None:
    for shape in ((5, 7), (3, 1, 4, 2), (9,), (), (0, 3)):
        mask, packed = both(*shape, dtype=dtype)
        same(mask, packed)
        told = ("shape", "dtype", "device", "layout", "is_meta", "requires_grad")
        assert [getattr(packed, name) for name in told] == [getattr(mask, name) for name in told]
        assert (packed.stride(), packed.numel(), packed.is_contiguous()) == (mask.stride(), mask.numel(), True)


OPERATIONS: dict[str, Callable[[Tensor], Any]] = {
    "equal to zero": lambda mask: mask == 0,
    "equal to one": lambda mask: mask == 1,
    "not zero": lambda mask: mask != 0,
    "not one": lambda mask: mask.ne(1.0),
    "not a half": lambda mask: mask != 0.5,
    "greater": lambda mask: mask > 0.5,
    "equal to another": lambda mask: mask == torch.ones(6, 8),
    "both packed": lambda mask: torch.equal(mask, mask),
    "sum": lambda mask: mask.sum(),
    "count": lambda mask: int(mask.count_nonzero()),
    "any of channels": lambda mask: mask.bool().any(dim=1),
    "cat": lambda mask: torch.cat([mask, torch.zeros(1, 8)]),
    "stack": lambda mask: torch.stack([mask, mask]),
    "clone": lambda mask: mask.clone(memory_format=torch.contiguous_format).mul_(2),
    "half": lambda mask: mask.half(),
    "as numbers": reading.as_numbers,
    "ones_like": torch.ones_like,
    "zeros of bool": lambda mask: torch.zeros_like(mask, dtype=torch.bool),
    "new_ones": lambda mask: mask.new_ones(3),
    "meta": lambda mask: torch.empty_like(mask, device="meta").stride(),
    "where": lambda mask: torch.where(mask.bool(), 3.0, -1.0),
    "a product": lambda mask: mask * torch.arange(48.0).view(6, 8),
    "the other way round": lambda mask: torch.arange(48.0).view(6, 8) * mask,
    "with NaN and infinity": lambda mask: mask * torch.full((6, 8), torch.inf),
    "with doubles": lambda mask: mask * torch.arange(48.0, dtype=torch.float64).view(6, 8),
    "with a number": lambda mask: mask * 2,
    "with a row": lambda mask: mask * torch.arange(8.0),
    "with strides": lambda mask: mask * torch.arange(48.0).view(8, 6).t(),
    "by itself": lambda mask: mask * mask,
    "one entry": lambda mask: (float(mask[2, 3]), bool(mask[-1, -1]), mask[1].tolist()),
    "rows": lambda mask: mask[1:4],
    "a column": lambda mask: mask[:, 3],
    "every other": lambda mask: mask[::2, 1::3],
    "transposed": lambda mask: mask.t()[2:, 1],
    "facets": lambda mask: mask.view(2, 3, 2, 4).permute(3, 0, 2, 1)[1:, 0],
    "in one row": lambda mask: mask.reshape(-1)[5:31],
    "pieces": lambda mask: mask.split(4),
    "unbound": lambda mask: mask.unbind(1),
    "expanded": lambda mask: mask[0].expand(3, 8) != 0,
    "picked": lambda mask: mask[torch.tensor([0, -1, 5]), torch.tensor([1, 1, -8])],
    "picked by flags": lambda mask: mask[mask == 0],
    "a row picked": lambda mask: mask[torch.tensor([3, 0])],
    "strided": lambda mask: mask.as_strided((2, 3), (17, 5), 3),
    "flattened": lambda mask: mask.t().flatten(),
    "as integers": lambda mask: mask.view(torch.int32),
    "numpy": lambda mask: mask.numpy().sum(),
    "by numpy": lambda mask: float(np.asarray(mask).mean()),
    "repr": repr,
    "turned": lambda mask: (mask.T, mask.mT, mask.H, mask.swapaxes(0, 1), mask.data),
    "times by name": lambda mask: mask.mul(other=torch.arange(48.0).view(6, 8)),
    "times, both by name": lambda mask: torch.mul(input=mask, other=torch.arange(48.0).view(6, 8)),
    "the other by name": lambda mask: torch.mul(torch.arange(48.0).view(6, 8), other=mask),
    "equal by name": lambda mask: (mask.eq(other=1), torch.ne(input=mask, other=0)),
    "flattened by name": lambda mask: torch.flatten(input=mask),
    "reshaped by name": lambda mask: torch.reshape(input=mask, shape=(-1,)),
    "zeros_like by name": lambda mask: torch.zeros_like(input=mask),
    "as bytes by name": lambda mask: mask.view(dtype=torch.uint8),
    "filled with an entry": lambda mask: torch.full_like(torch.zeros(2, dtype=torch.float64), mask[0, 0]),
    "without gradients": lambda mask: mask.requires_grad_(False).detach_(),
    "times a list": lambda mask: torch._foreach_mul([torch.arange(48.0).view(6, 8)], [mask]),
    "numbers changed by it": lambda mask: torch.ones(6, 8).mul_(mask),
    "a list changed by it": lambda mask: [
        one for one in [torch.ones(6, 8)] if not torch._foreach_mul_([one], [mask])
    ],
    "the list of it": lambda mask: np.asarray(mask, dtype=np.int64).tolist(),
}

CONVERSIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "double": lambda mask: mask.double().add_(1),
    "flags": lambda mask: mask.bool().logical_not_(),
    "half": lambda mask: mask.t()[2:].to(dtype=torch.float16).mul_(3),
    "as another": lambda mask: mask.type_as(torch.ones(1, dtype=torch.int64)).neg_(),
    "a copy": lambda mask: mask.to(torch.float32, copy=True).add_(1),
    "a copy by place": lambda mask: mask.to(torch.float32, False, True).add_(1),
    "a clone": lambda mask: mask.clone().add_(1),
    "shared": lambda mask: mask.share_memory_().clone(),
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_what_torch_copies_is_an_ordinary_tensor(name: str) -> None:
    mask, packed = both(6, 8)
    before, found = mask.clone(), CONVERSIONS[name](packed)
    assert type(found) is Tensor
    same(CONVERSIONS[name](mask), found)
    same(before, packed)


def test_a_conversion_that_changes_nothing_is_the_mask_itself() -> None:
    _, packed = both(6, 8)
    assert packed.to(torch.float32) is packed
    assert packed.to(device="cpu", dtype=torch.float32) is packed
    assert packed.float() is packed
    assert packed.cpu() is packed


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_give_what_they_give_of_the_mask(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_masks, "_PIECE", 7)
    mask, packed = both(6, 8)
    same(OPERATIONS[name](mask), OPERATIONS[name](packed))
    with torch.inference_mode():
        same(OPERATIONS[name](mask), OPERATIONS[name](packed))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_any_part_of_it_is_that_part_of_the_mask(shape: list[int], data: st.DataObject) -> None:
    mask, packed = both(*shape)
    one: Tensor = mask
    other: Tensor = packed
    for _ in range(data.draw(st.integers(1, 4))):
        if not one.dim():
            break
        axis = data.draw(st.integers(0, one.dim() - 1))
        action = data.draw(st.sampled_from(["slice", "select", "permute", "flatten"]))
        if action == "slice":
            start, stop = sorted(data.draw(st.tuples(*[st.integers(0, one.shape[axis])] * 2)))
            step = data.draw(st.integers(1, 3))
            index = (*[slice(None)] * axis, slice(start, stop, step))
            one, other = one[index], other[index]
        elif action == "select" and one.shape[axis]:
            at = data.draw(st.integers(0, one.shape[axis] - 1))
            one, other = one.select(axis, at), other.select(axis, at)
        elif action == "permute":
            one, other = one.movedim(axis, 0), other.movedim(axis, 0)
        else:
            one, other = one.flatten(), other.flatten()
    assert torch.equal(one, plain(other))
    assert torch.equal(one != 0, other != 0)


def test_parts_take_no_more_than_themselves() -> None:
    _, packed = both(1000, 1000)
    column = packed[:, 3]
    assert isinstance(column, PackedMask)
    assert column.bits is packed.bits
    assert bits_of(column) is None
    assert bits_of(packed.detach()) is packed.bits
    assert isinstance(packed.T, PackedMask)
    assert isinstance(packed.data, PackedMask)
    assert isinstance(packed.flatten()[10:20], PackedMask)


def test_pieces_are_written_out_when_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 16)
    mask, packed = both(6, 5, 4)
    for walk in (reading.pieces, reading.pieces_in_order):
        for (wanted,), (found,) in zip(walk(mask), walk(packed), strict=True):
            assert isinstance(found, PackedMask)
            assert torch.equal(wanted, plain(found))
    assert reading.masked_entries(packed) == int((mask == 0).sum())


WRITES: dict[str, Callable[[Tensor], Any]] = {
    "times": lambda mask: mask.mul_(0),
    "an entry": lambda mask: mask.__setitem__((0, 0), 0.0),
    "copied": lambda mask: mask.copy_(torch.zeros(4, 4)),
    "out": lambda mask: torch.add(torch.ones(4, 4), 1, out=mask),
    "one of two outs": lambda mask: torch.frexp(torch.ones(4, 4), out=(mask, torch.ones(4, 4, dtype=torch.int32))),
    "its data": lambda mask: setattr(mask, "data", torch.zeros(4, 4)),
    "times by an operator": lambda mask: mask.__imul__(0),
    "less by an operator": lambda mask: mask.__isub__(1),
    "to a power by an operator": lambda mask: mask.__ipow__(2),
    "data": lambda mask: mask.data.fill_(1),
    "an entry of the data": lambda mask: mask.data.__setitem__(0, 7),
    "turned": lambda mask: mask.T.zero_(),
    "turned matrices": lambda mask: mask.mT.zero_(),
    "real": lambda mask: mask.real.zero_(),
    "a row": lambda mask: mask[1].zero_(),
    "a list": lambda mask: torch._foreach_zero_([torch.ones(2), mask]),
    "a list by name": lambda mask: torch._foreach_add_(self=[mask], scalar=1),
    "in place": lambda mask: torch.nn.functional.relu(mask, inplace=True),
    "gradients": lambda mask: mask.requires_grad_(),
    "below Python": torch.ops.aten.zero_,
}


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_to_it(name: str) -> None:
    mask, packed = both(4, 4)
    with pytest.raises(RuntimeError, match=r"cannot be written to; register a tensor in its place"):
        WRITES[name](packed)
    same(mask, packed)


def test_nothing_is_written_to_its_array() -> None:
    mask, packed = both(4, 4)
    for array in (packed.numpy(), np.asarray(packed)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
    same(mask, packed)


def test_who_saves_its_memory_is_told_what_to_save(tmp_path: Path) -> None:
    mask, packed = both(4, 4)
    with pytest.raises(RuntimeError, match=r"kept at one bit an entry .*; mask\.clone\(\) is an ordinary tensor"):
        save_file({"mask": packed}, tmp_path / "mask.safetensors")
    save_file({"mask": packed.clone()}, tmp_path / "mask.safetensors")
    assert torch.equal(load_file(tmp_path / "mask.safetensors")["mask"], mask)


def test_copies_and_files() -> None:
    mask, packed = both(4, 4)
    assert copy.deepcopy(packed).bits is packed.bits
    assert copy.copy(packed).bits is packed.bits
    file = io.BytesIO()
    torch.save({"mask": packed}, file)
    file.seek(0)
    found = torch.load(file, weights_only=True)["mask"]
    assert type(found) is Tensor
    assert torch.equal(found, mask)


def test_masks_are_packed_without_a_look_at_them() -> None:
    mask, packed = both(5, 5)
    assert bits.packed(packed) is packed.bits
    assert bits.kept_by(packed) is packed.bits
    assert bits.is_binary(packed)
    assert bits.pack(bits.alive(packed)) == bits.pack(bits.alive(mask))


def test_torch_imports_nothing_for_it() -> None:
    """Importing its compiler or its distributed tensors takes a second and more."""
    import subprocess

    code = (
        "import sys, torch; from prune_tui.engine import bits\n"
        "from prune_tui.engine.packed_masks import PackedMask\n"
        "m = PackedMask(bits.pack(torch.ones(4, 4, dtype=torch.bool)), torch.float32)\n"
        "m * torch.ones(4, 4), m[1:], m == 0, m.detach(), m.half(), m.sum()\n"
        "print({'torch._dynamo', 'torch.distributed.tensor', 'sympy'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert ended.stdout.strip() == "set()"
