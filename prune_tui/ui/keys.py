"""Every key of the app, declared once: bindings, key bar, help and the README's table come from here."""

from __future__ import annotations

from typing import Literal, NamedTuple

from textual.binding import Binding

from prune_tui.steps import METHODS, Method

Place = Literal["app", "tree", "module", "tensor", "findings", "form", "list"]

PLACES: dict[Place, str] = {
    "app": "Everywhere",
    "tree": "In the module tree",
    "module": "In the module pane",
    "tensor": "In the tensor pane",
    "findings": "In the doctor's pane",
    "form": "In a form",
    "list": "In the list of more methods",
}


class Key(NamedTuple):
    """One thing a key does.

    Attributes:
        id: Unique; what a remapping names.
        place: Where it works.
        keys: As Textual names them; the first is the one shown.
        action: Textual's action.
        label: Two words for the key bar.
        sentence: For the help and the README.
        bar: Its rank in the key bar, lowest first; 0 keeps it out.
    """

    id: str
    place: Place
    keys: tuple[str, ...]
    action: str
    label: str
    sentence: str
    bar: int = 0


# Which methods the key bar keeps when it is short.
_METHOD_RANKS = {
    "l1_unstructured": 10, "random_unstructured": 11, "ln_structured": 12, "global_unstructured": 13, "remove": 14,
    "random_structured": 16, "semi_structured": 17, "custom_from_mask": 18, "identity": 19,
}  # fmt: skip


def method_sentence(method: Method) -> str:
    """`identity: attach a mask of ones.`."""
    return f"{method.name}: {method.sentence[0].lower()}{method.sentence[1:]}"


_METHOD_KEYS = tuple(
    Key(
        f"method.{method.name}",
        "app",
        (method.key,),
        f"method('{method.name}')",
        method.label,
        method_sentence(method),
        bar=_METHOD_RANKS.get(method.name, 19),
    )
    for method in METHODS
    if method.key
)
_MORE_METHODS = Key(
    "method.more",
    "app",
    ("9",),
    "more_methods",
    "more",
    "More methods: those that have no key of their own, and yours (--plugin); choose one by its letter.",
    bar=14,
)

_PICTURES = {
    "values": "Its values in a grid.",
    "heatmap": "Its values as a heat map: pooled when it is large, magnified when it is small.",
    "mask": "Its mask as a bitmap, a dot an entry.",
    "histogram": "How many entries lie where, with the threshold of the open form or the last step.",
    "channels": "A row for each channel: where structured pruning shows.",
    "structure": "What its mask would allow: dead channels, 2:4 groups, empty blocks, heads, gates.",
    "stack": "The same tensor of all repeated layers, side by side.",
}

