"""What a tree of modules shows of each, and in which order siblings stand: the half that is arranged by key."""

from __future__ import annotations

from contextlib import AbstractContextManager

from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from prune_tui.ui.outline import OutlineModel
from prune_tui.ui.tree_columns import Arrangement, KnownNorms


class Arranging(ScrollView):
    """Columns and orders by key."""

    arrangement: reactive[Arrangement] = reactive(Arrangement(), init=False)
    """What is shown of each module, and in which order."""

    norms: reactive[KnownNorms] = reactive(KnownNorms(), init=False)
    """The norms of the modules, as far as they were asked for."""

    _outline: OutlineModel

    class Arranged(Message):
        """Another column is shown, or siblings stand in another order."""

    class Told(Message):
        """A key has nothing to do here, and why.

        Attributes:
            text: Why.
        """

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def tell(self, text: str) -> None:
        """Have a person told why a key does nothing."""
        self.post_message(self.Told(text))

    def _in_place(self) -> AbstractContextManager[None]:
        """Within it rows may change places; the cursor stays on its module."""
        raise NotImplementedError

    def action_next_column(self) -> None:
        """Show something else of each module."""
        self.arrangement = self.arrangement.with_next_column()

    def action_next_order(self) -> None:
        """Sort siblings otherwise."""
        self.arrangement = self.arrangement.with_next_order()

    def watch_arrangement(self) -> None:
        """Sort, and tell."""
        self._sort()
        self.post_message(self.Arranged())

    def watch_norms(self) -> None:
        """Sort anew where that goes by the norms."""
        if self.arrangement.column == "norm":
            self._sort()

    def _sort(self) -> None:
        rank = self.arrangement.rank(self.norms)
        if rank is not None or self._outline.is_sorted:
            with self._in_place():
                self._outline.set_rank(rank)
