from __future__ import annotations

import hashlib

import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import checksums


def linear() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2))
    prune.custom_from_mask(model[0], "weight", torch.tensor([[1, 0, 1, 1], [0, 0, 1, 1]]))
    return model


def test_it_is_what_a_script_computes_with_the_standard_library() -> None:
    wanted = hashlib.sha256(b"0.weight 2x4\n" + bytes([0b10110011]))

    assert checksums.of_model(linear()) == wanted.hexdigest()


def test_it_sees_every_bit_and_every_name_but_neither_dtype_nor_strides() -> None:
    model = linear()
    before = checksums.of_model(model)

    model[0].weight_mask = model[0].weight_mask.t().contiguous().t().half()
    assert checksums.of_model(model) == before
    prune.identity(model[1], "weight")
    assert checksums.of_model(model) != before
    model[1] = nn.Linear(2, 2)
    assert checksums.of_model(model) == before
    model[0].weight_mask[1, 3] = 0
    assert checksums.of_model(model) != before


def test_a_model_without_masks_has_the_digest_of_nothing() -> None:
    assert checksums.of_model(nn.Linear(2, 2)) == hashlib.sha256().hexdigest()
