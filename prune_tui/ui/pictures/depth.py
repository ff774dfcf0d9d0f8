"""How many colours there are, and how hand-picked ones get through Textual as they are.

Textual turns every ANSI and 8-bit colour into RGB (`ANSIToTruecolor`) and downgrades it again when it writes. Of
256 colours some greys come back as a neighbour, 254 as 253; of 16 yellow comes back as bright red and red as
magenta. A widget that shows pictures leaves that filter out. Its colours must then be ones that the terminal has,
as those of `ramps` and `inks` are.

Example:
    >>> class Picture(Widget):
    ...     def get_line_filters(self):
    ...         return exact(super().get_line_filters())
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.filter import ANSIToTruecolor, LineFilter

from prune_tui.ui.pictures.look import Depth, Look

_DEPTHS: dict[str | None, Depth] = {"truecolor": "truecolor", "256": "256", "standard": "16", "windows": "16"}


def look_of(
    environ: Mapping[str, str],
    color_system: str | None,
    *,
    dark: bool,
    ascii_only: bool = False,
    slow: bool = False,
    own: bool = False,
    colour_blind: bool = False,
) -> Look:
    """How pictures are to be drawn in this terminal.

    Args:
        environ: The environment. `NO_COLOR` takes the colours away, and `TERM=dumb` has none.
        color_system: `app.console.color_system`, which has read COLORTERM and TERM: every strip is downgraded to
            it, so that no other opinion counts.
        dark: Light text on a dark ground.
        ascii_only: No other glyphs are wanted.
        slow: Bytes are dear.
        own: The ground and the 16 colours are the terminal's own.
        colour_blind: Red and green must not be told apart.
    """
    without = wants_none(environ) or environ.get("TERM", "").lower() in {"dumb", "unknown"}
    depth: Depth = "none" if without else _DEPTHS.get(color_system, "none")
    return Look(depth, dark, ascii_only, slow, own, colour_blind)


def wants_none(environ: Mapping[str, str]) -> bool:
    """Whether a person wants no colours: `NO_COLOR` is there and not empty, https://no-color.org says."""
    return bool(environ.get("NO_COLOR"))


def exact(filters: Sequence[LineFilter]) -> list[LineFilter]:
    """Line filters without the one that changes colours the terminal has."""
    return [one for one in filters if not isinstance(one, ANSIToTruecolor)]
