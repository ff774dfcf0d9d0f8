"""Every key of the app, declared once: bindings, key bar, help and the README's table come from here.

`key` says what a key is; `everywhere`, `lists`, `tensor` and `forms` are the tables, by where a key works;
`registry` puts them together, and `bars` chooses what the key bar names.
"""

from prune_tui.ui.keys.bars import bar
from prune_tui.ui.keys.everywhere import method_sentence
from prune_tui.ui.keys.key import PLACES, Key, Place, shown
from prune_tui.ui.keys.registry import KEYS, bindings, edits, of

__all__ = ["KEYS", "PLACES", "Key", "Place", "bar", "bindings", "edits", "method_sentence", "of", "shown"]
