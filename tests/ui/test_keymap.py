"""Keys of a person's own: what they may be, what is a clash, and that all of the app says the same."""

from __future__ import annotations

import pytest

from prune_tui.settings.choosing import AS_EVER
from prune_tui.settings.config_file import ConfigError, OwnKeys
from prune_tui.ui.keys.keymap import OURS, Keymap, textual_name
from prune_tui.ui.screens.help import HelpScreen
from tests.in_process import app_on, press, screen_text, settle


def own(**keys: tuple[str, ...]) -> dict[str, OwnKeys]:
    """`steps_undo=("z",)`: names with an underscore for the dot."""
    return {name.replace("_", ".", 1): OwnKeys(given, "config.toml:1") for name, given in keys.items()}


def refused(**keys: tuple[str, ...]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        Keymap(own(**keys))
    return raised.value.problems


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("x", "x"), ("X", "X"), ("shift+x", "X"), ("ctrl+X", "ctrl+x"), (".", "full_stop"), ("?", "question_mark"),
        ("+", "plus"), ("ctrl++", "ctrl+plus"), ("/", "slash"), ("_", "underscore"), ("@", "at"),
        ("esc", "escape"), ("F9", "f9"), ("page up", "pageup"), ("PgDn", "pagedown"), ("space", "space"),
        (" ", "space"), ("é", "é"),
        ("shift+tab", "shift+tab"), ("ctrl+left", "ctrl+left"),
    ],
)  # fmt: skip
def test_keys_as_people_write_them(written: str, name: str) -> None:
    assert textual_name(written) == name


@pytest.mark.parametrize("written", ["", "xy", "ctrl+", "hyper+x", "f99", "\x1b", "\n\n"])
def test_what_is_no_key(written: str) -> None:
    assert textual_name(written) is None


def test_other_keys_take_the_place_of_ours() -> None:
    keymap = Keymap(own(steps_undo=("f10", "ctrl+u")))
    assert keymap.first("steps.undo") == "F10"
    assert keymap.first("steps.redo") == "U"
    assert keymap.textual() == {"steps.undo": "f10,ctrl+u"}


def test_two_may_change_places() -> None:
    keymap = Keymap(own(steps_undo=("U",), steps_redo=("u",)))
    assert (keymap.first("steps.undo"), keymap.first("steps.redo")) == ("U", "u")


def test_quitting_cannot_be_taken_away() -> None:
    assert Keymap(own(app_quit=())).textual() == {"app.quit": "ctrl+q,ctrl+c"}
    assert Keymap(own(app_quit=("Q",))).textual() == {"app.quit": "Q,ctrl+q,ctrl+c"}
    assert refused(steps_undo=("ctrl+c",)) == ("config.toml:1: steps.undo: ctrl+c always quits",)


def test_the_same_key_may_mean_two_things_in_two_panes_only() -> None:
    assert Keymap(own(tree_column=("x",))).first("tree.column") == "x", "as the tensor pane's x"
    assert refused(tree_column=("o",)) == (
        "config.toml:1: tree.column: o is the key of tree.order; give that another one, too",
    )
    assert refused(tensor_paint=("u",)) == (
        "config.toml:1: tensor.paint: u is the key of steps.undo; give that another one, too",
    )


def test_what_is_wrong_is_all_told() -> None:
    said = refused(steps_undoo=("z",), steps_redo=("ctrl+m",), steps_log=("blue",), form_apply=("x",))
    assert said == (
        "config.toml:1: nothing is called 'steps.undoo'; did you mean \"steps.undo\"?",
        "config.toml:1: steps.redo: ctrl+m never arrives: terminals and tmux keep it",
        'config.toml:1: steps.log: there is no key \'blue\'; write "x", "?", "ctrl+x", "f10", "space", "page up"',
        "config.toml:1: form.apply: the keys of forms and lists stay what they are",
    )


def test_ours_are_sound() -> None:
    assert Keymap().table == OURS.table


async def test_the_app_obeys_and_says_so() -> None:
    settings = AS_EVER._replace(keys=own(steps_undo=("f10",), app_help=("f1",), steps_log=()))
    app = app_on(settings=settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "F1 help" in screen_text(app)
        assert "F10 undo" in screen_text(app)
        await press(pilot, "j", "3", "enter")
        assert app.main.status.summary.steps == 1
        await press(pilot, "u")
        assert app.main.status.summary.steps == 1, "u is nobody's key now"
        await press(pilot, "f10")
        assert app.main.status.summary.steps == 0
        await press(pilot, "H")
        assert "Edit log" not in screen_text(app), "it has no key any more"
        await press(pilot, "f1")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, *"exactly")
        assert "F10" in screen_text(app)


def test_what_works_over_every_screen_clashes_with_the_keys_of_forms() -> None:
    assert refused(app_suspend=("f1",))[0].startswith("config.toml:1: app.suspend: F1 is the key of")
    assert Keymap(own(app_suspend=("Ω",))).first("app.suspend") == "Ω"


def test_keys_in_a_text_are_those_that_were_chosen() -> None:
    assert Keymap().named_in("{steps.undo} takes it back") == "u takes it back"
    assert Keymap(own(steps_undo=("Ω",))).named_in("{steps.undo} takes it back") == "Ω takes it back"
    assert Keymap(own(steps_undo=())).named_in("{steps.undo} takes it back") == "'undo' in ctrl+p takes it back"
