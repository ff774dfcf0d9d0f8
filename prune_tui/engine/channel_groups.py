"""Rows or columns of a tensor that belong together: the heads of an attention, the gates of a recurrent module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from prune_tui.engine import targets

_RECURRENT: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], tuple[str, ...]], ...] = (
    ((nn.LSTM, nn.LSTMCell), ("input", "forget", "cell", "output")),
    ((nn.GRU, nn.GRUCell), ("reset", "update", "new")),
)
"""In the order in which torch stacks them, as `torch.nn.LSTM` and `torch.nn.GRU` document `weight_ih_l[k]`."""
_GATED = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

_HEADS = ("num_heads", "n_heads", "num_attention_heads", "n_head")
_KEY_VALUE_HEADS = ("num_key_value_heads", "n_kv_heads", "num_kv_heads")
"""What attentions call their number of heads."""
_QUERY = {"q_proj", "q", "query", "wq", "to_q", "q_lin"}
_KEY_VALUE = {
    *("k_proj", "k", "key", "wk", "to_k", "k_lin"),
    *("v_proj", "v", "value", "wv", "to_v", "v_lin"),
}
_QUERY_KEY_VALUE = {"qkv", "in_proj", "Wqkv", "to_qkv"}
"""Linears that make all three, one below the other. Not `query_key_value`, where they alternate head by head."""
_OUTPUT = {"out_proj", "o_proj", "wo", "o", "proj", "out", "out_lin", "to_out"}


class Grouping(NamedTuple):
    """How an axis falls into groups.

    Attributes:
        axis: The axis.
        names: Of the groups.
        runs: Of each group where it is on the axis.
        told: What they are and how that was told, in a sentence.
    """

    axis: int
    names: tuple[str, ...]
    runs: tuple[tuple[slice, ...], ...]
    told: str


def grouping(model: nn.Module, path: str, shape: Sequence[int]) -> Grouping | None:
    """The heads or gates of a tensor.

    Args:
        model: The model.
        path: The tensor's dotted name.
        shape: Its sizes.

    Returns:
        None where nothing tells of any.

    Raises:
        StepError: The path names no module.
    """
    module, name = targets.locate(model, path)
    if not shape:
        return None
    if isinstance(module, nn.MultiheadAttention):
        return _of_torchs_attention(module, name, shape)
    gates = next((gates for kinds, gates in _RECURRENT if isinstance(module, kinds)), None)
    if gates is not None and name.startswith(_GATED):
        told = f"{type(module).__name__} stacks its gates along the first axis: {', '.join(gates)}."
        return _runs(0, shape, 1, [f"{gate} gate" for gate in gates], told)
    if isinstance(module, nn.Linear) and "." in path:
        parent, child = targets.locate(model, path.rpartition(".")[0])
        return _of_a_projection(parent, child, module, name, shape)
    return None


def _of_torchs_attention(module: nn.MultiheadAttention, name: str, shape: Sequence[int]) -> Grouping | None:
    heads = module.num_heads
    told = f"MultiheadAttention has num_heads={heads}: equal runs of rows"
    if name in {"in_proj_weight", "in_proj_bias"}:
        return _heads(0, shape, heads, f"{told} of q, of k and of v.", stacked=3)
    if name in {"q_proj_weight", "k_proj_weight", "v_proj_weight"}:
        return _heads(0, shape, heads, f"{told}.")
    return None


def _of_a_projection(
    parent: nn.Module, child: str, module: nn.Linear, name: str, shape: Sequence[int]
) -> Grouping | None:
    """Of a Linear whose parent says how many heads it has, and which is called what such are called."""
    attribute, heads = _number(parent, _HEADS)
    fewer, key_value_heads = _number(parent, _KEY_VALUE_HEADS)
    if child in _KEY_VALUE and key_value_heads:
        attribute, heads = fewer, key_value_heads
    if not heads:
        return None
    told = f"{type(parent).__name__} has {attribute}={heads}; {child} is taken for its"
    if child in _QUERY | _KEY_VALUE:
        return _heads(0, shape, heads, f"{told} input: equal runs of rows.")
    if child in _QUERY_KEY_VALUE and not key_value_heads and _makes_three(parent, module):
        return _heads(0, shape, heads, f"{told} q, k and v in one: equal runs of rows of each.", stacked=3)
    if child in _OUTPUT and name == "weight" and len(shape) > 1:
        return _heads(1, shape, heads, f"{told} output: equal runs of columns.")
    return None


def _makes_three(parent: nn.Module, module: nn.Linear) -> bool:
    """Whether its sizes are those of q, k and v in one: three times what comes in, or what the output takes.

    A name alone tells too little: an `in_proj` may make a gate beside, as Mamba's does, and a `qkv` fewer keys.
    """
    taken = {
        output.in_features
        for name, output in parent._modules.items()
        if name in _OUTPUT and isinstance(output, nn.Linear)
    }
    return module.out_features in {3 * size for size in taken or {module.in_features}}


def _number(module: nn.Module, names: Sequence[str]) -> tuple[str, int]:
    """The first of some attributes that is a count; 0 where there is none."""
    for name in names:
        found = vars(module).get(name)
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return name, found
    return "", 0


def _heads(axis: int, shape: Sequence[int], heads: int, told: str, stacked: int = 1) -> Grouping | None:
    return _runs(axis, shape, stacked, [f"head {head}" for head in range(heads)], told)


def _runs(axis: int, shape: Sequence[int], stacked: int, names: Sequence[str], told: str) -> Grouping | None:
    """An axis, or each of the parts stacked along it, in equal runs; None where it does not divide."""
    length, rest = divmod(shape[axis], stacked * len(names))
    if rest or not length:
        return None
    part = shape[axis] // stacked
    runs = tuple(
        tuple(slice(base + at * length, base + (at + 1) * length) for base in range(0, shape[axis], part))
        for at in range(len(names))
    )
    return Grouping(axis, tuple(names), runs, told)
