"""The keys of the module tree, the module pane, the doctor's pane and the edit log: lists."""

from __future__ import annotations

from prune_tui.ui.keys.key import Key

LISTS: tuple[Key, ...] = (
    Key("tree.up", "tree", ("up", "k"), "cursor_up", "up", "Go up.", counted="lines(-#)"),
    Key(
        "tree.down",
        "tree",
        ("down", "j"),
        "cursor_down",
        "down",
        "Go down. A count may go before j k h l g G, in every pane: 3j, 12G.",
        counted="lines(#)",
    ),
    Key("tree.page_up", "tree", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("tree.page_down", "tree", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("tree.top", "tree", ("home", "g"), "first", "top", "Go to the model itself.", counted="line(#)"),
    Key("tree.bottom", "tree", ("end", "G"), "last", "bottom", "Go to the last line.", counted="line(#)"),
    Key(
        "tree.fold",
        "tree",
        ("left", "h"),
        "fold",
        "fold",
        "Fold the module, or go to its parent.",
        counted="fold_levels(#)",
    ),
    Key(
        "tree.unfold",
        "tree",
        ("right", "l"),
        "unfold",
        "unfold",
        "Unfold the module, or go to its first child.",
        counted="unfold_levels(#)",
    ),
    Key("tree.parent", "tree", ("p",), "parent", "parent", "Go to the parent."),
    Key("tree.fold_all", "tree", ("Z",), "fold_all", "fold all", "Fold all modules."),
    Key("tree.unfold_all", "tree", ("O",), "unfold_all", "unfold all", "Unfold all modules."),
    Key(
        "tree.column",
        "tree",
        ("c",),
        "next_column",
        "column",
        "Next column: parameters, bytes, norm, dtype, device.",
    ),
    Key(
        "tree.order",
        "tree",
        ("o",),
        "next_order",
        "order",
        "Next order: the model's, by column, by share pruned.",
    ),
    Key("tree.enter", "tree", ("enter",), "select", "open", "Go to the module pane."),
    Key(
        "module.up",
        "module",
        ("up", "k"),
        "cursor_up",
        "up",
        "Go up; on a tensor's line, show that tensor.",
        counted="lines(-#)",
    ),
    Key(
        "module.down",
        "module",
        ("down", "j"),
        "cursor_down",
        "down",
        "Go down; on a tensor's line, show that tensor.",
        counted="lines(#)",
    ),
    Key("module.page_up", "module", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("module.page_down", "module", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("module.top", "module", ("home", "g"), "first", "top", "Go to the first line.", counted="line(#)"),
    Key("module.bottom", "module", ("end", "G"), "last", "bottom", "Go to the last line.", counted="line(#)"),
    Key("module.enter", "module", ("enter",), "select", "values", "Go to the tensor pane."),
    Key(
        "findings.up", "findings", ("up", "k"), "cursor_up", "up", "Go to the finding above.", counted="lines(-#)"
    ),
    Key(
        "findings.down",
        "findings",
        ("down", "j"),
        "cursor_down",
        "down",
        "Go to the finding below.",
        counted="lines(#)",
    ),
    Key("findings.page_up", "findings", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("findings.page_down", "findings", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("findings.top", "findings", ("home", "g"), "first", "top", "Go to the first finding.", counted="line(#)"),
    Key(
        "findings.bottom", "findings", ("end", "G"), "last", "bottom", "Go to the last finding.", counted="line(#)"
    ),
    Key(
        "findings.go", "findings", ("enter",), "select", "go there", "Go to the module and the tensor it is about."
    ),
    Key(
        "findings.repair",
        "findings",
        ("r",),
        "repair",
        "repair",
        "Mend it, where a step can: the line beside r says what would change; u takes it back.",
    ),
    Key("log.up", "log", ("up", "k"), "scroll_lines(-1)", "up", "Scroll up.", counted="scroll_lines(-#)"),
    Key("log.down", "log", ("down", "j"), "scroll_lines(1)", "down", "Scroll down.", counted="scroll_lines(#)"),
    Key("log.page_up", "log", ("pageup",), "page_up", "page up", "Scroll up a page."),
    Key("log.page_down", "log", ("pagedown",), "page_down", "page down", "Scroll down a page."),
    Key("log.top", "log", ("home", "g"), "scroll_home", "top", "Go to the first step.", counted="line(#)"),
    Key("log.bottom", "log", ("end", "G"), "scroll_end", "bottom", "Go to the last step.", counted="line(#)"),
)
