"""The tensor pane: the values of one tensor, and its counts and moments beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from prune_tui.protocol import Block
from prune_tui.ui.numbers import percent
from prune_tui.ui.render import number_format
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.tensor_grid import Picture, TensorGrid
from prune_tui.view_rows import VIEWS, TensorRow, View
from prune_tui.views import Statistics, Tile


class TensorPane(Vertical):
    """A grid under a line of statistics; the frame names the tensor and the view."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    TensorPane {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        padding: 0 1;
        &:focus-within { border: heavy $border; }
        & > #statistics { height: auto; max-height: 2; color: $text-muted; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.tensor: TensorRow | None = None
        self.view: View = "effective"
        self.statistics: Statistics | None = None

    def compose(self) -> ComposeResult:
        """Statistics above, values below."""
        yield Static(id="statistics")
        yield TensorGrid(id="grid")

    @property
    def grid(self) -> TensorGrid:
        """The grid of values."""
        return self.query_one(TensorGrid)

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor or view, or the same one after it has changed."""
        same = tensor is not None and self.tensor is not None and tensor.tensor == self.tensor.tensor
        if not same or view != self.view:
            self.statistics = None
        self.tensor = tensor
        self.view = view
        self._title()
        self._tell(outdated=True)
        if tensor is None:
            self.grid.show(None)
            self.grid.show_note("no tensor here: go to a module that holds some")
        else:
            self.grid.show(Picture(tensor, view, number_format(self.statistics, tensor.dtype, view)))

    def show_statistics(self, statistics: Statistics) -> None:
        """Show the counts, and write the values in the format that they suggest."""
        self.statistics = statistics
        self._tell(outdated=False)
        if self.tensor is not None:
            self.grid.write_as(number_format(statistics, self.tensor.dtype, self.view))

    def show_tile(self, blocks: tuple[Block, ...], tile: Tile) -> None:
        """Show values; as long as nothing is known of the others, they suggest the format."""
        self.grid.show_tile(blocks, tile)
        if self.statistics is None and self.tensor is not None:
            self.grid.write_as(number_format(seen(tile), self.tensor.dtype, self.view))

    def _title(self) -> None:
        tensor = self.tensor
        if tensor is None:
            self.border_title = Content("Tensor")
            self.border_subtitle = ""
            return
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        shown = "" if self.view == "effective" else f"  {self.view}"
        self.border_title = Content(f"{printable(tensor.tensor)}  {shape}{shown}")
        self.border_subtitle = Content(" ").join([*_view_names(self.view)])

    def _tell(self, *, outdated: bool) -> None:
        """Write the counts; dim while those of the model as it is now are still to come."""
        line = self.query_one("#statistics", Static)
        text = Text("") if self.tensor is None or self.tensor.note else statistics_text(self.statistics)
        if outdated:
            text.stylize("dim")
        line.update(text)


def seen(tile: Tile) -> Statistics | None:
    """Range and root mean square of the values in a tile; None when none of them is finite."""
    values = [value for block in tile.blocks for value in (*block.values, *block.origs) if math.isfinite(value)]
    if not values:
        return None
    rms = math.sqrt(sum(value * value for value in values) / len(values))
    return Statistics(len(values), 0, minimum=min(values), maximum=max(values), rms=rms)


def _view_names(view: View) -> Iterator[Content]:
    for name in VIEWS:
        yield Content.styled(f"‹{name}›", "bold") if name == view else Content.styled(name, "dim")


def statistics_text(statistics: Statistics | None) -> Text:
    """Counts, range and moments in a line; those that are nought are left out."""
    if statistics is None:
        return Text("counting…", style="dim")
    counts = {"NaN": statistics.nans, "Inf": statistics.infinities, "zero": statistics.zeros}
    text = Text()
    for name, count in counts.items():
        if count:  # first, so that a narrow pane does not cut them off
            text.append(f"{count:,} {name}", style="" if name == "zero" else "bold reverse")
            text.append(" · ")
    told = [f"{statistics.elements:,} entries"]
    if statistics.masked:
        kept = statistics.elements - statistics.masked
        told.append(f"keeps {kept:,}, {percent(statistics.masked, statistics.elements)} masked")
    if statistics.minimum is not None and statistics.maximum is not None:
        told.append(f"min {statistics.minimum:.4g}  max {statistics.maximum:.4g}")
    if statistics.mean is not None:
        told.append(f"mean {statistics.mean:.4g}")
    if statistics.std is not None:
        told.append(f"std {statistics.std:.4g}")
    if statistics.note:
        told.append(printable(statistics.note))
    text.append(" · ".join(told))
    return text
