"""Colours as colour-blind eyes see them, and how far apart two of them look."""

from __future__ import annotations

from rich.color import Color

# Machado, Oliveira, Fernandes 2009, severity 1, on linear light:
# https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
_MATRICES = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
KINDS = ("none", *_MATRICES)
"""Eyes: with all cones, without those for long waves, for middle ones, for short ones."""

_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE = (0.95047, 1.0, 1.08883)


def distance(one: Color, other: Color, kind: str) -> float:
    """CIE 1976 colour difference as such eyes have it: 2 is just seen side by side, 20 is another colour."""
    return float(sum((a - b) ** 2 for a, b in zip(_lab(one, kind), _lab(other, kind), strict=True)) ** 0.5)


def _times(matrix, triple):
    return tuple(sum(a * b for a, b in zip(row, triple, strict=True)) for row in matrix)


def _light(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _lab(colour: Color, kind: str) -> tuple[float, float, float]:
    light = tuple(map(_light, colour.get_truecolor()))
    if kind in _MATRICES:
        light = tuple(min(max(channel, 0.0), 1.0) for channel in _times(_MATRICES[kind], light))
    x, y, z = (
        share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116
        for share in (part / white for part, white in zip(_times(_TO_XYZ, light), _WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
