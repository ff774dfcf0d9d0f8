"""A recipe: the steps of a session as YAML, to be read, edited, kept under version control and applied again.

`recipe_reader` reads one, `replay` does its steps.
"""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from prune_tui import steps
from prune_tui.engine import checksums
from prune_tui.engine.exports import step_masks
from prune_tui.engine.exports.yaml_fields import scalar
from prune_tui.engine.named import class_name
from prune_tui.protocol import Open
from prune_tui.step_settings import Bits

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

VERSION = 1
_WIDTH = 100

HEADER = """\
# A recipe of prune-tui: the pruning steps of a session, in order. Yours to edit.
#
#   prune-tui apply RECIPE SOURCE -o pruned.pt      does them to a model, without a screen
#   prune_tui.Session(model).replay("RECIPE")       the same from Python
#
# An amount with a point is a fraction of what is left, one without is a count: 1 is one, 1.0 is all.
# A target is a tensor's dotted name or a pattern ("*.weight", "conv?.bias"), resolved anew on each model.
# Each checksum is of the masks a step gave (for remove: took away). On the same weights they must come out
# again; delete the checksums when you change a step.
"""


@dataclasses.dataclass(frozen=True)
class RecipeStep:
    """One step of a recipe.

    Attributes:
        step: What to do; its targets as they are written.
        place: File, line and field of it, for messages: `prune.yaml:7: steps[2]`.
        line: Its line.
        resolved: The targets that patterns stood for when the recipe was made; empty where it does not say.
        checksum: Of the masks it gave; empty where the recipe does not say.
    """

    step: steps.Step
    place: str
    line: int
    resolved: tuple[str, ...] = ()
    checksum: str = ""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a recipe says.

    Attributes:
        file: Where it comes from, as it is told.
        steps: In order.
        seed: Random steps without a seed draw theirs from it; None where it does not say.
        source: What the model was opened from; empty where it does not say.
        name: Class of the model; empty where it does not say.
        fingerprint: Of the model before the first step; empty where it does not say.
        checksum: Of all masks in the end; empty where it does not say.
    """

    file: str
    steps: tuple[RecipeStep, ...]
    seed: int | None = None
    source: str = ""
    name: str = ""
    fingerprint: str = ""
    checksum: str = ""


def written(session: Session, origin: Open | None = None) -> str:
    """The steps that a session has done, as text.

    Args:
        session: Its undone steps are left out; those before it, which its checkpoint tells of, stand first.
        origin: What the model was opened from, where that is known.
    """
    edits = session.edits()
    changes = step_masks.of_steps(session.model, edits)
    done = [
        (edit.step, step_masks.checksum(edit.step, changed)) for edit, changed in zip(edits, changes, strict=True)
    ]
    past = _past(session)
    model: dict[str, Any] = {"name": class_name(session.model), "fingerprint": session.fingerprint}
    if origin is not None:
        lists = {"arguments": list(origin.arguments), "plugins": list(origin.plugins)}
        model = {"source": origin.source, **{name: held for name, held in lists.items() if held}, **model}
    content = {
        "version": VERSION,
        "model": past.get("model", model),
        "seed": past.get("seed", session.seed),
        "steps": [
            *past.get("steps", ()),
            *(_step(step, own) for step, own in done),
        ],
        "checksum": checksums.of_model(session.model),
    }
    return _dumped(content)


def retargeted(text: str, called: Callable[[str], str]) -> str:
    """A recipe whose targets are called otherwise; patterns become what they stood for.

    Args:
        text: As `written` has it.
        called: The new name of a target.
    """
    content = yaml.safe_load(text)
    for step in content["steps"]:
        targets = step.pop("resolved", step["targets"])
        names = [called(name) for name in ([targets] if isinstance(targets, str) else targets)]
        step["targets"] = names[0] if len(names) == 1 else names
    return _dumped(content)


def _dumped(content: dict[str, Any]) -> str:
    dumped: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return f"{HEADER}{dumped}"


def _past(session: Session) -> dict[str, Any]:
    """What the model's checkpoint tells of the steps before; the recipe is of the model as it was before them."""
    return yaml.safe_load(session.past.recipe) if session.past.recipe else {}


def _step(step: steps.Step, checksum: str) -> dict[str, Any]:
    names = step.written or step.targets
    fields: dict[str, Any] = {
        "method": steps.name_of(step),
        "targets": names[0] if len(names) == 1 else list(names),
    }
    if step.written:
        fields["resolved"] = list(step.targets)
    fields |= steps.settings_of(step)
    # A recipe stands alone: the mask itself goes with it, also where the session read it from a file.
    fields |= {
        setting.name: getattr(step, setting.name)
        for setting in steps.method_of(step).settings
        if setting.kind == "bits" and getattr(step, setting.name, None) is not None
    }
    if getattr(step, "seed", None) is not None:
        # Beside a plugin's own setting of that name it needs another one.
        name = "step_seed" if steps.owns_seed(steps.method_of(step)) else "seed"
        fields[name] = getattr(step, "seed")  # noqa: B009 - random steps alone have one
    return {**fields, "checksum": checksum}


class _Text(str):
    """Text written as a block of lines."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes lists of scalars in one line, and quotes what `scalar` would read as anything but text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists, too."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything where it stands."""
        return True


def _of_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None if scalar(text) is text or scalar(text) == text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _of_block(dumper: yaml.SafeDumper, text: _Text) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")


def _of_list(dumper: yaml.SafeDumper, items: Sequence[Any]) -> yaml.Node:
    flat = not any(isinstance(item, (dict, list, tuple, Bits)) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flat)


def _of_mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", mapping, flow_style=False)


def _of_bits(dumper: yaml.SafeDumper, mask: Bits) -> yaml.Node:
    return _of_mapping(dumper, {"shape": list(mask.shape), **_encoded(mask)})


def _of_struct(dumper: yaml.SafeDumper, struct: msgspec.Struct) -> yaml.Node:
    return dumper.represent_data(msgspec.to_builtins(struct))


def _encoded(mask: Bits) -> dict[str, str]:
    """A mask's bytes as base64, compressed where that is shorter."""
    squeezed = zlib.compress(mask.data, 9)
    kind, data = ("zlib", squeezed) if len(squeezed) < len(mask.data) else ("bits", mask.data)
    text = base64.b64encode(data).decode()
    if len(text) <= _WIDTH:
        return {kind: text}
    return {kind: _Text("".join(f"{text[start : start + _WIDTH]}\n" for start in range(0, len(text), _WIDTH)))}


_Dumper.add_representer(str, _of_text)
_Dumper.add_representer(_Text, _of_block)
_Dumper.add_representer(list, _of_list)
_Dumper.add_representer(tuple, _of_list)
_Dumper.add_representer(dict, _of_mapping)
_Dumper.add_representer(Bits, _of_bits)
_Dumper.add_multi_representer(msgspec.Struct, _of_struct)
