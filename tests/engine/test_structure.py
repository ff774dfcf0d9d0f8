from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import boxes
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.layers import NoValues, layers
from prune_tui.engine.structure import standing, structure
from prune_tui.engine.targets import locate


def ask(model, path="weight", stop=never):
    return structure(standing(model, path, layers(*locate(model, path), "effective")), stop)


def masked(module, mask, name="weight"):
    prune.custom_from_mask(module, name, mask)
    return module


def shares(told):
    return [(one.name, one.there, one.of) for one in told.patterns]


def test_what_is_dead_along_each_axis():
    mask = torch.ones(6, 4, 3, 3)
    mask[[0, 2]] = 0
    mask[:, 3] = 0
    told = ask(masked(nn.Conv2d(4, 6, 3), mask))
    assert [(one.size, one.dead, one.first) for one in told.axes] == [
        (6, 2, (0, 2)),
        (4, 1, (3,)),
        (3, 0, ()),
        (3, 0, ()),
    ]
    assert (told.elements, told.kept) == (216, 4 * 3 * 9)
    many = ask(masked(nn.Linear(2, 50), torch.zeros(50, 2)))
    assert (many.axes[0].dead, many.axes[0].first) == (50, tuple(range(12)))


def test_nothing_is_dead_where_nothing_is_pruned():
    told = ask(nn.Linear(32, 32))
    assert [one.dead for one in told.axes] == [0, 0]
    assert shares(told) == [("2:4 along in", 0, 256), ("4:8 along in", 0, 128), ("16×16 blocks", 0, 4)]


def test_groups_of_a_linear_run_along_in():
    rows = [[1, 1, 0, 0, 1, 0, 1, 0], [1, 1, 1, 0, 0, 0, 0, 1], [1, 1, 1, 0, 1, 1, 0, 0], [0] * 8]
    told = ask(masked(nn.Linear(8, 4), torch.tensor(rows)))
    assert shares(told)[:2] == [("2:4 along in", 2 + 1 + 1 + 2, 8), ("4:8 along in", 3, 4)]


def test_groups_of_a_convolution_run_along_in_at_each_place_of_the_kernel():
    mask = torch.ones(5, 8, 3, 2)
    mask[:, 2:6] = 0  # of each group of four input channels two
    told = ask(masked(nn.Conv2d(8, 5, (3, 2)), mask))
    assert shares(told)[:2] == [("2:4 along in", 5 * 2 * 6, 60), ("4:8 along in", 30, 30)]
    assert "each place of the kernel" in told.patterns[0].means
    transposed = ask(masked(nn.ConvTranspose2d(8, 5, (3, 2)), mask.transpose(0, 1)))
    assert shares(transposed)[:2] == shares(told)[:2]


def test_shapes_that_allow_no_pattern_say_why():
    told = ask(nn.Linear(10, 20))
    assert [one.of for one in told.patterns] == [0, 0, 0]
    assert told.patterns[0].means == "in is 10, which is no multiple of 4."
    assert "20×10" in told.patterns[2].means
    assert [one.of for one in ask(nn.Linear(12, 16)).patterns] == [48, 0, 0]
    assert "matrices" in ask(nn.Linear(3, 4), "bias").patterns[0].means
    assert [one.of for one in ask(nn.Linear(3, 4), "bias").patterns] == [0, 0, 0]


def test_what_torch_would_take_is_what_torch_says():
    (told, *_) = ask(nn.Linear(64, 32)).patterns
    assert "float16" in told.means
    assert "this one is float32 on cpu" in told.means
    assert "does not take 6×4: it needs multiples of 16 rows" in ask(nn.Linear(4, 6)).patterns[0].means
    assert "looked up" in ask(nn.Embedding(32, 32)).patterns[0].means


def test_torch_stores_2_4_and_loses_entries_of_4_8():
    """What the sentence about 4:8 says."""
    from torch.sparse._semi_structured_conversions import (
        sparse_semi_structured_from_dense_cutlass as stored,
    )
    from torch.sparse._semi_structured_conversions import (
        sparse_semi_structured_to_dense_cutlass as read,
    )

    values = torch.rand(64, 64).half() + 1
    two_of_four = values * torch.tensor([1, 0, 1, 0]).tile(64, 16)
    four_of_eight = values * torch.tensor([1, 1, 1, 1, 0, 0, 0, 0]).tile(64, 8)
    assert torch.equal(read(*stored(two_of_four)), two_of_four)
    assert not torch.equal(read(*stored(four_of_eight)), four_of_eight)


