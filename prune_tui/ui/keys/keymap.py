"""The keys with those a person has chosen in place of ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from prune_tui.settings.config_file import ConfigError, OwnKeys
from prune_tui.settings.table import nearest
from prune_tui.ui.keys.key import Key, Place, shown
from prune_tui.ui.keys.registry import KEYS

ALWAYS_QUITS = ("ctrl+q", "ctrl+c")
"""Whatever else is chosen, these leave."""

OVER_ALL = ("app.suspend", "app.redraw", "app.mouse")
"""What works over every screen, questions and forms too, by a key that writes no character."""
CHOOSABLE: tuple[Place, ...] = ("app", "tree", "module", "tensor", "findings", "marks", "log")
"""Where a person may choose keys: those of forms and lists are few, and named beside what they do."""
_SWALLOWED = {f"ctrl+{letter}" for letter in "hijmab"}
"""tmux takes or rewrites them."""
_WRITTEN = re.compile(r"((?:(?:ctrl|shift|alt)\+)*)(.+)", re.IGNORECASE | re.DOTALL)
"""Modifiers, and the key itself, which may be a plus."""
_IN_TEXT = re.compile(r"\{([a-z_.]+)\}")
_NONE = "no key"
"""Stands for a key that nobody can press: to Textual an empty text means that nothing was chosen."""
_NAMED = {key.value for key in Keys if not key.value.startswith("<")}
_SPELLINGS = {"esc": "escape", "return": "enter", "del": "delete", "pgup": "pageup", "pgdn": "pagedown"}


class Keymap:
    """What each key does.

    Args:
        own: A person's keys, by what they do.

    Attributes:
        table: Every row, with the keys as they are now; a row may have none.

    Raises:
        ConfigError: Some of them cannot be; all that is wrong is told.
    """

    def __init__(self, own: Mapping[str, OwnKeys] = {}) -> None:
        problems: list[str] = []
        chosen: dict[str, tuple[str, ...]] = {}
        for identifier, given in own.items():
            wrong = [*_refused(identifier, given)]
            problems += [f"{given.where}: {one}" for one in wrong]
            if not wrong:
                chosen[identifier] = tuple(dict.fromkeys(str(textual_name(key)) for key in given.keys))
        if "app.quit" in chosen:
            chosen["app.quit"] = tuple(dict.fromkeys((*chosen["app.quit"], *ALWAYS_QUITS)))
        self._own = chosen
        self.table: tuple[Key, ...] = tuple(row._replace(keys=chosen.get(row.id, row.keys)) for row in KEYS)
        problems += (f"{own[row.id].where}: {wrong}" for row, wrong in self._clashes(own))
        if problems:
            raise ConfigError(*problems)

    def of(self, place: Place) -> list[Key]:
        """The keys of a place, in the order of the help."""
        return [key for key in self.table if key.place == place]

    def first(self, identifier: str) -> str:
        """The key to press for something, as people write it; empty where it has none."""
        keys = next(row.keys for row in self.table if row.id == identifier)
        return shown(keys[0]) if keys else ""

    def named_in(self, text: str) -> str:
        """A text with the keys in it: `{steps.undo} takes it back` as `u takes it back`.

        What has no key is named as the palette has it.
        """
        return _IN_TEXT.sub(lambda found: self.first(found[1]) or f"'{self._label(found[1])}' in ctrl+p", text)

    def _label(self, identifier: str) -> str:
        return next(row.label for row in self.table if row.id == identifier)

    def over_all(self) -> Iterator[tuple[str, str]]:
        """Keys that work over every screen, each with its action."""
        for row in self.table:
            if row.id in OVER_ALL:
                yield from ((key, row.action) for key in row.keys if writes_nothing(key))

    def textual(self) -> dict[str, str]:
        """What is other than in the registry, for `App.set_keymap`."""
        return {identifier: ",".join(keys) or _NONE for identifier, keys in self._own.items()}

    def _clashes(self, own: Mapping[str, OwnKeys]) -> Iterator[tuple[Key, str]]:
        """Rows of a person's own with a key that another row has where both work, and what that is."""
        for row in (row for row in self.table if row.id in own):
            for other in self.table:
                if other.id == row.id:
                    continue
                over_all = row.id in OVER_ALL or other.id in OVER_ALL
                for key in row.keys:
                    if key in other.keys and (_meet(row.place, other.place) or (over_all and writes_nothing(key))):
                        yield row, f"{row.id}: {shown(key)} is the key of {other.id}; give that another one, too"


def textual_name(key: str) -> str | None:
    """The name that Textual has for a key as people write it; None where there is no such key."""
    found = _WRITTEN.fullmatch(key if key.isspace() else key.strip())
    if found is None:
        return None
    modifiers, itself = found[1].lower(), found[2]
    if len(itself) > 1:
        named = _SPELLINGS.get(itself.lower(), itself.lower().replace(" ", "").replace("_", ""))
        return modifiers + named if named in _NAMED else None
    if not itself.isprintable():
        return None
    if not itself.isalnum():
        return modifiers + _name_of(itself)
    # A terminal sends shift and a letter as the capital, ctrl and a letter without its case.
    return itself.upper() if modifiers == "shift+" else modifiers + (itself.lower() if modifiers else itself)


def _name_of(character: str) -> str:
    """`full_stop` of `.`, as Textual makes it of its name in Unicode."""
    if character == " ":
        return "space"
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _refused(identifier: str, given: OwnKeys) -> Iterator[str]:
    """What is wrong with the keys for something, but for clashes."""
    row = next((one for one in KEYS if one.id == identifier), None)
    if row is None:
        yield f"nothing is called {identifier!r}{nearest(identifier, [one.id for one in KEYS])}"
        return
    if row.place not in CHOOSABLE:
        yield f"{identifier}: the keys of forms and lists stay what they are"
        return
    for key in given.keys:
        name = textual_name(key)
        if name is None:
            yield f'{identifier}: there is no key {key!r}; write "x", "?", "ctrl+x", "f10", "space", "page up"'
        elif name in _SWALLOWED:
            yield f"{identifier}: {key} never arrives: terminals and tmux keep it"
        elif name in ALWAYS_QUITS and identifier != "app.quit":
            yield f"{identifier}: {key} always quits"


def writes_nothing(key: str) -> bool:
    """Whether a key is none that a field would take: with a modifier, or a function key."""
    return "+" in key or key[1:].isdecimal()


def _meet(one: Place, other: Place) -> bool:
    """Whether keys of two places can mean two things at a time."""
    return one == other or ("app" in (one, other) and {one, other} <= set(CHOOSABLE))


OURS = Keymap()
"""As the registry has them."""


def told(node: DOMNode, *meanings: tuple[str, str]) -> str:
    """`u undo · U redo`: keys with what they do, without those that have none.

    Args:
        node: A widget.
        meanings: What the keys are for, each with its word.
    """
    keymap = keymap_of(node)
    pressed = [(keymap.first(identifier), word) for identifier, word in meanings]
    return " · ".join(f"{key} {word}" for key, word in pressed if key)


def named(node: DOMNode, text: str) -> str:
    """A text of ours with the keys that are named in it by what they do; see `Keymap.named_in`."""
    return keymap_of(node).named_in(text)


def keymap_of(node: DOMNode) -> Keymap:
    """Of the app that a widget is in; ours where that has none of its own, as in tests."""
    found = getattr(node.app, "keymap", None)
    return found if isinstance(found, Keymap) else OURS
