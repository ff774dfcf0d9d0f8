"""Counts and shares as the screen writes them: short, and never rounded into a lie."""

from __future__ import annotations

import math

_UNITS = ("", "k", "M", "B", "T")
_EIGHTHS = " ▏▎▍▌▋▊▉"


def human_count(n: int) -> str:
    """A count in at most six cells: `880`, `60.1k`, `1.2M`, `7.0B`."""
    if n < 1000:
        return str(n)
    scaled = float(n)
    for unit in _UNITS[1:]:
        scaled /= 1000
        # 999,950 is 1.0M: compare what would be written, not what is.
        if round(scaled, 1) < 1000:
            return f"{scaled:.1f}{unit}"
    return f"{scaled:.1f}{_UNITS[-1]}"


def percent(part: int, whole: int) -> str:
    """A share with one decimal; `0.0%` means none and `100.0%` all.

    What would only round to them is `<0.1%` or `>99.9%`. Nothing of nothing is `0.0%`: a column that stays blank
    where nothing is masked looks at `part` first.
    """
    if part <= 0 or whole <= 0:
        return "0.0%"
    if part >= whole:
        return "100.0%"
    # In integers, since a float cannot tell 10**17 - 1 of 10**17 from all of it.
    tenths = (part * 2000 + whole) // (2 * whole)
    if tenths == 0:
        return "<0.1%"
    if tenths == 1000:
        return ">99.9%"
    return f"{tenths // 10}.{tenths % 10}%"


def bar(part: int, whole: int, width: int) -> str:
    """A share as a bar of eighth-blocks, padded to `width` cells: `▏   ` for the least, full only for all."""
    if part <= 0 or whole <= 0 or width <= 0:
        return " " * max(0, width)
    if part >= whole:
        return "█" * width
    eighths = min(max(part * width * 8 // whole, 1), width * 8 - 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest]).ljust(width)


def counted(number: int, thing: str) -> str:
    """`1 step`, `2 steps`, `2 entries`."""
    several = f"{thing[:-1]}ies" if thing.endswith("ry") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else several}"


def precise(value: float, form: str = ".6g") -> str:
    """A number in a format of Python's, and what is none as everywhere on the screen: `NaN`, `Inf`, `-Inf`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "-Inf" if value < 0 else "Inf"
    return f"{value:{form}}"


def significant(value: float, cells: int = 7) -> str:
    """A number with three significant digits, or fewer where they do not fit: `0.123`, `1.2e-5`, `12346`."""
    if not math.isfinite(value):
        return precise(value)
    if value == 0:
        return "0"
    for digits in (3, 2, 1):
        text = _rounded(value, digits)
        if len(text) <= cells:
            break
    return text


def _rounded(value: float, digits: int) -> str:
    if 100 <= abs(value) < 99999.5:
        return f"{value:.0f}"
    if 1e-3 <= abs(value) < 100:
        return f"{value:#.{digits}g}".removesuffix(".")
    number, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{number}e{int(exponent)}"
