"""Named tensors as files hold them: what every reader of a checkpoint hands over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from prune_tui.engine.sources import tensor_names
from prune_tui.engine.sources.mapped_file import MappedFile


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What a file or a folder of tensors holds.

    Attributes:
        path: The file or folder.
        kind: What it is, in words: `safetensors file`.
        tensors: By the names in the files, in their order. Mapped where that is possible; whatever is written to
            them, the files stay as they are.
        shards: The file each tensor is in, where there are several.
        files: What is mapped.
        metadata: What the files say of themselves.
        config: A Hugging Face model's `config.json`.
        prefix: What every name began with and was taken off: `module.`.
        wrappers: What may stand before all names of a file of this kind, and is no module of the model.
        chosen: Which part of a trainer's dictionary was taken: `model_state_dict`; empty where it is all of it.
        others: Which parts could be chosen instead.
        left_out: What is in the file and is no tensor.
        unplaced: Tensors that have no place in a tree of modules; they are saved as they are.
        index: The file that says where the tensors are; None where there is none.
        notes: What a person should know.
        refusal: Why nothing of it can be pruned in place; empty where it can.
        module: What the file holds instead of named tensors, where a person let its pickle make it.
        renamed: What a tensor is called in the files, by its name in the model, where that is another. Both are
            the names without pruning, as what a pruned one is saved as depends on the form.
        compacted: How many tensors are kept values and bits in the files, and were unpacked.
    """

    path: Path
    kind: str
    tensors: Mapping[str, Tensor]
    shards: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: tuple[MappedFile, ...] = ()
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prefix: str = ""
    wrappers: tuple[str, ...] = ()
    chosen: str = ""
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unplaced: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    index: Path | None = None
    notes: tuple[str, ...] = ()
    refusal: str = ""
    module: nn.Module | None = None
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    compacted: int = 0

    def __post_init__(self) -> None:
        tensor_names.check(self.path, self.tensors)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files it is in, the index among them."""
        return (*(file.path for file in self.files), *([] if self.index is None else [self.index]))

    def check(self) -> None:
        """Make sure that the files are still what was opened.

        Raises:
            FileChangedError: One is not.
        """
        for file in self.files:
            file.check()

    def forget(self) -> None:
        """Drop what was read of the files, so that what was walked through does not stay in memory."""
        for file in self.files:
            file.forget()

    def without_prefix(self, *prefixes: str) -> Checkpoint:
        """The same without what all names begin with, as a wrapper of the model has put it there."""
        return self.with_prefix(self.prefix + tensor_names.common_prefix(self.tensors, prefixes))

    def with_prefix(self, prefix: str) -> Checkpoint:
        """The same with this much taken off the names in the files, and not what was taken off before.

        Args:
            prefix: All names in the files begin with it, dots included.
        """
        if prefix == self.prefix:
            return self
        before, cut = self.prefix, len(prefix)
        notes = tuple(note for note in self.notes if note != _told(before))
        return dataclasses.replace(
            self,
            tensors={(before + name)[cut:]: tensor for name, tensor in self.tensors.items()},
            shards={(before + name)[cut:]: shard for name, shard in self.shards.items()},
            prefix=prefix,
            notes=(*notes, _told(prefix)) if prefix else notes,
        )


def _told(prefix: str) -> str:
    return f"every name begins with {prefix}, as a wrapper's do: not shown, and saved again"
