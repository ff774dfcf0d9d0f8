"""Where a model may be saved: the ends of names that say how, and what is refused before any work is done.

It imports no torch, so that a command refuses a place at once.
"""

from __future__ import annotations

from pathlib import Path

from prune_tui.source_names import SUFFIXES
from prune_tui.step_settings import StepError
from prune_tui.whole_file import check_folder, check_place

TORCH = (".pt", ".pth", ".bin")
SAFETENSORS = ".safetensors"
_ELSEWHERE = (
    *(".gguf", ".onnx", ".h5", ".hdf5", ".keras", ".pb", ".tflite", ".mlmodel", ".msgpack", ".pkl", ".pickle"),
    *(".zip", ".tar", ".gz", ".py", ".yaml", ".yml", ".toml", ".txt", ".md", ".csv", ".log"),
)
_OF_OTHERS = {*SUFFIXES, *_ELSEWHERE} - {*TORCH, SAFETENSORS}
"""Ends of files that are not written here; a folder of such a name would be a surprise."""
_KNOWN = f"{SAFETENSORS}, {', '.join(TORCH)} are, and folders, without such an end"


def named(name: str | Path) -> Path:
    """The place of a name.

    Raises:
        StepError: It is empty; as a path it would be the working folder.
    """
    if name == "":
        raise StepError("the name of the output is empty: name a .safetensors or .pt file, or a new folder")
    return Path(name)


def is_folder(path: Path) -> bool:
    """Whether a model of this name is a folder; every name that does not end as a file's is one."""
    return path.is_dir() or path.suffix not in {*TORCH, SAFETENSORS}


def check(path: Path, form: str = "pruned", *, overwrite: bool) -> None:
    """Refuse where nothing could be written in the end.

    Args:
        path: A file, or a folder that is new or empty.
        form: Of the model.
        overwrite: It may replace a file.

    Raises:
        ExistsError: There is a file already.
        StepError: It has a name of something else, there is no such folder, or nothing may be written there.
    """
    if "\0" in str(path):
        raise StepError(f"{str(path)!r} cannot be written: no file's name has a zero byte")
    try:
        if path.suffix.lower() in _OF_OTHERS and not path.is_dir():
            raise StepError(f"{path}: no {path.suffix} is written; {_KNOWN}")
        if is_folder(path):
            _check_folder(path)
            return
    except OSError as error:  # too long a name
        raise StepError(f"{path} cannot be written: {error.strerror or error}") from error
    if form == "compact" and path.suffix in TORCH:
        raise StepError(f"{path}: the compact form is written to .safetensors files and folders only")
    check_place(path, overwrite=overwrite)


def _check_folder(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StepError(f"{path} exists and is no empty folder; name a new one, or a .safetensors or .pt file")
    check_folder(path.parent)
