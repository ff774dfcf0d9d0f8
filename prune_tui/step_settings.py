"""The settings of a step: of which kind each is, how it is asked for, read from text and checked.

Nothing here imports torch; what needs the tensor to be checked is left to the engine.
"""

from __future__ import annotations

import difflib
import math
import numbers
from typing import Any, Literal, cast

import msgspec

from prune_tui import totals
from prune_tui.told_names import escaped

SettingKind = Literal[
    "amount",
    "dim",
    "norm",
    "choice",
    "file",
    "seed",
    "bits",
    "pattern",
    "integer",
    "float",
    "number",
    "text",
    "flag",
    "any",
    "share",
]
MATRIX_NORMS = ("fro", "nuc")


class StepError(ValueError):
    """A step that cannot be built or applied; its text says what is wrong, where, and what to do, on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))


class Setting(msgspec.Struct, frozen=True):
    """How a person is asked for one setting of a step.

    Attributes:
        kind: What is typed: decides how the text is read, checked and echoed.
        sentence: One sentence of help.
        default: What the form holds the first time; None where the person must say.
        choices: The permitted values of a `choice`.
        name: The field of the step; filled in from the struct.
        optional: None is a value, too: an empty field.
        asked: The form has a field for it; else it is set in recipes and by Python.
        quiet: Told only where it is not the default.
    """

    kind: SettingKind
    sentence: str
    default: Any = None
    choices: tuple[str, ...] = ()
    name: str = ""
    optional: bool = False
    asked: bool = True
    quiet: bool = False


class Bits(msgspec.Struct, frozen=True, weakref=True):
    """A mask, one bit an entry: what `numpy.packbits` makes of it, in the order of its elements.

    Attributes:
        shape: The mask's shape.
        data: ceil(elements / 8) bytes.
    """

    shape: tuple[int, ...]
    data: bytes

    def __str__(self) -> str:
        return f"<{'×'.join(map(str, self.shape))} mask>"

    __repr__ = __str__  # its bytes would fill the screen


def nearest(word: str, known: Any) -> str:
    """`; did you mean 'conv1'?` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def checked(setting: Setting, value: Any) -> Any:
    """A setting's value as a plain Python value, or StepError with the reason.

    Only what can be known without the tensor is checked here; the engine checks the rest.
    """
    if value is None and setting.optional:
        return None
    return _CHECKS[setting.kind](setting, value)


