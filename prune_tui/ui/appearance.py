"""How the app looks: its theme, what pictures may use, and what is taken out of every line before it is sent."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual.app import App
from textual.filter import LineFilter, Monochrome, NoColor

from prune_tui.settings.choosing import Settings
from prune_tui.ui import themes
from prune_tui.ui.ascii_only import AsciiOnly
from prune_tui.ui.pictures.depth import look_of, wants_none
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.without_colour import WithoutColour


class Appearance(App[None]):
    """An app in one of our themes.

    Args:
        settings: What a person has settled.

    Attributes:
        settings: Likewise.
        slow: Whether everything is drawn with as few bytes as can be.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.slow = settings.word("slow") == "always"
        self._last_filters: list[LineFilter] = []
        self.no_color = wants_none(os.environ)  # Textual takes an empty NO_COLOR for one, too
        if self.no_color:
            self._last_filters.append(WithoutColour())
        if settings.yes("ascii"):
            self._last_filters.append(AsciiOnly())
        for theme in themes.THEMES:
            self.register_theme(theme)
        # Before there is a screen: it is not to be painted in other colours first.
        self.set_reactive(App.theme, self._named(settings.word("theme")))
        self.stylesheet.set_variables(self.get_css_variables())
        self._refresh_truecolor_filter(self.ansi_theme)  # what Textual does when its theme is set later

    def _named(self, setting: str) -> str:
        return themes.name_of(setting, self.console.color_system, coloured=not self.no_color)

    @property
    def look(self) -> Look:
        """How tensors are to be drawn in this terminal."""
        theme = self.current_theme
        return look_of(
            os.environ,
            self.console.color_system,
            dark=theme.dark,
            ascii_only=self.settings.yes("ascii"),
            slow=self.slow,
            own=theme.ansi,
            colour_blind=themes.is_for_colour_blind(theme.name),
        )

    def wear(self, setting: str) -> bool:
        """Put another theme on.

        Args:
            setting: What a person may settle: `dark`, `light`, ….

        Returns:
            Whether there are colours that could be others.
        """
        self.theme = self._named(setting)
        return self.theme != "no-colour"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, but for those that make grey of NO_COLOR, and ours behind them."""
        kept = [one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)]
        return [*kept, *self._last_filters]