def test_blocks_that_are_empty_are_those_that_bsr_leaves_out():
    mask = torch.ones(32, 4, 4, 4)
    mask[:16, :2] = 0
    module = masked(nn.Conv2d(4, 32, 4), mask)
    told = ask(module).patterns[2]
    stored = module.weight.detach().reshape(32, 64).to_sparse_bsr((16, 16)).values().shape[0]
    assert (told.there, told.of) == (2, 8)
    assert stored == told.of - told.there


@st.composite
def masks(draw):
    sizes = st.sampled_from([1, 4, 8, 12, 16, 20, 32, 48])
    shape = [draw(sizes), draw(sizes), *draw(st.lists(st.integers(1, 2), max_size=2))]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    kept = torch.rand(shape, generator=generator) < draw(st.sampled_from([0.0, 0.03, 0.5, 0.97]))
    return kept.transpose(0, 1).contiguous().transpose(0, 1) if draw(st.booleans()) else kept


@given(masks(), st.integers(1, 200))
def test_structure_is_that_of_naive_torch(kept, piece):
    kinds = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d}
    module = kinds[kept.dim()].__new__(kinds[kept.dim()])
    nn.Module.__init__(module)
    module.weight = nn.Parameter(torch.ones_like(kept, dtype=torch.float32))
    masked(module, kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "PIECE", piece)
        patch.setattr(boxes, "_RUN", 1 + piece // 7)
        told = ask(module)
    for one in told.axes:
        dead = [at for at in range(one.size) if not kept.select(one.dim, at).any()]
        assert (one.dead, list(one.first)) == (len(dead), dead[:12])
    along = kept.movedim(1, -1)
    for one, size in zip(told.patterns, (4, 8), strict=False):
        if kept.shape[1] % size:
            assert one.of == 0
            continue
        groups = along.reshape(-1, size).sum(1)
        assert (one.there, one.of) == (int((groups <= size // 2).sum()), len(groups))
    matrix, blocks = kept.flatten(1), told.patterns[2]
    if matrix.shape[0] % 16 or matrix.shape[1] % 16:
        assert blocks.of == 0
    else:
        each = matrix.reshape(matrix.shape[0] // 16, 16, -1, 16).transpose(1, 2).flatten(2)
        assert (blocks.there, blocks.of) == (int((~each.any(2)).sum()), each[..., 0].numel())


# Groups


def test_gates_of_an_lstm_and_a_gru():
    lstm = nn.LSTM(3, 5)
    mask = torch.ones(20, 3)
    mask[5:10] = 0
    told = ask(masked(lstm, mask, "weight_ih_l0"), "weight_ih_l0")
    assert [one.name for one in told.groups] == ["input gate", "forget gate", "cell gate", "output gate"]
    assert [one.kept for one in told.groups] == [15, 0, 15, 15]
    assert told.groups[2].norm == pytest.approx(float(lstm.weight_ih_l0[10:15].norm()))
    assert "LSTM stacks its gates" in told.grouped
    assert [one.name for one in ask(nn.GRU(3, 5), "bias_hh_l0").groups] == [
        "reset gate",
        "update gate",
        "new gate",
    ]
    assert [one.entries for one in ask(nn.GRUCell(3, 5), "weight_hh").groups] == [25] * 3
    assert ask(nn.RNN(3, 5), "weight_ih_l0").groups == ()
    assert ask(nn.LSTM(3, 5, proj_size=2), "weight_hr_l0").groups == ()


def test_heads_of_torchs_attention():
    attention = nn.MultiheadAttention(8, 4)
    told = ask(attention, "in_proj_weight")
    assert [one.name for one in told.groups] == ["head 0", "head 1", "head 2", "head 3"]
    q, k, v = attention.in_proj_weight.detach().chunk(3)
    expected = math.sqrt(sum(float(part[2:4].square().sum()) for part in (q, k, v)))
    assert (told.groups[1].entries, told.groups[1].norm) == (48, pytest.approx(expected))
    assert told.grouped == "MultiheadAttention has num_heads=4: equal runs of rows of q, of k and of v."
    assert [one.entries for one in ask(attention, "in_proj_bias").groups] == [6] * 4
    out = ask(attention, "out_proj.weight")
    assert out.groups[3].norm == pytest.approx(float(attention.out_proj.weight[:, 6:].norm()))
    assert "equal runs of columns" in out.grouped
    assert ask(attention, "out_proj.bias").groups == ()
    apart = nn.MultiheadAttention(8, 2, kdim=6, vdim=4)
    assert [one.entries for one in ask(apart, "k_proj_weight").groups] == [24, 24]


def test_heads_of_a_module_that_says_how_many_it_has():
    model = nn.Module()
    model.attn = nn.Module()
    model.attn.n_heads, model.attn.n_kv_heads = 4, 2
    for name, rows in {"q_proj": 8, "k_proj": 4, "qkv": 24, "o_proj": 8, "gate": 8}.items():
        model.attn.add_module(name, nn.Linear(8, rows))
    groups = {
        name: len(ask(model, f"attn.{name}.weight").groups) for name in ("q_proj", "k_proj", "o_proj", "gate")
    }
    assert groups == {"q_proj": 4, "k_proj": 2, "o_proj": 4, "gate": 0}
    assert ask(model, "attn.k_proj.weight").grouped.startswith("Module has n_kv_heads=2; k_proj is taken for")
    assert ask(model, "attn.qkv.weight").groups == ()  # of fewer key heads than query heads it is not three alike
    del model.attn.n_kv_heads
    assert [one.entries for one in ask(model, "attn.qkv.weight").groups] == [48] * 4
    model.attn.n_heads = 3
    assert ask(model, "attn.q_proj.weight").groups == ()
    model.attn.n_heads = True
    assert ask(model, "attn.q_proj.weight").groups == ()


@pytest.mark.parametrize(
    ("rows", "out", "heads"),
    [
        (24, None, 4),
        (24, 8, 4),
        (48, 16, 4),
        (48, None, 0),  # q, k and v as wide as that, or two of each?
        (48, 8, 0),
        (24, 16, 0),  # 16 of q, and 4 each of k and of v
    ],
)
@pytest.mark.parametrize("name", ["qkv", "in_proj"])
def test_only_the_sizes_of_q_k_and_v_in_one_make_them_that(name, rows, out, heads):
    model = nn.Module()
    model.attn = nn.Module()
    model.attn.num_heads = 4
    model.attn.add_module(name, nn.Linear(8, rows))
    if out:
        model.attn.out_proj = nn.Linear(out, 8)
    assert len(ask(model, f"attn.{name}.weight").groups) == heads
    assert len(ask(model, f"attn.{name}.bias").groups) == heads


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.complex64, torch.int8, torch.bool])
@pytest.mark.parametrize("shape", [(0,), (), (3,), (4, 0), (0, 4), (16, 16), (2, 1, 2, 3, 2)])
def test_no_dtype_and_shape_raises(dtype, shape):
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(shape), requires_grad=False)
    masked(module, torch.zeros(shape))
    module.weight_orig = nn.Parameter(module.weight_orig.to(dtype), requires_grad=False)
    told = ask(module)
    assert (told.elements, told.kept) == (math.prod(shape), 0)
    assert len(told.axes) == len(shape)
    assert len(told.patterns) == 3


def test_a_tensor_without_values_says_why():
    told = ask(nn.Linear(2, 3, device="meta"))
    assert (told.elements, told.kept, told.note) == (6, 6, "on the meta device: no values")
    found = structure(NoValues("why", 9, 4), never)
    assert (found.elements, found.kept, found.note) == (9, 5, "why")


@pytest.mark.parametrize("asked", range(1, 5))
def test_walking_stops_between_boxes(monkeypatch, asked):
    monkeypatch.setattr(boxes, "PIECE", 256)
    calls = []

    def stop():
        calls.append(True)
        return len(calls) == asked

    with pytest.raises(Cancelled):
        ask(masked(nn.Linear(16, 16), torch.ones(16, 16)), stop=stop)
    assert len(calls) == asked
