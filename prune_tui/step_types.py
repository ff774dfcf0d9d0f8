"""The edits themselves: one typed struct per step, its settings as annotated fields.

What they are called and which key opens them stands in `prune_tui.steps`, which gives these names on.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from prune_tui.step_settings import Bits, Setting

Amount = Annotated[
    int | float | str,
    Setting(
        "amount",
        "A fraction of what is left (0.3), a count (3), or the total to reach (to 80%), at once or by a cubic"
        " schedule from what is masked now (to 80% 1/5). 1 is one, 1.0 is all.",
        default=0.3,
    ),
]
Dim = Annotated[
    int,
    Setting("dim", "The axis whose channels go; 0 is the output axis of Linear and Conv layers.", default=0),
]
Seed = Annotated[
    int | None,
    Setting("seed", "torch.manual_seed before the step; empty draws one from the session's seed."),
]
Ties = Annotated[
    Literal["torch", "index"],
    Setting(
        "choice",
        "Which of several equal magnitudes go: those torch picks, or the first ones, which takes no extra memory.",
        default="torch",
        choices=("torch", "index"),
        asked=False,
        quiet=True,
    ),
]


Norm = Annotated[
    int | float | str,
    Setting("norm", "The order of the norm: a number, inf, -inf, fro (2-D, 3-D) or nuc (3-D).", default=2),
]
Floor = Annotated[
    float,
    Setting(
        "share", "Leave at least this share of each tensor, 0.05 say; 0 is no floor.", default=0.0, quiet=True
    ),
]


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="method", forbid_unknown_fields=True):
    """One edit of a model.

    Attributes:
        targets: Dotted names of the tensors it works on (`"conv1.weight"`), in order. Before the step is planned a
            name may be a pattern (`"*.weight"`).
        written: What stood there before patterns were resolved; empty where there was none.
    """

    targets: tuple[str, ...]
    written: tuple[str, ...] = ()


class Identity(Step, frozen=True, kw_only=True, tag="identity"):
    """Attach a mask of ones: nothing goes, but the tensor is ready for pruning."""


class RandomUnstructured(Step, frozen=True, kw_only=True, tag="random_unstructured"):
    """Prune entries at random."""

    amount: Amount
    seed: Seed = None


class L1Unstructured(Step, frozen=True, kw_only=True, tag="l1_unstructured"):
    """Prune the entries of smallest magnitude."""

    amount: Amount
    ties: Ties = "torch"


class RandomStructured(Step, frozen=True, kw_only=True, tag="random_structured"):
    """Prune whole channels at random."""

    amount: Amount
    dim: Dim = 0
    seed: Seed = None


class LnStructured(Step, frozen=True, kw_only=True, tag="ln_structured"):
    """Prune the whole channels of smallest Ln norm."""

    amount: Amount
    n: Norm = 2
    dim: Dim = 0


class GlobalUnstructured(Step, frozen=True, kw_only=True, tag="global_unstructured"):
    """Prune entries across all targets at once, as one long vector."""

    amount: Amount
    pruning_method: Annotated[
        Literal["L1Unstructured", "RandomUnstructured"],
        Setting(
            "choice",
            "How entries are ranked across the tensors.",
            default="L1Unstructured",
            choices=("L1Unstructured", "RandomUnstructured"),
        ),
    ] = "L1Unstructured"
    floor: Floor = 0.0
    seed: Seed = None
    ties: Ties = "torch"


class CustomFromMask(Step, frozen=True, kw_only=True, tag="custom_from_mask"):
    """Apply a mask read from a file: entries where it is 0 go."""

    file: Annotated[
        str,
        Setting("file", "A .pt, .npy or .safetensors file; file.safetensors:name picks one of several tensors."),
    ] = ""
    mask: Annotated[
        Bits | tuple[Bits, ...] | None,
        Setting("bits", "The mask itself, or one for each target; beside it, file only says where it came from."),
    ] = None


class SemiStructured(Step, frozen=True, kw_only=True, tag="semi_structured"):
    """Keep the N largest of every M consecutive entries along an axis."""

    pattern: Annotated[
        str,
        Setting(
            "pattern", "N:M keeps N of every M entries; 2:4 is what NVIDIA's sparse kernels take.", default="2:4"
        ),
    ] = "2:4"
    dim: Annotated[
        int,
        Setting("dim", "The axis along which the M entries follow; 1 is the input axis.", default=1),
    ] = 1


class GlobalStructured(Step, frozen=True, kw_only=True, tag="global_structured"):
    """Prune whole channels across all targets at once, by their Ln norm for their size."""

    amount: Annotated[
        int | float | str,
        Setting(
            "amount", "A fraction of the channels left in all targets (0.3), a count, or to 80%.", default=0.3
        ),
    ]
    n: Annotated[
        int | float | str,
        Setting("norm", "The order of the norm: a number but 0, inf or -inf.", default=2),
    ] = 2
    dim: Dim = 0
    floor: Floor = 0.0


class Lamp(Step, frozen=True, kw_only=True, tag="lamp"):
    """Prune entries across all targets at once, each measured by the larger ones of its tensor."""

    amount: Amount
    floor: Floor = 0.0


class UniformPlus(Step, frozen=True, kw_only=True, tag="uniform_plus"):
    """Prune all targets alike, but not the first convolution, nor more than 80% of the last linear layer."""

    amount: Amount
    floor: Floor = 0.0
    ties: Ties = "torch"


class ErdosRenyiKernel(Step, frozen=True, kw_only=True, tag="erdos_renyi_kernel"):
    """Prune large layers more than small ones, each by magnitude."""

    amount: Amount
    floor: Floor = 0.0
    ties: Ties = "torch"


class ImportanceScores(Step, frozen=True, kw_only=True, tag="importance_scores"):
    """Prune the entries of smallest score, by scores read from a file."""

    amount: Amount
    file: Annotated[
        str,
        Setting(
            "file", "A .pt, .npy, .npz or .safetensors file with a score for each entry, named as the tensors."
        ),
    ]
    scope: Annotated[
        Literal["tensor", "global"],
        Setting(
            "choice",
            "Whether entries are ranked in each tensor, or across all of them.",
            default="tensor",
            choices=("tensor", "global"),
        ),
    ] = "tensor"
    floor: Floor = 0.0
    mask: Annotated[
        Bits | tuple[Bits, ...] | None,
        Setting(
            "bits", "What the scores came to, so that the file is not needed again; without it, it is read anew."
        ),
    ] = None


class CustomMethod(Step, frozen=True, kw_only=True, tag="custom_method"):
    """Prune by a method that a plugin has added.

    Attributes:
        name: Of the method.
        settings: What its class is constructed with.
        seed: Whether it draws is not known: every one is seeded.
    """

    name: str
    settings: dict[str, Any] = {}
    seed: Seed = None


class Remove(Step, frozen=True, kw_only=True, tag="remove"):
    """Make the pruning permanent: write the zeros into the parameter; drop its mask and hook."""


class Reattach(Step, frozen=True, kw_only=True, tag="reattach"):
    """Attach torch's hook again where only the original and the mask are left."""


