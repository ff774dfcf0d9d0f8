"""Round numbers along an axis, and how they are written."""

from __future__ import annotations

import math

_ROUND = (1, 2, 5, 10)


def place(value: float, low: float, high: float) -> float:
    """Where a value lies between two others: 0 at the lower, 1 at the higher one."""
    span = high / 2 - low / 2  # of halves: the whole may be more than a float holds
    return (value / 2 - low / 2) / span if span > 0 else 0.5


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Multiples of 1, 2 or 5 times a power of ten, with their labels.

    Args:
        low: The least value on the axis.
        high: The greatest.
        most: How many there may be.

    Returns:
        From the lowest on; the ends themselves where there is no round number between them.
    """
    if low == high:
        return [(low, short(low))]
    least = (high / 2 - low / 2) / max(most, 1) * 2
    if not 1e-300 < least < 1e300 or max(abs(low), abs(high)) / least > 1e12:
        return [(low, short(low)), (high, short(high))]
    power = 10.0 ** math.floor(math.log10(least))
    step = next(times * power for times in _ROUND if times * power >= least * (1 - 1e-9))
    numbers = [count * step for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [(number, _label(number, step, max(abs(low), abs(high)))) for number in numbers]


def _label(number: float, step: float, largest: float) -> str:
    """With as many digits as tell it from its neighbours."""
    if not 1e-3 <= largest < 1e6:
        digits = max(math.floor(math.log10(abs(number) / step) + 1e-9), 0) if number else 0
        return _exponent_shortened(f"{number:.{digits}e}") if number else "0"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{number:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def short(value: float, digits: int = 3) -> str:
    """A number with so many digits: `0.0312`, `-1.5e-7`."""
    return _exponent_shortened(f"{value:.{digits}g}")


def _exponent_shortened(text: str) -> str:
    """`2e-07` as `2e-7`, `1e+37` as `1e37`."""
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
