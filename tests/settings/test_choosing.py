"""Who has the last word: the file, the environment, or an option."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_tui.settings.choosing import AS_EVER, Chosen, choose
from prune_tui.settings.config_file import Config, ConfigError

FILE = Config(Path("config.toml"), {"theme": ("light", "config.toml:1"), "ascii": (True, "config.toml:2")})


def test_an_option_wins_over_a_variable_and_that_over_the_file() -> None:
    environ = {"PRUNE_TUI_THEME": "ansi", "PRUNE_TUI_MOUSE": "no"}
    settings = choose(FILE, environ, {"theme": "colour-blind", "ascii": None})
    assert settings.chosen["theme"] == Chosen("colour-blind", "--theme")
    assert settings.chosen["mouse"] == Chosen(False, "PRUNE_TUI_MOUSE")
    assert settings.chosen["ascii"] == Chosen(True, "config.toml:2")
    assert settings.chosen["slow"] == AS_EVER.chosen["slow"]


@pytest.mark.parametrize(
    ("text", "meant"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)]
)
def test_yes_and_no_in_the_environment(text: str, meant: bool) -> None:
    assert choose(Config(Path()), {"PRUNE_TUI_ASCII": text}, {}).yes("ascii") is meant


def test_an_empty_variable_says_nothing() -> None:
    assert choose(FILE, {"PRUNE_TUI_THEME": ""}, {}).word("theme") == "light"


@pytest.mark.parametrize(
    ("environ", "options", "said"),
    [
        ({"PRUNE_TUI_ASCII": "perhaps"}, {}, "PRUNE_TUI_ASCII='perhaps': it must be true or false"),
        ({"PRUNE_TUI_SLOW": "maybe"}, {}, "PRUNE_TUI_SLOW='maybe': it must be auto, always or never"),
        ({"PRUNE_TUI_THEM": "x"}, {}, 'PRUNE_TUI_THEM: there is no such setting; did you mean "PRUNE_TUI_THEME"?'),
        ({}, {"theme": "pink"}, "--theme pink: it must be dark, light, ansi"),
    ],
)
def test_what_cannot_be(environ: dict[str, str], options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        choose(FILE, environ, options)
    assert raised.value.problems[0].startswith(said)
