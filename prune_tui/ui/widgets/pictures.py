"""All pictures of a tensor in one place, one of which is shown."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.widgets.channels_picture import ChannelsPicture
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.ui.widgets.stack_picture import StackPicture
from prune_tui.ui.widgets.tensor_grid import TensorGrid
from prune_tui.ui.widgets.tensor_lines import HistogramPicture, StructurePicture
from prune_tui.ui.widgets.tensor_map import HeatmapPicture, MaskPicture
from prune_tui.views import Statistics

PICTURES: dict[str, type[Picture]] = {
    "values": TensorGrid,
    "heatmap": HeatmapPicture,
    "mask": MaskPicture,
    "histogram": HistogramPicture,
    "channels": ChannelsPicture,
    "structure": StructurePicture,
    "stack": StackPicture,
}
NO_TENSOR = "no tensor here: go to a module that holds some"


class Pictures(ContentSwitcher):
    """Only the picture that is shown is told what to show: the others ask for nothing meanwhile.

    Attributes:
        look: How everything is drawn.
    """

    DEFAULT_CSS = """
    Pictures { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(initial="values", id=id)
        self.look = Look()

    def compose(self) -> ComposeResult:
        """Each under its name."""
        for name, picture in PICTURES.items():
            yield picture(id=name)

    @property
    def name_shown(self) -> str:
        """The name of the one that is shown."""
        return self.current or "values"

    @property
    def shown(self) -> Picture:
        """The one that is shown."""
        return self.get_child_by_id(self.name_shown, Picture)

    @property
    def grid(self) -> TensorGrid:
        """The grid of values."""
        return self.query_one(TensorGrid)

    def show(self, subject: Subject | None, aim: Aim | None, statistics: Statistics | None) -> None:
        """Show a tensor, or none, in the picture there is."""
        picture = self.shown
        picture.look = self.look
        picture.show_statistics(statistics)
        picture.show(subject, aim)
        if subject is None:
            picture.show_note(NO_TENSOR)

    def show_threshold(self, threshold: float | None) -> None:
        """Draw a threshold into the histogram."""
        picture = self.query_one(HistogramPicture)
        picture.threshold = threshold
        picture.redraw()
