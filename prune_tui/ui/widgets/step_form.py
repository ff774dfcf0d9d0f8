"""The form of a pruning method: its settings as fields, and what the step would do as they are typed."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from prune_tui import step_settings, steps, totals
from prune_tui.step_settings import Setting, StepError
from prune_tui.steps import Method, Step
from prune_tui.ui import keys
from prune_tui.ui.numbers import counted, percent
from prune_tui.ui.setting_words import MEANINGS
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.setting_field import SettingField, TakesKey
from prune_tui.view_rows import TensorRow
from prune_tui.views import Effect, Previewed

_SHOWN_EFFECTS = 6
_AROUND_FIELDS = 8
"""Lines of a form beside its fields: frame, sentence, a gap and the beginning of what it would do."""
_LONG = {"file", "text"}
"""Kinds of settings whose fields take the rest of the line."""
_WORDS = {*_LONG, "any"}
"""Kinds whose values may be any word."""


class StepForm(VerticalScroll, can_focus=False):
    """One field a setting, derived from the catalogue; enter applies, esc leaves all as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("form")]
    DEFAULT_CSS = """
    StepForm {
        border: heavy $border;
        border-title-color: $foreground;
        border-subtitle-color: $foreground-muted;
        border-title-style: bold;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        & .sentence { color: $text-muted; height: auto; }
        & .field { height: 1; }
        & .field > .name { width: 15; }
        & .field > Input { width: 11; }
        & .field > Input.long { width: 1fr; }
        & .field > Select { width: 1fr; max-width: 30; }
        & .field > .echo { width: 1fr; padding-left: 1; color: $text-muted; }
        & #effect { height: auto; margin-top: 1; }
        & #effect.refused { color: $text-error; }
    }
    """

    class Changed(Message):
        """A setting has another value: what the step would do should be worked out anew."""

        def __init__(self, step: Step) -> None:
            self.step = step
            """The step as the fields have it."""
            super().__init__()

    class Invalid(Message):
        """A field cannot be read: there is no step to preview."""

    class Submitted(Message):
        """The step is to be applied."""

        def __init__(self, step: Step) -> None:
            self.step = step
            """The step as the fields have it."""
            super().__init__()

    class Left(Message):
        """The form is to be closed; nothing has changed."""

        def __init__(self, form: StepForm) -> None:
            self.form = form
            """The form."""
            super().__init__()

    class GivenUp(Message):
        """The step that is being applied is not wanted any more."""

    def __init__(
        self, method: Method, targets: tuple[str, ...], tensor: TensorRow | None, values: dict[str, Any]
    ) -> None:
        """Make the form of a method.

        Args:
            method: From the catalogue.
            targets: What it will work on.
            tensor: The only target, for the names of its axes; None when there are several.
            values: What the fields hold at first, by setting; the catalogue's defaults for the others.
        """
        super().__init__()
        self.method = method
        self.targets = targets
        self._tensor = tensor
        self._values = values
        self._asked = [setting for setting in method.settings if setting.asked and setting.kind != "bits"]
        self.applying = False
        """The step has been submitted and is not answered yet."""
        self.closed = False
        """It is to go; what it is told late, it does not do any more."""
        self.takes_key: TakesKey = lambda _event, _untouched: False
        """What its fields ask before a character is typed."""

    def compose(self) -> ComposeResult:
        """The method's sentence, its fields, and room for what it would do."""
        yield Static(f"{self.method.sentence} {self._targets_text()}", classes="sentence", markup=False)
        for setting in self._asked:
            with Horizontal(classes="field"):
                name = Static(printable(setting.name), classes="name", markup=False)
                name.styles.width = max(15, min(30, len(setting.name) + 1))
                yield name
                yield self._field(setting)
                if setting.kind not in _LONG and not _choices(setting):
                    yield Static("", classes="echo", id=f"echo-{_id(setting)}", markup=False)
        yield Static(Text("working it out…", style="dim"), id="effect")

    def _field(self, setting: Setting) -> Input | Select[str]:
        value = self._values.get(setting.name, setting.default)
        choices = _choices(setting)
        if choices:
            return Select(
                [(choice, choice) for choice in choices],
                value=Select.NULL if value in (None, "") else str(value),
                allow_blank=setting.optional,
                prompt="none",
                compact=True,
                id=f"field-{_id(setting)}",
            )
        text = "" if value is None else str(value)
        placeholder = "drawn" if setting.kind == "seed" else "none" if setting.optional else ""
        field = SettingField(
            text, placeholder, words=setting.kind in _WORDS, takes_key=self.takes_key, id=f"field-{_id(setting)}"
        )
        field.set_class(setting.kind in _LONG, "long")
        return field

    def on_mount(self) -> None:
        """Title, first field, first preview."""
        if self.closed:  # before it was there: its fields will not come
            return
        self.border_title = Content(printable(f"{self.method.key} {self.method.name}".strip()))
        self.styles.min_height = _AROUND_FIELDS + max(3, len(self._asked)) + (len(self.targets) > 1)
        fields = list(self.query("Input, Select"))
        if fields:
            fields[0].focus()
        else:
            self.can_focus = True
            self.focus()
        self._changed()
        self._say_what_is_out_of_sight()
        for scrolled in ("scroll_y", "virtual_size"):
            self.watch(self, scrolled, self._say_what_is_out_of_sight, init=False)

    def on_resize(self) -> None:
        """More of it, or less, may be out of sight."""
        self._say_what_is_out_of_sight()

    def _say_what_is_out_of_sight(self) -> None:
        self.border_subtitle = Content(hidden_text(round(self.scroll_y), self.max_scroll_y))

    def _targets_text(self) -> str:
        if len(self.targets) == 1:
            return f"On {printable(self.targets[0])}."
        first = ", ".join(map(printable, self.targets[:3]))
        rest = f" and {len(self.targets) - 3} more" if len(self.targets) > 3 else ""
        return f"On {len(self.targets)} tensors: {first}{rest}."

    # What is typed

    def step(self) -> Step:
        """The step as the fields have it.

        Raises:
            StepError: A field cannot be read.
        """
        settings = {setting.name: step_settings.read(setting, self._text(setting)) for setting in self._asked}
        return steps.build(self.method.name, self.targets, settings)

    def _text(self, setting: Setting) -> str:
        field = self.query_one(f"#field-{_id(setting)}")
        if isinstance(field, Select):
            return "" if field.is_blank() else str(field.value)
        return field.value if isinstance(field, Input) else ""

    @property
    def texts(self) -> dict[str, Any]:
        """What the fields hold, to fill the next form of this method."""
        return {setting.name: self._text(setting) for setting in self._asked if setting.kind != "seed"}

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        if self.closed:
            return
        self._echo_axis()
        self._echo_meaning()
        try:
            step = self.step()
        except StepError as error:
            self.show_error(str(error))
            self.post_message(self.Invalid())
        else:
            self.post_message(self.Changed(step))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Apply the step, or say why not."""
        if self.closed:
            return
        try:
            step = self.step()
        except StepError as error:
            self.show_error(str(error))
            return
        self.post_message(self.Submitted(step))

    def action_leave(self) -> None:
        """Close the form; while its step is being applied, give that up."""
        if self.applying:
            told = keys.named(self, "given up, unless it is done already: then {steps.undo} takes it back")
            self.app.notify(told, markup=False)
            self.post_message(self.GivenUp())
        else:
            self.post_message(self.Left(self))

    def action_nudge(self, direction: int) -> None:
        """Change the amount a little."""
        field = self.focused_amount
        if field is None:
            return
        try:
            amount = step_settings.read(
                next(setting for setting in self._asked if setting.name == "amount"), field.value
            )
        except StepError as error:
            self.show_error(str(error))
            return
        field.value = str(nudged(amount, direction))
        field.cursor_position = len(field.value)

    @property
    def focused_amount(self) -> Input | None:
        """The amount's field, when it has the focus."""
        focused = self.screen.focused
        return focused if isinstance(focused, Input) and focused.id == "field-amount" else None

    # What it would do

    def _echo_axis(self) -> None:
        """Say which axis a dim is."""
        if self._tensor is None or not any(setting.kind == "dim" for setting in self._asked):
            return
        axes, shape = self._tensor.axes, self._tensor.shape
        try:
            dim = int(self.query_one("#field-dim", Input).value)
        except ValueError:
            return
        known = -len(axes) <= dim < len(axes)
        choices = ", ".join(f"{index} {name}" for index, name in enumerate(axes))
        self.query_one("#echo-dim", Static).update(
            f"= {axes[dim]} ({shape[dim]})" if known else f"axes: {choices}"
        )

    def _echo_meaning(self) -> None:
        """Say what a floor does, and which norm is measured."""
        for setting in self._asked:
            told = MEANINGS.get(setting.kind)
            if told is not None:
                self.query_one(f"#echo-{_id(setting)}", Static).update(told(setting, self._text(setting)))

    def show_preview(self, previewed: Previewed) -> None:
        """Show what the step would do."""
        effect = self.query_one("#effect", Static)
        effect.remove_class("refused")
        effect.update(preview_text(previewed, self.method))
        if any(setting.kind == "amount" for setting in self._asked):
            self.query_one("#echo-amount", Static).update(comes_to_text(previewed))
        seed = getattr(previewed.step, "seed", None)
        if seed is not None and any(setting.kind == "seed" for setting in self._asked):
            self.query_one("#echo-seed", Static).update(f"= {seed}")

    def say_it_lasts(self) -> None:
        """The preview takes long: say what can be done about that."""
        restart = keys.told(self, ("app.restart", "restarts the engine if it does not stop"))
        effect = self.query_one("#effect", Static)
        effect.remove_class("refused")
        effect.update(Text(" · ".join(filter(None, ("working it out… esc closes", restart))), style="dim"))

    def show_error(self, message: str) -> None:
        """Say why the step cannot be done."""
        effect = self.query_one("#effect", Static)
        effect.add_class("refused")
        effect.update(Text(f"✗ {printable(message)}"))
        if any(setting.kind == "amount" for setting in self._asked):
            self.query_one("#echo-amount", Static).update("")


