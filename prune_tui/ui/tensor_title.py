"""What stands in the frame of the tensor pane: which tensor, in which picture, in which view. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content

from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import VIEWS, TensorRow, View


def title(tensor: TensorRow | None, pictures: Iterable[str], shown: str, room: int) -> Content:
    """`conv1.weight  6×1×3×3  values ‹heatmap› mask`; only the picture that is shown where there is no room.

    Args:
        tensor: The tensor; None where there is none.
        pictures: The names of all.
        shown: The name of the one that is shown.
        room: Cells.
    """
    shape = "" if tensor is None else "×".join(map(str, tensor.shape)) or "scalar"
    name = Content("Tensor  ") if tensor is None else Content(f"{printable(tensor.tensor)}  {shape}  ")
    names = Content(" ").join(_chosen(pictures, shown))
    only = Content(" ").join(_chosen([shown], shown))
    return name + (names if name.cell_length + names.cell_length <= room else only)


def subtitle(tensor: TensorRow | None, view: View) -> Content:
    """`‹effective› orig mask step start`."""
    return Content("") if tensor is None else Content(" ").join(_chosen(VIEWS, view))


def _chosen(names: Iterable[str], chosen: str) -> Iterator[Content]:
    for name in names:
        yield Content.styled(f"‹{name}›", "bold") if name == chosen else Content.styled(name, "dim")