KEYS: tuple[Key, ...] = (
    *_METHOD_KEYS[:-1],
    _MORE_METHODS,
    _METHOD_KEYS[-1],
    Key("steps.undo", "app", ("u",), "undo", "undo", "Take back the last step, exactly.", bar=2),
    Key("steps.redo", "app", ("U",), "redo", "redo", "Do the last undone step again.", bar=33),
    Key(
        "steps.repeat",
        "app",
        ("full_stop",),
        "repeat",
        "repeat",
        "Do the last step again, on the cursor's tensor or the marked ones.",
        bar=31,
    ),
    Key(
        "steps.more",
        "app",
        ("plus", "equals_sign"),
        "amend(1)",
        "more",
        "Amend the last step: 0.05 more, or one more.",
        bar=35,
    ),
    Key("steps.less", "app", ("minus",), "amend(-1)", "less", "Amend the last step: 0.05 less, or one less."),
    Key("steps.log", "app", ("H",), "edit_log", "edit log", "Show or hide the log of all steps.", bar=38),
    Key(
        "session.save",
        "app",
        ("s",),
        "save",
        "save",
        "Save the model: as pruned, as removed or compact; a .safetensors or .pt file, or a folder.",
        bar=3,
    ),
    Key(
        "session.export",
        "app",
        ("e",),
        "export",
        "export",
        "Export the steps: a recipe (.yaml) for prune-tui apply, or a script (.py) for torch alone.",
        bar=4,
    ),
    Key(
        "marks.toggle",
        "app",
        ("space",),
        "mark",
        "mark",
        "Mark or unmark the tensor at the cursor; steps then work on all marked ones.",
        bar=34,
    ),
    Key(
        "marks.shown",
        "app",
        ("asterisk",),
        "mark_shown",
        "mark shown",
        "Mark the weights of all modules the filter shows, or unmark them all.",
    ),
    Key(
        "tensor.next", "app", ("t",), "next_tensor", "next tensor", "Go to the next tensor of this module.", bar=36
    ),
    Key(
        "picture.next",
        "app",
        ("v",),
        "next_picture(1)",
        "picture",
        "Show the tensor in the next picture: values, heat map, mask, histogram, channels, structure, stack.",
        bar=37,
    ),
    Key("picture.previous", "app", ("V",), "next_picture(-1)", "picture back", "Show it in the previous picture."),
    *(
        Key(f"picture.{name}", "app", (f"f{number}",), f"picture('{name}')", name, sentence)
        for number, (name, sentence) in enumerate(_PICTURES.items(), 2)
    ),
    Key(
        "tensor.view",
        "app",
        ("w",),
        "next_view",
        "which values",
        "Show effective values, the original, the mask, or what the last step or the session changed.",
        bar=37,
    ),
    Key(
        "tree.filter",
        "app",
        ("slash",),
        "filter",
        "filter",
        "Filter the modules by name or type; esc clears.",
        bar=32,
    ),
    Key(
        "app.doctor",
        "app",
        ("exclamation_mark",),
        "findings",
        "doctor",
        "Show or hide what the doctor finds wrong or surprising in the model.",
        bar=15,
    ),
    Key(
        "broken.next",
        "app",
        ("right_square_bracket",),
        "next_broken(1)",
        "next broken",
        "Go to the next tensor with NaN or Inf, or of one value only; the first line says how many there are.",
    ),
    Key(
        "broken.previous",
        "app",
        ("left_square_bracket",),
        "next_broken(-1)",
        "previous broken",
        "Go to the one before it.",
    ),
    Key("metric.toggle", "app", ("m",), "metric", "metric", "Measure the model after each step, or stop that."),
    Key(
        "panes.next",
        "app",
        ("tab",),
        "focus_next_pane",
        "next pane",
        "Go to the next pane; in a form, to its next field.",
    ),
    Key(
        "panes.previous",
        "app",
        ("shift+tab",),
        "focus_previous_pane",
        "previous pane",
        "Go to the previous pane; in a form, to its previous field.",
    ),
    Key(
        "panes.maximise",
        "app",
        ("z",),
        "maximise",
        "maximise",
        "Give the whole screen to the focused pane, or take it back.",
    ),
    Key(
        "app.log", "app", ("f12",), "engine_log", "engine log", "Show what the engine and the model have printed."
    ),
    Key("app.help", "app", ("question_mark",), "help", "help", "Show all keys.", bar=1),
    Key(
        "app.palette",
        "app",
        ("ctrl+p",),
        "command_palette",
        "palette",
        "Find a command, a module or a tensor by name.",
    ),
    Key(
        "app.back",
        "app",
        ("escape",),
        "back",
        "back",
        "Close what is open: form, maximised pane, filter, edit log, doctor; then unmark all.",
    ),
    Key(
        "app.quit",
        "app",
        ("q", "ctrl+q", "ctrl+c"),
        "leave",
        "quit",
        "Leave; asks once when there are steps.",
        bar=3,
    ),
    Key("tree.up", "tree", ("up", "k"), "cursor_up", "up", "Go up."),
    Key("tree.down", "tree", ("down", "j"), "cursor_down", "down", "Go down."),
    Key("tree.page_up", "tree", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("tree.page_down", "tree", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("tree.top", "tree", ("home", "g"), "first", "top", "Go to the model itself."),
    Key("tree.bottom", "tree", ("end", "G"), "last", "bottom", "Go to the last line."),
    Key("tree.fold", "tree", ("left", "h"), "fold", "fold", "Fold the module, or go to its parent."),
    Key("tree.unfold", "tree", ("right", "l"), "unfold", "unfold", "Unfold the module, or go to its first child."),
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
    Key("module.up", "module", ("up", "k"), "cursor_up", "up", "Go up; on a tensor's line, show that tensor."),
    Key(
        "module.down",
        "module",
        ("down", "j"),
        "cursor_down",
        "down",
        "Go down; on a tensor's line, show that tensor.",
    ),
    Key("module.page_up", "module", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("module.page_down", "module", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("module.top", "module", ("home", "g"), "first", "top", "Go to the first line."),
    Key("module.bottom", "module", ("end", "G"), "last", "bottom", "Go to the last line."),
    Key("module.enter", "module", ("enter",), "select", "values", "Go to the tensor pane."),
    Key("tensor.up", "tensor", ("up", "k"), "move(-1, 0)", "up", "Go to the entry above."),
    Key("tensor.down", "tensor", ("down", "j"), "move(1, 0)", "down", "Go to the entry below."),
    Key("tensor.left", "tensor", ("left", "h"), "move(0, -1)", "left", "Go to the entry on the left."),
    Key("tensor.right", "tensor", ("right", "l"), "move(0, 1)", "right", "Go to the entry on the right."),
    Key("tensor.page_left", "tensor", ("ctrl+left",), "page(0, -1)", "page left", "Go left a page."),
    Key("tensor.page_right", "tensor", ("ctrl+right",), "page(0, 1)", "page right", "Go right a page."),
    Key("tensor.page_up", "tensor", ("pageup",), "page(-1, 0)", "page up", "Go up a page."),
    Key("tensor.page_down", "tensor", ("pagedown",), "page(1, 0)", "page down", "Go down a page."),
    Key("tensor.top", "tensor", ("home", "g"), "end(False)", "start", "Go to the first entry."),
    Key("tensor.bottom", "tensor", ("end", "G"), "end(True)", "end", "Go to the last entry."),
    Key("tensor.go_to", "tensor", ("colon",), "go_to", "go to", "Type an index to go to: 12, 0, 3."),
    Key(
        "tensor.find",
        "tensor",
        ("n",),
        "find(True)",
        "next",
        "Go to the next masked entry, or the next extreme, NaN or Inf.",
    ),
    Key("tensor.find_back", "tensor", ("N",), "find(False)", "previous", "Go to the previous one."),
    Key("tensor.sought", "tensor", ("f",), "sought", "find", "Look for another kind: masked, extreme, NaN, Inf."),
    Key(
        "tensor.axes",
        "tensor",
        ("a",),
        "axes",
        "axes",
        "Show other axes as rows and columns; in channels, the channels of another axis.",
    ),
    Key(
        "tensor.slice_back",
        "tensor",
        ("less_than_sign",),
        "slice(-1)",
        "slice back",
        "Go to the previous slice of a tensor of more than two axes.",
    ),
    Key("tensor.slice", "tensor", ("greater_than_sign",), "slice(1)", "slice", "Go to the next slice."),
    Key("tensor.slider", "tensor", ("A",), "slider", "slider", "Choose the axis that < and > move along."),
    Key("tensor.zoom_in", "tensor", ("i",), "zoom(1)", "zoom in", "Look more closely, at heat map or mask."),
    Key("tensor.zoom_out", "tensor", ("o",), "zoom(-1)", "zoom out", "See more of it."),
    Key(
        "tensor.option",
        "tensor",
        ("p",),
        "option",
        "option",
        "Heat map: pool by extreme or mean; histogram: linear or log; channels: sort by another column.",
    ),
    Key("tensor.turn", "tensor", ("r",), "turn", "reverse", "Sort the other way round (channels)."),
    Key("tensor.more_digits", "tensor", ("right_curly_bracket",), "digits(1)", "digits", "Write a digit more."),
    Key("tensor.fewer_digits", "tensor", ("left_curly_bracket",), "digits(-1)", "digits", "Write a digit less."),
    Key(
        "tensor.paint",
        "tensor",
        ("x",),
        "paint",
        "paint",
        "Paint a mask: toggle the entry, row, column or channel at the cursor in a draft.",
    ),
    Key("tensor.brush", "tensor", ("X",), "brush", "brush", "Paint entries, rows, columns or channels."),
    Key(
        "tensor.apply_draft",
        "tensor",
        ("enter",),
        "apply_draft",
        "apply",
        "Apply what was painted, as custom_from_mask; esc drops it.",
    ),
    Key("findings.up", "findings", ("up", "k"), "cursor_up", "up", "Go to the finding above."),
    Key("findings.down", "findings", ("down", "j"), "cursor_down", "down", "Go to the finding below."),
    Key("findings.page_up", "findings", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("findings.page_down", "findings", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("findings.top", "findings", ("home", "g"), "first", "top", "Go to the first finding."),
    Key("findings.bottom", "findings", ("end", "G"), "last", "bottom", "Go to the last finding."),
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
    Key("form.apply", "form", ("enter",), "submit", "apply", "Apply the step.", bar=1),
    Key("form.leave", "form", ("escape",), "leave", "leave", "Close the form; nothing has changed.", bar=2),
    Key("form.more", "form", ("up",), "nudge(1)", "more", "In amount: 0.05 more, or one more.", bar=3),
    Key("form.less", "form", ("down",), "nudge(-1)", "less", "In amount: 0.05 less, or one less.", bar=4),
    Key("form.page_up", "form", ("pageup",), "page_up", "page up", "Scroll up, where it is longer than its room."),
    Key("form.page_down", "form", ("pagedown",), "page_down", "page down", "Scroll down likewise."),
    Key("list.up", "list", ("k",), "up", "up", "Go up, as ↑ does."),
    Key("list.down", "list", ("j",), "down", "down", "Go down, as ↓ does."),
    Key("list.leave", "list", ("escape", "q", "9"), "leave", "leave", "Close the list."),
)

_SHOWN = {
    "full_stop": ".", "plus": "+", "minus": "-", "space": "space", "asterisk": "*", "slash": "/",
    "question_mark": "?", "equals_sign": "=", "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "page up", "pagedown": "page down", "escape": "esc",
    "exclamation_mark": "!", "colon": ":", "less_than_sign": "<", "greater_than_sign": ">",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
    "right_square_bracket": "]", "left_square_bracket": "[",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as people write it: `.` for `full_stop`."""
    return _SHOWN.get(key, key.upper() if key[1:].isdecimal() else key)


def bindings(place: Place) -> list[Binding]:
    """Textual's bindings of a place; clashes cannot happen within one, a test sees to that."""
    return [
        Binding(",".join(key.keys), key.action, key.label, show=False, id=key.id)
        for key in KEYS
        if key.place == place
    ]


def of(place: Place) -> list[Key]:
    """The keys of a place, in the order of the help."""
    return [key for key in KEYS if key.place == place]


def edits(key: Key) -> bool:
    """Whether it changes the model, which a read-only session refuses."""
    return key.id.startswith(("method.", "steps.")) and key.id != "steps.log"


def bar(*, readonly: bool = False, form: bool = False) -> list[Key]:
    """The keys of the key bar, or of the one that takes its place while a form is open, most important first."""
    shown = [key for key in KEYS if key.bar and (key.place == "form") == form and not (readonly and edits(key))]
    return sorted(shown, key=lambda key: key.bar)