class Restore(Step, frozen=True, kw_only=True, tag="restore"):
    """Give a parameter its name back where a failed prune has left it as an original without a mask."""


class DropHooks(Step, frozen=True, kw_only=True, tag="drop_hooks"):
    """Drop pruning hooks that do no work: an empty container, all but one on a tensor, one whose tensors are gone.

    For an empty container the target is the module that holds it.
    """


class HookFirst(Step, frozen=True, kw_only=True, tag="hook_first"):
    """Call a pruning hook before the other hooks of its module, so that these see fresh values."""


class Refresh(Step, frozen=True, kw_only=True, tag="refresh"):
    """Compute the attribute from the original and the mask again, as the hook would at the next forward."""


class Binarise(Step, frozen=True, kw_only=True, tag="binarise"):
    """Make a mask of zeros and ones; what it scaled by goes into the values, so the forward stays the same."""


class CleanMasked(Step, frozen=True, kw_only=True, tag="clean_masked"):
    """Write 0 over the NaN and infinite values that a mask takes: 0 × NaN is NaN, so they still poison."""


class Unite(Step, frozen=True, kw_only=True, tag="unite"):
    """Give every place of a tied parameter one mask: what any of them masks goes everywhere."""


AnyStep = (
    Identity
    | RandomUnstructured
    | L1Unstructured
    | RandomStructured
    | LnStructured
    | GlobalUnstructured
    | CustomFromMask
    | SemiStructured
    | GlobalStructured
    | Lamp
    | UniformPlus
    | ErdosRenyiKernel
    | ImportanceScores
    | CustomMethod
    | Remove
    | Reattach
    | Restore
    | DropHooks
    | HookFirst
    | Refresh
    | Binarise
    | CleanMasked
    | Unite
)
