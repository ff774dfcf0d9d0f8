"""The parameters of a command, as its signature and its docstring have them."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from cyclopts import App

from prune_tui.completion.words import Option


def parameters(app: App) -> list[Option]:
    """In the order of the signature; the options of a source one by one."""
    return [
        Option(
            argument.field_info.name,
            tuple(name for name in argument.parameter.name or () if name.startswith("-")),
            " ".join((argument.parameter.help or "").split()),
            _choices(argument.hint),
            argument.hint is not bool,
        )
        for argument in app.assemble_argument_collection(parse_docstring=True)
        if "*" not in argument.names  # what holds the options of a source
    ]


def needed(app: App) -> set[str]:
    """Names of the parameters that must be given."""
    arguments = app.assemble_argument_collection(parse_docstring=True)
    return {argument.field_info.name for argument in arguments if argument.required}


def _choices(hint: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()
