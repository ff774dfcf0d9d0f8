"""The colours of the screen: a table of themes, and which of them a terminal gets.

Where there are many colours, they are ours, every text has a contrast of 4.5 at least to what lies behind it,
https://www.w3.org/TR/WCAG21/#contrast-minimum, and the colour-blind ones tell by orange, blue and lightness alone.
With 16 colours, and in the ansi themes everywhere, ground and colours are the terminal's own. What a colour tells
is told by a word, a glyph, a frame or reverse video, too, so that nothing is lost where NO_COLOR is set.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.theme import Theme


class Colours(NamedTuple):
    """What a theme is made of, each as Textual's CSS writes it.

    Attributes:
        dark: Light text on a dark ground.
        own: They are the terminal's own, its ground too.
        ground: Behind everything.
        raised: Behind a question.
        bar: Behind the first and the last line.
        text: Of what is read.
        quiet: Of what may be overlooked; still read when it is dim.
        frame: Of a pane without the focus.
        focus: Of the frame of the one that has it.
        cursor: Behind the line of a cursor, where the focus is.
        on_cursor: Text there.
        resting: Behind the line of a cursor elsewhere.
        share: Of how much is pruned.
        marked: Of marks.
        error: Of what is refused.
        error_ground: Behind a message of an error.
        on_error: Text there.
        thumb: Of scrollbars.
    """

    dark: bool
    own: bool
    ground: str
    raised: str
    bar: str
    text: str
    quiet: str
    frame: str
    focus: str
    cursor: str
    on_cursor: str
    resting: str
    share: str
    marked: str
    error: str
    error_ground: str
    on_error: str
    thumb: str


_DARK = Colours(
    dark=True, own=False,
    ground="#121212", raised="#1e1e1e", bar="#242f38",
    text="#e0e0e0", quiet="#bcbcbc", frame="#505050", focus="#58a6f0",
    cursor="#58a6f0", on_cursor="#000000", resting="#0d314c",
    share="#ffc473", marked="#8ad4a1", error="#e88fa3", error_ground="#b03553", on_error="#ffffff",
    thumb="#787878",
)  # fmt: skip
_LIGHT = Colours(
    dark=False, own=False,
    ground="#fafafa", raised="#ececec", bar="#e4e9ee",
    text="#1a1a1a", quiet="#222222", frame="#b0b0b0", focus="#0b5cad",
    cursor="#004b91", on_cursor="#ffffff", resting="#cfe0f2",
    share="#8a4b00", marked="#1b6b3a", error="#a3152f", error_ground="#a3152f", on_error="#ffffff",
    thumb="#858585",
)  # fmt: skip
# Names of the 16: bright ones on a dark ground, where most terminals' plain ones are hard to read.
_ANSI = Colours(
    dark=True, own=True,
    ground="ansi_default", raised="ansi_default", bar="ansi_default",
    text="ansi_default", quiet="ansi_default", frame="ansi_bright_black", focus="ansi_bright_cyan",
    cursor="ansi_bright_cyan", on_cursor="ansi_black", resting="ansi_default",
    share="ansi_bright_yellow", marked="ansi_bright_green",
    error="ansi_bright_red", error_ground="ansi_red", on_error="ansi_bright_white",
    thumb="ansi_bright_black",
)  # fmt: skip
_ANSI_LIGHT = _ANSI._replace(
    dark=False, focus="ansi_blue", cursor="ansi_blue", on_cursor="ansi_bright_white",
    share="ansi_magenta", marked="ansi_blue", error="ansi_red",
)  # fmt: skip
_BY_NAME = {
    "dark": _DARK,
    "light": _LIGHT,
    "colour-blind": _DARK._replace(
        share="#ffb84a", marked="#7cc4ff", error="#ffe066", error_ground="#d55e00", on_error="#000000"
    ),
    "colour-blind-light": _LIGHT._replace(
        share="#8f4700", marked="#004b91", error="#6b3500", error_ground="#8f3d00", on_error="#ffffff"
    ),
    "ansi": _ANSI,
    "ansi-light": _ANSI_LIGHT,
    "colour-blind-ansi": _ANSI._replace(
        marked="ansi_bright_cyan", error="ansi_bright_yellow", error_ground="ansi_yellow", on_error="ansi_black"
    ),
    "colour-blind-ansi-light": _ANSI_LIGHT._replace(error="ansi_magenta", error_ground="ansi_magenta"),
    # What has a ground that is not the terminal's is shown in reverse video: see `without_colour`.
    "no-colour": _ANSI._replace(
        frame="ansi_default", focus="ansi_default", cursor="ansi_white", on_cursor="ansi_default",
        share="ansi_default", marked="ansi_default",
        error="ansi_default", error_ground="ansi_white", on_error="ansi_default", thumb="ansi_default",
    ),
}  # fmt: skip
_WITH_FEW = {
    "dark": "ansi",
    "light": "ansi-light",
    "colour-blind": "colour-blind-ansi",
    "colour-blind-light": "colour-blind-ansi-light",
}
"""What is worn for a theme where there are 16 colours."""
_FEW = {"standard", "windows"}


def name_of(setting: str, color_system: str | None, *, coloured: bool) -> str:
    """The theme for a terminal.

    Args:
        setting: What a person wants: `dark`, `light`, `ansi`, ….
        color_system: As Rich names how many colours there are.
        coloured: Colours are wanted at all.
    """
    if not coloured or color_system is None:
        return "no-colour"
    return _WITH_FEW.get(setting, setting) if color_system in _FEW else setting


def colours_of(name: str) -> Colours:
    """What a theme is made of."""
    return _BY_NAME[name]


def is_for_colour_blind(name: str) -> bool:
    """Whether a theme does without red and green."""
    return name.startswith("colour-blind")


def _theme(name: str, colours: Colours) -> Theme:
    """As Textual wants it: its own variables, all of those that our screens use said one by one."""
    return Theme(
        name=name,
        primary=colours.focus,
        accent=colours.share,
        warning=colours.share,
        success=colours.marked,
        error=colours.error_ground,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.raised,
        panel=colours.bar,
        dark=colours.dark,
        ansi=colours.own,
        variables={
            "text-muted": colours.quiet,
            "text-disabled": colours.quiet,
            "foreground-muted": colours.quiet,
            "text-accent": colours.share,
            "text-success": colours.marked,
            "text-error": colours.error,
            "text-warning": colours.share,
            "button-color-foreground": colours.on_error,
            "border": colours.focus,
            "border-blurred": colours.frame,
            "block-cursor-background": colours.cursor,
            "block-cursor-foreground": colours.on_cursor,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": colours.resting,
            "block-cursor-blurred-foreground": colours.text,
            "block-cursor-blurred-text-style": "underline" if colours.own else "none",
            "input-cursor-background": "ansi_default" if colours.own else colours.text,
            "input-cursor-foreground": colours.ground,
            "input-cursor-text-style": "reverse" if colours.own else "none",
            "input-selection-background": colours.cursor,
            "input-selection-foreground": colours.on_cursor,
            "ansi-background": colours.ground,
            "ansi-foreground": colours.text,
            "scrollbar": colours.thumb,
            "scrollbar-hover": colours.focus,
            "scrollbar-active": colours.focus,
            "scrollbar-background": colours.ground,
            "scrollbar-background-hover": colours.ground,
            "scrollbar-background-active": colours.ground,
            "scrollbar-corner-color": colours.ground,
        },
    )


THEMES = tuple(_theme(name, colours) for name, colours in _BY_NAME.items())
"""All of them."""
