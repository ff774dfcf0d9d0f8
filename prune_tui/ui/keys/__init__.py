"""Every key of the app, declared once: bindings, key bar, help and the README's table come from here.

`key` says what a key is; `everywhere`, `line`, `panes`, `marks`, `lists`, `tensor` and `forms` are the tables, by
where a key works; `registry` puts them together, `keymap` has those a person has chosen instead, and `bars` says
which of them the key bar names.
"""

from prune_tui.ui.keys.bars import TYPED, Named, bar, methods_first
from prune_tui.ui.keys.everywhere import method_sentence
from prune_tui.ui.keys.key import PLACES, Key, Place, shown
from prune_tui.ui.keys.keymap import CHOOSABLE, OURS, Keymap, keymap_of, named, told
from prune_tui.ui.keys.registry import KEYS, bindings, edits

__all__ = [
    "CHOOSABLE",
    "KEYS",
    "OURS",
    "PLACES",
    "TYPED",
    "Key",
    "Keymap",
    "Named",
    "Place",
    "bar",
    "bindings",
    "edits",
    "keymap_of",
    "method_sentence",
    "methods_first",
    "named",
    "shown",
    "told",
]
