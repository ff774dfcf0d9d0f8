import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine.earlier import Earlier
from prune_tui.engine.layers import NoValues, layers
from prune_tui.engine.selection.planned_masks import Whole
from prune_tui.engine.tiles import Pruning, tile
from prune_tui.tensor_requests import Block, GetTile
from prune_tui.view_rows import VIEWS
from prune_tui.views import ALIVE, MASKED, NEWLY_MASKED, WOULD_GO


def holding(tensor, mask=None):
    module = nn.Module()
    module.weight = nn.Parameter(tensor, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return module


def look(module, view="effective", *, rows=0, columns=1, blocks=None, newly=None, would_go=None):
    blocks = blocks or (Block((), (0, 99), (0, 99)),)
    planned = None if would_go is None else Whole(~would_go)
    found = layers(module, "weight", view)
    if not isinstance(found, NoValues):
        found = found._replace(earlier=Earlier(found.values, None))  # as if nothing had been pruned before
    return tile(found, GetTile("weight", view, rows, columns, tuple(blocks)), Pruning(newly, planned))


VALUES = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
EYE = torch.eye(2)


def test_the_views_of_a_pruned_tensor():
    module = holding(VALUES, EYE)
    shown = {view: look(module, view).blocks[0] for view in VIEWS}
    assert shown["effective"].values == (1, 0, 0, 4)
    assert shown["effective"].origs == (1, 2, 3, 4)
    assert shown["orig"].values == (1, 2, 3, 4)
    assert shown["mask"].values == (1, 0, 0, 1)
    assert shown["step"].values == shown["start"].values == (0, -2, -3, 0)
    assert {block.states for block in shown.values()} == {bytes([ALIVE, MASKED, MASKED, ALIVE])}
    assert [shown[view].origs for view in VIEWS[1:]] == [()] * 4


def test_the_views_of_a_tensor_that_is_not_pruned():
    module = holding(torch.tensor([[0.0, math.inf]]))
    assert {view: look(module, view).blocks[0].values for view in VIEWS} == {
        "effective": (0, math.inf),
        "orig": (0, math.inf),
        "mask": (1, 1),
        "step": (0, 0),
        "start": (0, 0),
    }
    assert look(module).blocks[0].states == bytes([ALIVE, ALIVE])
    assert look(module).blocks[0].origs == ()


def test_what_an_attribute_holds_is_never_shown():
    module = holding(VALUES, EYE)
    module.weight = torch.full((2, 2), 7.0)
    assert look(module).blocks[0].values == (1, 0, 0, 4)


def test_would_go_marks_the_living_and_newly_the_masked():
    everything = torch.ones(2, 2, dtype=torch.bool)
    module = holding(VALUES, EYE)
    (block,) = look(module, newly=everything, would_go=everything).blocks
    assert block.states == bytes([WOULD_GO, NEWLY_MASKED, NEWLY_MASKED, WOULD_GO])
    (block,) = look(holding(VALUES), would_go=EYE.bool()).blocks
    assert block.states == bytes([WOULD_GO, ALIVE, ALIVE, WOULD_GO])
    assert block.origs == (1, 2, 3, 4)


def test_one_axis_is_one_row_and_a_scalar_one_value():
    assert look(holding(torch.tensor([1.0, 2.0])), rows=-1, columns=0).blocks[0].values == (1, 2)
    assert look(holding(torch.tensor(5.0)), rows=-1, columns=-1).blocks[0].values == (5,)


def test_blocks_beyond_the_shape_are_clamped():
    blocks = [Block((), (-3, 1), (1, 50)), Block((), (2, 9), (0, 2)), Block((), (1, 0), (0, 2))]
    assert [block.values for block in look(holding(VALUES), blocks=blocks).blocks] == [(2,), (), ()]
    beyond = [Block((5,), (0, 2), (0, 2)), Block((-1,), (0, 2), (0, 2)), Block((0,), (0, 1), (0, 2))]
    shown = look(holding(VALUES[None], EYE[None]), rows=1, columns=2, blocks=beyond).blocks
    assert [block.values for block in shown] == [(), (), (1, 0)]


@pytest.mark.parametrize(
    ("rows", "columns", "facet"), [(0, 0, ()), (0, 2, ()), (-2, 1, ()), (0, 1, (0,)), (-1, 1, ())]
)
def test_axes_that_do_not_fit_are_noted(rows, columns, facet):
    shown = look(holding(VALUES), rows=rows, columns=columns, blocks=[Block(facet, (0, 1), (0, 1))])
    assert shown.blocks == ()
    assert "2×2" in shown.note


@st.composite
def requests(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=0, max_size=5))
    axes = draw(st.permutations(range(len(shape))))
    rows, columns = (axes[0], axes[1]) if len(axes) > 1 else (-1, len(axes) - 1)
    span = st.tuples(st.integers(0, 6), st.integers(0, 6))
    facet = [draw(st.integers(0, size - 1)) for axis, size in enumerate(shape) if axis not in (rows, columns)]
    return shape, rows, columns, Block(tuple(facet), draw(span), draw(span))


