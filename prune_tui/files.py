"""What the UI asks of files, and what it is told of them: the forms a model is saved in, and what they take."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from prune_tui.checkpoint_views import CheckpointView
from prune_tui.request import Request
from prune_tui.views import Body

Form = Literal["pruned", "removed", "compact"]
"""As torch has it, `weight_orig` and `weight_mask`; with zeros in place and the names of the unpruned model; with
the kept values and one bit an entry."""
FORMS: tuple[Form, ...] = get_args(Form)


class GetSizes(Request, frozen=True):
    """How large the model is in each form. Answered with `Sizes`."""


class FormSize(msgspec.Struct, frozen=True):
    """A form.

    Attributes:
        form: Which.
        bytes: Of its tensors.
        name: A name for it that no file has, in the working folder of the engine.
    """

    form: Form
    bytes: int
    name: str


class Sizes(Body, frozen=True):
    """How large the model is in each form.

    Attributes:
        forms: Each form.
        source: Bytes of the files it was opened from; 0 where its code made it.
    """

    forms: tuple[FormSize, ...]
    source: int


class Save(Request, frozen=True):
    """Write the model, whole or not at all. Answered with `Saved`.

    Attributes:
        path: The file or folder, from the root of the file system on.
        form: Which form.
        overwrite: It may replace another file; without it, one that exists is answered `Failed(kind="exists")`.
        over_source: Also the one the model was opened from; without it that is answered `Failed(kind="source")`.
    """

    path: str
    form: Form = "pruned"
    overwrite: bool = False
    over_source: bool = False


class Saved(Body, frozen=True):
    """The model was written.

    Attributes:
        path: As asked for.
        bytes: Its size.
        how: How to load it, as lines of Python or of a shell.
        state: What it holds, as `Summary.state` tells it; steps may have been done since.
    """

    path: str
    bytes: int
    how: str
    state: tuple[int, ...] = ()


class GetSource(Request, frozen=True):
    """What the model was opened from. Answered with `CheckpointView`, or refused where its code made it."""


FileRequest = GetSizes | Save | GetSource
FileBody = Sizes | Saved | CheckpointView
