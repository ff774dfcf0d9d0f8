import hypothesis.strategies as st
import numpy
import pytest
import torch
from hypothesis import given

from prune_tui.engine import bits

FLOAT8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
DTYPES = [
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.complex64,
    torch.int64,
    torch.uint8,
    torch.bool,
    *FLOAT8,
]


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(0, 2**16))
def test_any_mask_is_what_it_was_after_packing(shape, seed):
    mask = torch.randint(0, 2, tuple(shape), generator=torch.Generator().manual_seed(seed)).bool()
    packed = bits.pack(mask)
    assert packed.shape == tuple(shape)
    assert len(packed.data) == -(-mask.numel() // 8)
    assert torch.equal(bits.unpack(packed), mask)


def test_a_packed_mask_is_numpys():
    mask = torch.tensor([[True, False, True], [False, False, True]])
    assert bits.pack(mask).data == numpy.packbits([1, 0, 1, 0, 0, 1]).tobytes()
    assert bits.pack(mask.t().contiguous().t()) == bits.pack(mask)
    assert str(bits.pack(mask)) == "<2×3 mask>"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_a_mask_keeps(dtype):
    mask = torch.tensor([0.0, 1.0, 1.0]).to(dtype)
    assert bits.alive(mask).tolist() == [False, True, True]
    assert bits.is_binary(mask)
    assert bits.survives(mask)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.complex64], ids=str)
def test_minus_nought_keeps_nothing_but_is_not_nought(dtype):
    mask = torch.tensor([-0.0, 1.0]).to(dtype)
    assert bits.alive(mask).tolist() == [False, True]
    assert bits.is_binary(mask)
    assert not bits.survives(mask)


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0, torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.complex64, torch.float8_e5m2], ids=str)
def test_other_values_are_seen(value, dtype):
    mask = torch.tensor([0.0, 1.0, value]).to(dtype)
    assert not bits.is_binary(mask)
    assert not bits.survives(mask)
    assert bits.alive(mask)[2]


@pytest.mark.parametrize(
    "dtype", [*DTYPES[:6], *FLOAT8, torch.complex32, torch.complex128, torch.uint16, torch.float64], ids=str
)
def test_entries_are_put_bit_by_bit(dtype):
    source = torch.arange(32 * dtype.itemsize, dtype=torch.uint8).view(dtype).view(4, 8)[:, :4]  # with strides
    target = torch.zeros(4, 4, dtype=dtype)
    where = torch.arange(16).view(4, 4) % 3 == 0
    bits.put(target, where, source[where])
    assert torch.equal(bits.integers(target)[where], bits.integers(source)[where])
    assert not bits.alive(target[~where]).any()


def test_entries_of_another_dtype_are_converted():
    target = torch.zeros(3, dtype=torch.float16)
    bits.put(target, torch.tensor([True, False, True]), torch.tensor([1.5, 2.5]))
    assert target.tolist() == [1.5, 0, 2.5]