@given(requests(), st.booleans(), st.integers(0, 99))
def test_a_tile_is_plain_torch_indexing(asked, transposed, seed):
    torch.manual_seed(seed)
    shape, rows, columns, block = asked
    values = (
        torch.randn(shape[::-1]).permute(tuple(reversed(range(len(shape))))) if transposed else torch.randn(shape)
    )
    mask = (torch.rand(shape) < 0.5).float()
    newly = torch.rand(shape) < 0.5
    (shown,) = look(holding(values, mask), rows=rows, columns=columns, blocks=[block], newly=newly).blocks
    facets = [axis for axis in range(len(shape)) if axis not in (rows, columns)]
    order = [*facets, *(axis for axis in (rows, columns) if axis >= 0)]
    spans = [slice(*span) for axis, span in ((rows, block.rows), (columns, block.columns)) if axis >= 0]
    index = (*block.facet, *spans)
    expected = (values * mask).permute(order)[index]
    assert shown.values == tuple(expected.double().flatten().tolist())
    states = torch.where(mask == 0, torch.where(newly, NEWLY_MASKED, MASKED), ALIVE).permute(order)[index]
    assert shown.states == bytes(states.flatten().tolist())
    if any(shown.states):
        assert shown.origs == tuple(values.permute(order)[index].double().flatten().tolist())


DTYPES = [
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.bfloat16,
    torch.half,
    torch.float64,
    torch.int8,
    torch.int64,
    torch.uint16,
    torch.bool,
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_dtype_is_shown(dtype, view):
    module = holding(torch.tensor([[0, 1], [1, 0]]).to(dtype))
    assert look(module, view).blocks[0].values == (
        (1,) * 4 if view == "mask" else (0,) * 4 if view in {"step", "start"} else (0, 1, 1, 0)
    )
    prune.custom_from_mask(module, "weight", EYE)
    assert (
        look(module, view).blocks[0].values
        == {
            "effective": (0, 0, 0, 0),
            "orig": (0, 1, 1, 0),
            "mask": (1, 0, 0, 1),
            "step": (0, -1, -1, 0),
            "start": (0, -1, -1, 0),
        }[view]
    )


def test_complex_entries_show_their_magnitude():
    module = holding(torch.tensor([[3 + 4j, 1j]]), torch.tensor([[1.0, 0.0]]))
    assert [look(module, view).blocks[0].values for view in VIEWS] == [(5, 0), (5, 1), (1, 0), (0, 1), (0, 1)]


def test_a_masked_nan_still_shows_and_changes_nothing():
    module = holding(torch.tensor([[math.nan, 1.0]]), torch.tensor([[0.0, 1.0]]))
    effective, change = look(module).blocks[0], look(module, "step").blocks[0]
    assert math.isnan(effective.values[0])
    assert change.values == (0, 0)
    assert effective.states == bytes([MASKED, ALIVE])


@pytest.mark.parametrize(
    "tensor",
    [torch.empty(2, 2, device="meta"), nn.UninitializedParameter(), torch.eye(2).to_sparse()],
    ids=["meta", "uninitialised", "sparse"],
)
def test_a_tensor_without_values_says_why(tensor):
    module = nn.Module()
    module.weight = tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor)
    shown = look(module)
    assert shown.blocks == ()
    assert shown.note


def test_a_buffer_is_shown_and_a_missing_tensor_is_noted():
    module = nn.BatchNorm1d(2)
    request = GetTile("running_var", "effective", -1, 0, (Block((), (0, 1), (0, 9)),))
    shown = tile(layers(module, "running_var", "effective"), request, Pruning())
    assert shown.blocks[0].values == (1, 1)
    assert look(nn.ReLU()).note == "ReLU has no tensor weight"


def test_a_tile_of_a_huge_tensor_touches_what_is_seen_only():
    huge = torch.ones(1).expand(2**20, 2**20)  # 4 TiB, if anything copied it
    module = nn.Module()
    module.register_buffer("weight", huge)
    assert look(module, blocks=[Block((), (2**19, 2**19 + 2), (0, 3))]).blocks[0].values == (1,) * 6
