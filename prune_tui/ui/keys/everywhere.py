"""The keys that work in every pane: pruning methods, steps, marks, pictures, panes, the app itself."""

from __future__ import annotations

from prune_tui.steps import METHODS, Method
from prune_tui.ui.keys.key import Key
from prune_tui.ui.keys.line import LINE
from prune_tui.ui.keys.marks import MARKING
from prune_tui.ui.keys.panes import PANES

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

EVERYWHERE: tuple[Key, ...] = (
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
        "session.source",
        "app",
        ("I",),
        "source",
        "source",
        "Show what the model was opened from: files, dtypes, metadata, configuration.",
        bar=39,
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
    *MARKING,
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
        "Go to the next tensor with NaN or Inf, at the first of them, or of one value only;"
        " the first line says how many there are.",
    ),
    Key(
        "broken.previous",
        "app",
        ("left_square_bracket",),
        "next_broken(-1)",
        "previous broken",
        "Go to the one before it.",
    ),
    *LINE,
    Key("metric.toggle", "app", ("m",), "metric", "metric", "Measure the model after each step, or stop that."),
    *PANES,
    Key(
        "app.log", "app", ("f12",), "engine_log", "engine log", "Show what the engine and the model have printed."
    ),
    Key(
        "app.restart",
        "app",
        ("ctrl+r",),
        "restart",
        "restart",
        "End the engine, whatever it does, and have another one do your steps again: for code that never ends.",
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
        "Close what is open: form, maximised pane, filter, edit log, doctor, marks pane; then unmark all.",
    ),
    Key(
        "app.suspend",
        "app",
        ("ctrl+z",),
        "app.suspend",
        "suspend",
        "Suspend prune-tui and go back to the shell; its command fg comes back. The engine goes on meanwhile.",
    ),
    Key(
        "app.quit",
        "app",
        ("q", "ctrl+q", "ctrl+c"),
        "leave",
        "quit",
        "Leave; asks once when something is not saved.",
        bar=3,
    ),
)
