"""YAML read with its line numbers, so that whatever is wrong in it is told with file, line and field.

Only what people write by hand is read: mappings, lists and scalars. Anchors, aliases and tags are refused, which
leaves no room for documents that grow when they are read or that name Python objects.
"""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import yaml

from prune_tui.step_settings import StepError, nearest

_DEEPEST = 12
_LONGEST_NUMBER = 64
_LONGEST_SHOWN = 60
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SIGNS = {"": 1, "+": 1, "-": -1}
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN", "nan"), math.nan),
    **{
        sign + word: number * math.inf
        for sign, number in _SIGNS.items()
        for word in (".inf", ".Inf", ".INF", "inf")
    },
}


def scalar(text: str) -> Any:
    """A plain scalar as YAML 1.2 means it, so that 1 is a count, 1.0 a fraction and 1e-3 a number.

    YAML 1.1, which PyYAML resolves by, takes `no` for False, `010` for 8 and `1e-3` for a string.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _LONGEST_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _refused(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses what a hand-written file has no need of."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, of a depth that no reader stumbles over."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(event, "anchors (&) and aliases (*) are not read")
        if getattr(event, "tag", None) is not None:
            raise _refused(event, "tags (!) are not read")
        if self._depth == _DEEPEST:
            raise _refused(event, "this is nested too deep")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


@dataclasses.dataclass(frozen=True)
class Field:
    """A place in a file, and what stands there.

    Attributes:
        file: Its name, as it is told.
        name: `steps[2].amount`; empty for the whole document.
        node: What PyYAML composed.
    """

    file: str
    name: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """1 for the first."""
        return int(self.node.start_mark.line) + 1

    def refusal(self, what: str) -> StepError:
        """An error that names file, line and field: `prune.yaml:7: steps[2].amount is 1.5; ...`."""
        return StepError(f"{self.file}:{self.line}: {self.name}{' ' if self.name else ''}{what}")

    def fields(self) -> dict[str, Field]:
        """What a mapping holds, by key.

        Raises:
            StepError: It is no mapping, or a key stands in it twice.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.refusal(f"is {self.shown()}; it must be a mapping, lines of `name: value`")
        found: dict[str, Field] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Field(self.file, self.name, key).refusal("has a list or a mapping as a key; a key is a word")
            field = Field(self.file, f"{self.name}.{key.value}" if self.name else key.value, value)
            if key.value in found:
                first = found[key.value].line
                raise Field(self.file, field.name, key).refusal(f"is given twice, in line {first} before")
            found[key.value] = field
        return found

    def known_fields(self, known: list[str]) -> dict[str, Field]:
        """What a mapping holds, by key.

        Raises:
            StepError: As `fields`; or a key that is not known, with the nearest one that is.
        """
        found = self.fields()
        for name, field in found.items():
            if name not in known:
                raise field.refusal(f"is not known{nearest(name, known)}; here may stand {', '.join(known)}")
        return found

    def elements(self) -> list[Field]:
        """What a list holds.

        Raises:
            StepError: It is no list.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.refusal(f"is {self.shown()}; it must be a list")
        return [Field(self.file, f"{self.name}[{index}]", node) for index, node in enumerate(self.node.value)]

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def text(self) -> str:
        """A scalar as it is written, `0` and `1.5` too.

        Raises:
            StepError: It is a list, a mapping or nothing.
        """
        if not isinstance(self.node, yaml.ScalarNode) or (self.value() is None):
            raise self.refusal(f"is {self.shown()}; it must be text")
        return str(self.node.value)

    def value(self) -> Any:
        """A scalar's value; lists and mappings as Python's."""
        if isinstance(self.node, yaml.SequenceNode):
            return [field.value() for field in self.elements()]
        if isinstance(self.node, yaml.MappingNode):
            return {name: field.value() for name, field in self.fields().items()}
        plain = isinstance(self.node, yaml.ScalarNode) and not self.node.style
        return scalar(self.node.value) if plain else self.node.value

    def shown(self) -> str:
        """What stands there, short enough for a sentence."""
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        value = self.value()
        if value is None:
            return "empty"
        text = repr(value)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        StepError: There is no such file, or it cannot be read as UTF-8.
    """
    try:
        if not path.is_file():
            raise StepError(
                f"{path} is a folder or a device; name a file" if path.exists() else f"there is no file {path}"
            )
        return decoded(path.read_bytes(), str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, StepError):
            raise
        raise StepError(f"{path} cannot be read: {error}") from error


def decoded(data: bytes, file: str) -> str:
    """Bytes as text.

    Raises:
        StepError: They are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StepError(f"{file}:{line}: this is not UTF-8 text (byte 0x{data[error.start]:02x})") from error


def document(text: str, file: str) -> Field:
    """The document in a text.

    Raises:
        StepError: It is not YAML, or empty.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        what = " ".join(str(error.problem or error.context).split())
        raise StepError(f"{file}:{line}: {what}{_hint(text, line)}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise StepError(f"{file}:{line}: a character {error.character:#x} is not allowed in YAML") from error
    except Exception as error:  # PyYAML raises ValueError and others on some escapes
        raise StepError(f"{file}: this is not YAML: {type(error).__name__}: {error}") from error
    if node is None:
        raise StepError(f"{file}:1: it is empty")
    return Field(file, "", node)


def _hint(text: str, line: int) -> str:
    """What is most likely wrong in a line that is not YAML."""
    lines = text.splitlines()
    row = lines[line - 1] if line <= len(lines) else ""
    if lines[:1] and lines[0].lstrip().startswith(('"""', "import ", "from ")):
        return ". This is Python: a script is run by python itself, prune-tui apply takes a recipe"
    if re.search(r"[:\[,-]\s*[*?\[&%@`]", row):
        return '. A pattern stands in quotes: "*.weight"'
    return ". Are the lines indented alike?" if "block" in row or row[:1] == " " else ""