def _id(setting: Setting) -> str:
    """A name as Textual allows it: a plugin's parameter may be called λ."""
    return setting.name.encode("ascii", "backslashreplace").decode().replace("\\", "_")


def _choices(setting: Setting) -> tuple[str, ...]:
    return ("False", "True") if setting.kind == "flag" else setting.choices


def nudged(amount: int | float | str, direction: int) -> int | float | str:
    """An amount one notch up or down, and no further than it may go: 0.05 of a fraction, one of a count.

    A total goes by 5%, a schedule by a step.
    """
    if isinstance(amount, str):
        total = totals.read(amount)
        return amount if total is None else str(total.nudged(direction))
    if isinstance(amount, int):
        return max(0, amount + direction)
    return min(1.0, max(0.0, round(amount + 0.05 * direction, 10)))


def hidden_text(above: int, hidden: int) -> str:
    """The form's last line: what its keys do, or where it has more lines than room, how many are out of sight.

    Args:
        above: Lines scrolled out at the top.
        hidden: Lines out of sight in all.
    """
    if hidden <= 0:
        return "enter applies · esc leaves all as it was"
    ways = (("↑", above, "pageup"), ("↓", hidden - above, "pagedown"))
    counts = " ".join(f"{arrow} {lines}" for arrow, lines, _ in ways if lines > 0)
    pressed = ", ".join(keys.shown(key) for _, lines, key in ways if lines > 0)
    return f"{counts} more {'line' if hidden == 1 else 'lines'}: {pressed}"


