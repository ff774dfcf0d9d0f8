"""What the axes of a parameter are called: out, in, kh, kw; gate, hidden; index, feature."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

Axes = tuple[str, ...]

_KERNELS: dict[int, Axes] = {1: ("k",), 2: ("kh", "kw"), 3: ("kd", "kh", "kw")}


def _kernels(*channels: str) -> tuple[Axes, ...]:
    return tuple(channels + kernel for kernel in _KERNELS.values())


_RECURRENT: dict[str, tuple[Axes, ...]] = {
    "weight_ih": (("gate", "in"),),
    "weight_hh": (("gate", "hidden"),),
    "weight_hr": (("out", "hidden"),),
    "bias": (("gate",),),
}
_EMBEDDING: dict[str, tuple[Axes, ...]] = {"weight": (("index", "feature"),)}
_FEATURES: dict[str, tuple[Axes, ...]] = {"": (("feature",),)}

# By module type, then by how the tensor's name begins; of several the first that has as many axes as the tensor.
# A subclass stands before its base.
_AXES: tuple[tuple[type[nn.Module], dict[str, tuple[Axes, ...]]], ...] = (
    (nn.Linear, {"weight": (("out", "in"),), "bias": (("out",),)}),
    (nn.Bilinear, {"weight": (("out", "in1", "in2"),), "bias": (("out",),)}),
    (_ConvTransposeNd, {"weight": _kernels("in", "out"), "bias": (("out",),)}),
    (_ConvNd, {"weight": _kernels("out", "in"), "bias": (("out",),)}),
    (nn.Embedding, _EMBEDDING),
    (nn.EmbeddingBag, _EMBEDDING),
    (nn.RNNBase, _RECURRENT),
    (nn.RNNCellBase, _RECURRENT),
    (
        nn.MultiheadAttention,
        {
            "in_proj_weight": (("qkv", "in"),),
            "in_proj_bias": (("qkv",),),
            "q_proj_weight": (("out", "in"),),
            "k_proj_weight": (("out", "in"),),
            "v_proj_weight": (("out", "in"),),
        },
    ),
    (_NormBase, _FEATURES),
    (nn.GroupNorm, _FEATURES),
    (nn.LayerNorm, _FEATURES),
    (nn.RMSNorm, _FEATURES),
    (nn.PReLU, _FEATURES),
)


def axis_names(module: nn.Module, name: str, shape: tuple[int, ...]) -> Axes:
    """A name for each axis of a tensor.

    Args:
        module: What holds the tensor.
        name: The tensor's name there: `weight`, also while it is pruned.
        shape: Its sizes.

    Returns:
        As many names as the shape has axes; `d0`, `d1`... where nothing better is known.
    """
    for kind, named in _AXES:
        if not isinstance(module, kind):
            continue
        for prefix, candidates in named.items():
            for axes in candidates:
                if name.startswith(prefix) and len(axes) == len(shape):
                    return axes
    return tuple(f"d{axis}" for axis in range(len(shape)))
