"""A product that is known is given to torch's hook; autograd sees its own multiplication."""

import copy
import subprocess
import sys

import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.selection import product


def test_the_one_multiplication_is_answered_and_no_other():
    mask, original = torch.tensor([1.0, 0.0]), torch.nn.Parameter(torch.tensor([2.0, 3.0]))
    known = torch.tensor([5.0, 7.0])
    found = product.known(lambda: mask.to(original.dtype) * original, mask, original.detach(), known)
    assert found.tolist() == [5, 7]
    found.sum().backward()
    assert original.grad.tolist() == [1, 0]
    other = torch.tensor([2.0, 2.0])
    assert product.known(lambda: other * original, mask, original.detach(), known).tolist() == [4, 6]
    assert product.known(lambda: mask * original, mask, original.detach(), None).tolist() == [2, 0]


def test_what_torch_computes_in_another_way_is_left_to_it():
    ones = torch.ones(3, 4)
    assert product.computable(ones, ones.clone())
    assert not product.computable(ones.half(), ones.half())
    assert not product.computable(ones, torch.ones(4, 3).t())
    assert not product.computable(ones, ones.double())
    assert not product.computable(torch.ones(0), torch.ones(0))
    odd = torch.ones(1, 26)[:, ::2].clone().as_strided((1, 13), (26, 1))
    assert odd.is_contiguous()
    assert not product.computable(odd, odd)
    assert product.computable(torch.ones(2, 1, 3), torch.ones(2, 1, 3))


def test_strides_that_say_nothing_become_those_that_torch_gives():
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(26).as_strided((1, 13), (26, 1)))
    twin = copy.deepcopy(model)
    twin.weight.data = model.weight.data.clone().as_strided((1, 13), (26, 1))
    Session(model).apply("ln_structured", "weight", amount=4, n=2, dim=1)
    prune.ln_structured(twin, "weight", amount=4, n=2, dim=1)
    assert torch.equal(model.weight, twin.weight)
    assert model.weight.stride() == twin.weight.stride()


def test_where_denormals_are_flushed_torch_multiplies():
    assert not product.flushes()
    if torch.set_flush_denormal(True):
        try:
            assert product.flushes()
            torch.set_default_dtype(torch.float64)
            assert product.flushes()
            assert not product.computable(torch.ones(2), torch.ones(2))
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_flush_denormal(False)


def test_no_compiler_is_imported_for_it():
    code = (
        "import sys, torch; from prune_tui import Session;"
        "Session(torch.nn.Linear(3, 2)).apply('l1_unstructured', 'weight', amount=1);"
        "print([name for name in sys.modules if name.startswith('torch._dynamo')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before = "import sys, torch; print([name for name in sys.modules if name.startswith('torch._dynamo')])"
    expected = subprocess.run([sys.executable, "-c", before], capture_output=True, text=True, check=True).stdout
    assert told == expected