def comes_to_text(previewed: Previewed) -> str:
    """`= 16 of 54 left`."""
    took = sum(effect.units_took for effect in previewed.effects)
    left = sum(effect.units_left for effect in previewed.effects)
    return f"= {took:,} of {left:,} left"


def preview_text(previewed: Previewed, method: Method) -> Text:
    """What each target would lose, and what a person should know before."""
    text = Text()
    if method.name == "remove":  # what went by the masks it makes permanent, went before
        text.append(f"{_removal_text(previewed.effects)}\n")
        text.append_text(_notes_text(previewed.notes))
        text.rstrip()
        return text
    if len(previewed.effects) > 1:
        took = sum(effect.took for effect in previewed.effects)
        elements = sum(effect.elements for effect in previewed.effects)
        left = sum(effect.left for effect in previewed.effects) - took
        text.append(
            f"in all −{took:,}, {percent(elements - left, elements)} of {elements:,} masked\n", style="bold"
        )
    text.append_text(_notes_text(previewed.notes))
    for effect in previewed.effects[:_SHOWN_EFFECTS]:
        text.append_text(_effect_text(effect))
    if len(previewed.effects) > _SHOWN_EFFECTS:
        text.append(f"and {len(previewed.effects) - _SHOWN_EFFECTS} more", style="dim")
    text.rstrip()
    return text


def _removal_text(effects: tuple[Effect, ...]) -> str:
    pruned = sum(effect.elements - effect.left for effect in effects)
    into = ", ".join(printable(effect.target) for effect in effects[:2])
    more = f" and {len(effects) - 2} more" if len(effects) > 2 else ""
    return f"writes {counted(pruned, 'zero')} into {into}{more}; mask and hook go."


def _notes_text(notes: tuple[str, ...]) -> Text:
    return Text("".join(f"! {printable(note)}\n" for note in notes), style="bold")


def _effect_text(effect: Effect) -> Text:
    text = Text(printable(effect.target), style="bold")
    left = effect.left - effect.took
    masked = percent(effect.elements - left, effect.elements)
    unsure = f" ±{effect.unsure:,} tied" if effect.unsure else ""
    text.append(
        f"  −{effect.took:,}{unsure}, keeps {left:,} of {effect.elements:,} ({masked} masked)", style="not bold"
    )
    if effect.threshold is not None:
        text.append(f", up to |{effect.threshold:.4g}|", style="not bold")
    text.append("\n")
    return text
