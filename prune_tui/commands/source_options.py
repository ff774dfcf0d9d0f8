"""The options that say how a source is opened, the same for every command that opens one."""

from __future__ import annotations

import dataclasses

from cyclopts import Parameter

from prune_tui.commands import seeds
from prune_tui.protocol import Open
from prune_tui.source_names import DEMO, is_path, missing
from prune_tui.step_settings import StepError


@Parameter(name="*")
@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """How a source is opened.

    Args:
        arg: name=value for the class or function; may be given several times.
        device: auto, cpu, cuda, cuda:0, mps.
        seed: Seeds the construction of the model.
        weights: A checkpoint to load into the model that the class or function makes.
        key: Which part of a trainer's dictionary to open, as model_state_dict.
        allow: A class or function that a checkpoint's pickle may use; may be given several times.
        trust: Let a checkpoint's pickle run whatever code it brings.
    """

    arg: tuple[str, ...] = ()
    device: str = "auto"
    seed: int = 0
    weights: str = ""
    key: str = ""
    allow: tuple[str, ...] = ()
    trust: bool = False

    def of(self, source: str) -> Open:
        """What opens one source.

        Raises:
            StepError: There is no such source, or the seed is none.
        """
        if why := missing(source):
            raise StepError(why)
        return Open(
            source,
            self.arg,
            self.device,
            seeds.checked(self.seed),
            unwrap=True,
            key=self.key,
            allow=self.allow,
            trust=self.trust,
            weights=self.weights,
        )

    def of_one_of(self, source: str, key: str) -> Open:
        """The same for a command with several sources: each takes what is meant for its kind.

        Args:
            source: A checkpoint, which takes the key, or code, which takes the arguments and the weights.
            key: Of this source.
        """
        arg, weights = (self.arg, self.weights) if is_code(source) else ((), "")
        key = key if is_path(source) else ""
        return dataclasses.replace(self, arg=arg, weights=weights, key=key).of(source)


def is_code(source: str) -> bool:
    """Whether a source names Python code."""
    return source != DEMO and not is_path(source)


AS_IT_IS = SourceOptions()
"""Nothing was said."""