def _plain_number(setting: Setting, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise StepError(f"{setting.name} is {value!r}; it must be a number")
    if not isinstance(value, numbers.Integral):
        return float(value)
    if not -(2**63) <= int(value) < 2**63:
        raise StepError(f"{setting.name} is {value}; it must fit 64 bits")
    return int(value)


def _checked_amount(setting: Setting, value: Any) -> int | float | str:
    if isinstance(value, str):
        return _checked_total(setting, value)
    amount = _plain_number(setting, value)
    if isinstance(amount, float) and not 0.0 <= amount <= 1.0:
        raise StepError(
            f"{setting.name} is {amount}; a fraction lies between 0.0 and 1.0, a count is a whole number"
        )
    if amount < 0:
        raise StepError(f"{setting.name} is {amount}; a count cannot be negative")
    return amount


def _checked_total(setting: Setting, text: str) -> str:
    try:
        total = totals.read(text)
    except ValueError as error:
        raise StepError(f"{setting.name} is {text!r}; {error}") from error
    if total is None:
        raise StepError(f"{setting.name} is {text!r}; it must be a number, or a total such as 'to 80%'")
    return str(total)


def _checked_integer(setting: Setting, value: Any) -> int:
    number = _plain_number(setting, value)
    if not isinstance(number, int):
        raise StepError(f"{setting.name} is {value!r}; it must be a whole number")
    return number


def _checked_seed(setting: Setting, value: Any) -> int | None:
    if value is None:
        return None
    seed = _checked_integer(setting, value)
    if not 0 <= seed < 2**63:
        raise StepError(f"{setting.name} is {seed}; it must lie between 0 and 2**63 - 1")
    return seed


def _checked_norm(setting: Setting, value: Any) -> int | float | str:
    if isinstance(value, str):
        if value in MATRIX_NORMS:
            return value
        raise StepError(f"{setting.name} is {value!r}; it must be a number, inf, -inf, fro or nuc")
    number = _plain_number(setting, value)
    if isinstance(number, float) and math.isnan(number):
        raise StepError(f"{setting.name} is nan; it must be a number, inf, -inf, fro or nuc")
    return number


def _checked_choice(setting: Setting, value: Any) -> str:
    if value not in setting.choices:
        raise StepError(f"{setting.name} is {value!r}; it must be one of {', '.join(setting.choices)}")
    return str(value)


def _checked_file(setting: Setting, value: Any) -> str:
    text = str(value)
    if not text:
        raise StepError(f"{setting.name} is empty: {setting.sentence}")
    return text


def pattern_of(text: str) -> tuple[int, int]:
    """`2:4` as (2, 4).

    Raises:
        StepError: It is no N:M pattern.
    """
    keep, colon, of = text.partition(":")
    if not (colon and keep.isascii() and keep.isdigit() and of.isascii() and of.isdigit()):
        raise StepError(f"pattern is {text!r}; it must be N:M, such as 2:4 or 4:8")
    if len(of) > 9 or not 0 < int(keep) < int(of):
        raise StepError(f"pattern is {text!r}; of N:M, N must be at least 1 and less than M")
    return int(keep), int(of)


def _checked_pattern(setting: Setting, value: Any) -> str:
    keep, of = pattern_of(value if isinstance(value, str) else repr(value))
    return f"{keep}:{of}"


def _checked_bits(setting: Setting, value: Any) -> Bits | tuple[Bits, ...]:
    if not all(isinstance(mask, Bits) for mask in (value if isinstance(value, tuple) else (value,))):
        raise StepError(f"{setting.name} is {value!r}; it must be a tensor of the target's shape")
    return cast(Bits | tuple[Bits, ...], value)


def _checked_float(setting: Setting, value: Any) -> float:
    return float(_plain_number(setting, value))


def _checked_share(setting: Setting, value: Any) -> float:
    share = float(_plain_number(setting, value))
    if not 0.0 <= share < 1.0:
        raise StepError(f"{setting.name} is {share}; it must be at least 0.0 and less than 1.0")
    return share


def _checked_text(setting: Setting, value: Any) -> str:
    if not isinstance(value, str):
        raise StepError(f"{setting.name} is {value!r}; it must be a text")
    return value


def _checked_flag(setting: Setting, value: Any) -> bool:
    flag = _FLAGS.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise StepError(f"{setting.name} is {value!r}; it must be True or False")
    return flag


def _checked_any(setting: Setting, value: Any) -> int | float | str | bool:
    return value if isinstance(value, str | bool) else _plain_number(setting, value)


_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
_CHECKS = {
    "amount": _checked_amount,
    "dim": _checked_integer,
    "norm": _checked_norm,
    "choice": _checked_choice,
    "file": _checked_file,
    "seed": _checked_seed,
    "bits": _checked_bits,
    "pattern": _checked_pattern,
    "integer": _checked_integer,
    "float": _checked_float,
    "number": _plain_number,
    "text": _checked_text,
    "flag": _checked_flag,
    "any": _checked_any,
    "share": _checked_share,
}


def read(setting: Setting, text: str) -> Any:
    """What a person typed into a form field, as a checked value.

    Raises:
        StepError: The text is not such a value; says what one looks like.
    """
    text = text.strip()
    if not text:
        if setting.kind == "seed" or setting.optional:
            return None
        if setting.kind == "text":
            return ""
        raise StepError(f"{setting.name} is empty: {setting.sentence}")
    if setting.kind in {"file", "choice", "pattern", "text", "flag"}:
        return checked(setting, text)
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        return checked(setting, value)
    return checked(setting, text)  # no number: refused, unless words may stand there, too
