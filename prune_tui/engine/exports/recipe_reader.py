"""Reading a recipe: what is wrong in it is told with file, line and field, before anything is done."""

from __future__ import annotations

import base64
import binascii
import math
import re
import shlex
import zlib
from pathlib import Path
from typing import Any

import msgspec

from prune_tui import steps
from prune_tui.engine.exports.recipe import VERSION, Recipe, RecipeStep
from prune_tui.engine.exports.yaml_fields import Field, document, text_of
from prune_tui.step_settings import Bits, Setting, StepError, checked

_FIELDS = ["version", "model", "seed", "steps", "checksum"]
_MODEL_FIELDS = ["source", "arguments", "plugins", "name", "fingerprint"]
_STEP_FIELDS = ["method", "targets", "resolved", "checksum"]
_TEXTS = {"file", "choice", "pattern", "text"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 2**30
"""Of one mask: eight billion entries."""
_SEED = Setting("seed", "The session's seed.", name="seed")
_STEP_SEED = Setting("seed", "The step's, where its method has a setting called seed.", name="step_seed")


def read(recipe: str | Path) -> Recipe:
    """A recipe, checked as far as that goes without the model.

    Args:
        recipe: A file's path, or the text itself: any string of more than one line.

    Raises:
        StepError: It cannot be read, or says what cannot be; names file, line and field.
    """
    if isinstance(recipe, str) and "\n" in recipe:
        return parsed(recipe, "recipe")
    return parsed(text_of(Path(recipe).expanduser()), str(recipe))


def parsed(text: str, file: str) -> Recipe:
    """The recipe in a text; `file` is what messages call it."""
    whole = document(text, file)
    fields = whole.fields()
    _check_version(whole, fields)
    whole.known_fields(_FIELDS)
    if "steps" not in fields:
        raise whole.refusal("has no steps; write `steps:` and below it a list of them")
    model = fields["model"].known_fields(_MODEL_FIELDS) if "model" in fields else {}
    plugins = _texts(model["plugins"]) if "plugins" in model else ()
    return Recipe(
        file,
        tuple(_step(step, plugins) for step in fields["steps"].elements()),
        seed=_checked(_SEED, fields["seed"], "") if "seed" in fields else None,
        source=model["source"].text() if "source" in model else "",
        name=model["name"].text() if "name" in model else "",
        fingerprint=_digest(model.get("fingerprint")),
        checksum=_digest(fields.get("checksum")),
    )


def _check_version(whole: Field, fields: dict[str, Field]) -> None:
    if "version" not in fields:
        raise whole.refusal(f"has no version; write `version: {VERSION}` first")
    version = fields["version"].value()
    if type(version) is not int or version != VERSION:
        newer = "; a newer prune-tui wrote it" if type(version) is int and version > VERSION else ""
        raise fields["version"].refusal(
            f"is {fields['version'].shown()}; this prune-tui reads version {VERSION}{newer}"
        )


def _step(field: Field, plugins: tuple[str, ...]) -> RecipeStep:
    given = field.fields()
    if "method" not in given:
        raise field.refusal(f"has no method; the methods are {', '.join(steps.METHOD_BY_NAME)}")
    name = given["method"].text()
    try:
        method = steps.method_named(name)
    except StepError as error:
        raise given["method"].refusal(f"is {name!r}: {error}. {_of_plugins(plugins)}") from error
    settings = {setting.name: setting for setting in method.settings}
    own_seed = ["step_seed"] if steps.owns_seed(method) else []
    given = field.known_fields([*_STEP_FIELDS, *own_seed, *settings])
    if "targets" not in given:
        raise field.refusal("has no targets; write a dotted name such as conv1.weight, or a list of them")
    values = {
        name: _checked(setting, given[name], f"{field.name}.")
        for name, setting in settings.items()
        if name in given
    }
    place = f"{field.file}:{field.line}: {field.name}"
    try:
        step = steps.build(name, _names(given["targets"]), values)
    except StepError as error:
        raise StepError(f"{place}: {error}") from error
    if "step_seed" in given:
        step = msgspec.structs.replace(step, seed=_checked(_STEP_SEED, given["step_seed"], f"{field.name}."))
    resolved = _names(given["resolved"]) if "resolved" in given else ()
    return RecipeStep(step, place, field.line, resolved, _digest(given.get("checksum")))


def _of_plugins(files: tuple[str, ...]) -> str:
    """What to do where a method is unknown: it may be of the plugins that a recipe names."""
    options = " ".join(f"--plugin {shlex.quote(file)}" for file in files)
    named = f"The recipe's model.plugins names {', '.join(files)}: pass" if files else "One of your own needs"
    return f"{named} {options or '--plugin FILE'} (in Python: prune_tui.add_method)"


def _names(field: Field) -> tuple[str, ...]:
    names = _texts(field)
    if not names:
        raise field.refusal("is an empty list; name at least one tensor")
    return names


def _texts(field: Field) -> tuple[str, ...]:
    return tuple(one.text() for one in field.elements()) if field.is_list else (field.text(),)


def _checked(setting: Setting, field: Field, prefix: str) -> Any:
    """A setting's value; what `checked` says against it begins with the setting's name."""
    if setting.kind == "bits":
        return tuple(map(_bits, field.elements())) if field.is_list else _bits(field)
    value = field.value()
    if setting.kind in _TEXTS and not (value is None and setting.optional):
        value = field.text()
    try:
        return checked(setting, value)
    except StepError as error:
        said = str(error) if str(error).startswith(setting.name) else f"{setting.name}: {error}"
        raise StepError(f"{field.file}:{field.line}: {prefix}{said}") from error


def _digest(field: Field | None) -> str:
    if field is None:
        return ""
    text = str(field.node.value).lower()
    if not _DIGEST.fullmatch(text):
        raise field.refusal(f"is {field.shown()}; it must be 64 hexadecimal digits, or left out")
    return text


# ---------------------------------------------------------------- masks


def _bits(field: Field) -> Bits:
    given = field.known_fields(["shape", "zlib", "bits"])
    if "shape" not in given or ("zlib" in given) == ("bits" in given):
        raise field.refusal("must have a shape and the mask's bytes in base64, as zlib or as bits")
    shape = tuple(map(_size, given["shape"].elements()))
    wanted = -(-math.prod(shape) // 8)
    if wanted > _MOST_BYTES:
        raise given["shape"].refusal("makes more entries than a mask in a recipe may have")
    kind = "zlib" if "zlib" in given else "bits"
    data = _decoded(given[kind], wanted)
    if len(data) != wanted:
        times = "×".join(map(str, shape)) or "scalar"
        raise given[kind].refusal(f"does not hold the {wanted:,} bytes of a {times} mask")
    return Bits(shape, data)


def _size(field: Field) -> int:
    size = field.value()
    if type(size) is not int or not 0 <= size < 2**63:
        raise field.refusal(f"is {field.shown()}; it must be a whole number")
    return size


def _decoded(field: Field, wanted: int) -> bytes:
    """The bytes, or one more than wanted where there are too many: a little zlib may stand for gigabytes."""
    try:
        data = base64.b64decode("".join(field.text().split()), validate=True)
        return zlib.decompressobj().decompress(data, wanted + 1) if field.name.endswith(".zlib") else data
    except (binascii.Error, zlib.error, ValueError) as error:
        if isinstance(error, StepError):
            raise
        raise field.refusal(f"cannot be decoded: {error}") from error
