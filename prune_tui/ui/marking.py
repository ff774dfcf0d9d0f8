"""Marks by key: one tensor, those that are shown, of a type or by pattern, the other way round; and their pane."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.content import Content
from textual.widgets import ContentSwitcher

from prune_tui import views
from prune_tui.ui import keys, targeting
from prune_tui.ui.counting import Counting
from prune_tui.ui.mark_lines import marks
from prune_tui.ui.numbers import counted
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.key_bar import KeyBar
from prune_tui.ui.widgets.marks_pane import MarksPane
from prune_tui.ui.widgets.pattern_field import PatternField
from prune_tui.view_rows import ModuleRow


class Marking(Counting):
    """Says which tensors the steps work on; the marks pane takes the module pane's place while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self._marked_before: frozenset[str] = frozenset()

    @property
    def marks_pane(self) -> MarksPane:
        """The pane with the marks."""
        return self.query_one(MarksPane)

    def set_marks(self, marked: Iterable[str]) -> None:
        """Mark just these tensors."""
        wanted = frozenset(marked)
        if wanted != self.marked:
            self._marked_before = self.marked
        self.marked = wanted
        main = self._main
        main.module_tree.marked = wanted
        main.module_pane.marked = wanted
        main.module_pane.refresh()
        self.query_one(KeyBar).marked = len(wanted)
        self.query_one("#left").border_subtitle = Content(f"{len(wanted)} marked" if wanted else "")
        self.marks_pane.show_marks(marks(main.rows, wanted))

    def _toggle(self, names: Iterable[str]) -> None:
        """Mark these too; when all of them are marked already, unmark them."""
        meant = frozenset(names)
        self.set_marks(self.marked - meant if meant <= self.marked else self.marked | meant)

    async def show_edit(self, edited: views.Edited) -> None:
        """Show the model as it is after an edit, and how much of what is marked is pruned now."""
        await super().show_edit(edited)
        self.marks_pane.show_marks(marks(self._main.rows, self.marked))

    # Keys

    def action_mark(self) -> None:
        """Mark the tensor at the cursor, or unmark it; in the marks pane, the one at the cursor there."""
        if not self.is_open:
            self.say_not_open()
            return
        main, at = self._main, self.marks_pane.mark
        if self.focused is self.marks_pane:
            self._toggle([at.tensor] if at is not None else [])
            return
        current = main.module_tree.current
        if current is None or not current.tensors:
            self.say(targeting.nothing_to_mark(current, main.module_tree.filtered, keys.keymap_of(self)))
            return
        name = targeting.selected(current, main.tensor)
        if name in {targeting.dotted(current, own) for own in current.tensors}:
            self._toggle([name])
        else:
            self.say(f"{printable(name)} is no parameter; only parameters can be pruned")

    def action_mark_shown(self) -> None:
        """Mark the weights of the modules the filter shows; unmark them when all are marked already."""
        self._toggle(targeting.weights(self._shown()))

    def _shown(self) -> list[ModuleRow]:
        """The modules the filter shows; where there are none, or none yet, it says so."""
        if not self.is_open:
            self.say_not_open()
            return []
        tree = self._main.module_tree
        if tree.current is None:
            self.say(targeting.nothing_to_mark(None, tree.filtered, keys.keymap_of(self)))
        return tree.shown_rows()

    def action_mark_type(self) -> None:
        """Mark what the cursor is on in all modules of this type, such as every Linear's weight."""
        if not self.is_open:
            self.say_not_open()
            return
        main = self._main
        current = main.module_tree.current
        if current is None or not current.tensors:
            self.say(targeting.nothing_to_mark(current, main.module_tree.filtered, keys.keymap_of(self)))
            return
        name = targeting.selected(current, main.tensor).rpartition(".")[2]
        alike = targeting.of_same_type(main.rows, current, name)
        if not alike:
            self.say(f"{printable(name)} is no parameter; only parameters can be pruned")
            return
        self._toggle(alike)
        done = "marked" if self.marked.issuperset(alike) else "unmarked"
        kind = printable(targeting.kind_of(current))
        modules = counted(len(alike), f"{kind} module" if current.type else "module")
        self.say(f"{done}: {printable(name)} of {modules}{'' if current.type else f' at {kind}'}")

    def action_invert_marks(self) -> None:
        """Mark the weights that are not marked, and unmark what is, as far as the filter shows it."""
        self.set_marks(targeting.inverted(self.marked, self._shown()))

    def action_unmark_all(self) -> None:
        """Unmark everything; one key brings it back."""
        if not self.marked:
            self.say("nothing is marked")
            return
        unmarked = len(self.marked)
        self.set_marks(())
        key = self._main.prune_app.keymap.first("marks.back")
        self.say(f"{counted(unmarked, 'tensor')} unmarked" + (f"; {key} marks them again" if key else ""))

    @property
    def other_marks(self) -> bool:
        """Whether there are marks to go back to."""
        return self._marked_before != self.marked

    def action_marks_back(self) -> None:
        """Mark what was marked before the last change; once more, what is marked now."""
        if not self.other_marks:
            self.say("there were no other marks before")
        self.set_marks(self._marked_before)

    @on(MarksPane.ClearWanted)
    def _clear_wanted(self) -> None:
        self.action_unmark_all()

    # By pattern

    def action_mark_pattern(self) -> None:
        """Type a pattern of names, whose tensors are to be marked."""
        main = self._main
        if self.form is not None:
            self.say_form_is_open()
        elif not self.is_open:
            self.say_not_open()
        else:
            if self.maximized is not None:
                self.minimize()
            self.query_one("#left").add_class("-patterning")
            self.query_one(PatternField).begin(targeting.tensors(main.rows), self.marked)

    @property
    def patterning(self) -> bool:
        """Whether a pattern is being typed."""
        return self.query_one("#left").has_class("-patterning")

    def close_pattern(self) -> None:
        """Hide the field."""
        self.query_one("#left").remove_class("-patterning")
        self._main.module_tree.focus()

    @on(PatternField.Chosen)
    def _pattern_chosen(self, event: PatternField.Chosen) -> None:
        self.unsay()  # that one before matched nothing
        self.close_pattern()
        self._toggle(event.tensors)

    @on(PatternField.Unmatched)
    def _pattern_unmatched(self, event: PatternField.Unmatched) -> None:
        self.say(f"no tensor matches '{printable(event.pattern)}'; nothing was marked")

    # The pane

    @property
    def listing_marks(self) -> bool:
        """Whether the marks pane is open."""
        return self.query_one("#upper", ContentSwitcher).current == "marks"

    def action_list_marks(self) -> None:
        """Show the marks pane in place of the module pane, or the module pane again."""
        main, upper = self._main, self.query_one("#upper", ContentSwitcher)
        if self.form is not None:
            self.say_form_is_open()
        elif self.listing_marks:
            upper.current = "module"
            main.module_tree.focus()
        elif not self.is_open:
            self.say_not_open()
        else:
            if self.maximized is not None:
                self.minimize()
            self.unsay()
            upper.current = "marks"
            self.marks_pane.focus()

    @on(MarksPane.Chosen)
    def _mark_chosen(self, event: MarksPane.Chosen) -> None:
        """Go to the module and the tensor; the pane stays, for the next mark."""
        self._main.go_to(event.mark.module, event.mark.tensor)
