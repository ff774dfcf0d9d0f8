"""Counts and shares as the screen writes them: short, and never rounded into a lie."""

from __future__ import annotations

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
    """`1 step`, `2 steps`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
