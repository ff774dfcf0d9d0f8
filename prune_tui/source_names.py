"""What a source's name means, told without opening it: Python code, a checkpoint, or the demo."""

from __future__ import annotations

from pathlib import Path

DEMO = "demo"
FORMS = "a source is demo, file.py:Symbol, package.module:Symbol, or a checkpoint's file or folder"
SUFFIXES = (".safetensors", ".json", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".npz", ".npy", ".distcp")
"""What names of checkpoints end in; a file of another name is one, too, where it exists."""


def is_path(source: str) -> bool:
    """Whether a source names a file or folder, and not Python code or the demo."""
    if not source or source == DEMO or source.endswith(".py") or ".py:" in source:
        return False
    try:
        return Path(source).suffix in SUFFIXES or Path(source).exists() or "/" in source.partition(":")[0]
    except (OSError, ValueError):  # too long a name, or one with a zero byte
        return True


def base_name(path: Path) -> str:
    """What a file or folder is called, also where its path does not say: `.`, `..` and `/`."""
    return path.name if path.name not in {"", ".."} else path.resolve().name or str(path)


def missing(source: str) -> str:
    """Why nothing can be opened under this name, as far as that shows without opening it; empty when it may be."""
    place, _, symbol = source.rpartition(":")
    is_symbol = bool(place and symbol)
    place = place if is_symbol else source.rstrip(":")
    try:
        if source == DEMO or Path(source).exists():
            return ""
        if place.endswith(".py"):
            return "" if Path(place).is_file() else f"there is no file {place}; {FORMS}"
    except (OSError, ValueError):  # no name of a file, or of one that must not be looked at: its reader says so
        return ""
    if is_path(source):
        return f"there is no file {source}"
    if Path(source).suffix and ":" not in source:
        return f"there is no file {source}; {FORMS}"
    return "" if is_symbol else f"cannot tell what {source!r} is; {FORMS}"


def settled(source: str) -> str:
    """A source as it can be opened from any folder: a file by its absolute path."""
    if is_path(source):
        return str(Path(source).resolve())
    file, colon, symbol = source.rpartition(":")
    return f"{Path(file).resolve()}{colon}{symbol}" if file.endswith(".py") else source
