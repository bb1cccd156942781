"""The runs that can be watched: one is chosen, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from loratui.engine.choices import Choice
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_NONE = (
    "No training run was found among the processes of this box. Name a log or a run folder: "
    "loratui watch PATH, or pipe the trainer's output: TRAINER 2>&1 | loratui watch -"
)


class RunLines(LineView):
    """A run in three lines: name, process, and where its output is read."""

    def __init__(self, listed: Sequence[Choice], notes: Sequence[str]) -> None:
        super().__init__()
        self.listed = listed
        self.notes = notes

    def build(self, width: int) -> Sequence[Line]:
        rows: list[Line] = []
        if not self.listed:
            rows += [line(row, "muted") for row in wrap(_NONE, width)]
        for choice in self.listed:
            rows += self._run(choice, width)
        for note in self.notes:
            rows += [line(), *(line(row, "warning") for row in wrap(note, width))]
        return rows

    def _run(self, choice: Choice, width: int) -> list[Line]:
        sign, style = ("● ", "good") if choice.live else ("· ", "muted")
        name = choice.title if choice.readable else f"{choice.title} (cannot be watched)"
        aside = (Span(choice.trainer, "muted"),) if choice.trainer else ()
        rows = [Line((Span(sign, style), Span(name, "title")), aside, choice.key)]
        for text, kind in (
            (choice.detail, "muted"),
            (choice.place, ""),
            (choice.reason, "warning"),
        ):
            for row in wrap(text, width - 2) if text else ():
                rows.append(Line((Span("  "), Span(row, kind)), target=choice.key))
        return rows


class RunList(ModalScreen[Choice | None]):
    """Runs over the screen; enter watches one."""

    DEFAULT_CSS = """
    RunList { align: center middle; background: $background 60%; }
    RunList > Vertical {
        width: 90%; max-width: 100; height: auto; max-height: 90%;
        border: solid $primary; background: $background; padding: 0 1;
    }
    RunList > Vertical.-ascii { border: ascii $primary; }
    RunList RunLines { height: auto; max-height: 100%; }
    """

    BINDINGS: ClassVar = [
        Binding("q,escape,left,r", "leave", "Close"),
        Binding("enter,right", "choose", "Watch"),
        Binding("up", "step(-1)", "Up"),
        Binding("down", "step(1)", "Down"),
        Binding("pageup", "leaf(-1)", "Page up"),
        Binding("pagedown", "leaf(1)", "Page down"),
    ]

    def __init__(self, listed: Sequence[Choice], notes: Sequence[str] = ()) -> None:
        super().__init__()
        self.listed = listed
        self.lines = RunLines(listed, notes)

    def compose(self) -> ComposeResult:
        box = Vertical(self.lines, classes="-ascii" if self.lines.ascii_only else None)
        box.border_title = Content("Runs on this box")
        box.border_subtitle = Content("enter watch   q close")
        yield box

    def action_step(self, by: int) -> None:
        self.lines.step(by)

    def action_leaf(self, by: int) -> None:
        self.lines.page(by)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        chosen = next((c for c in self.listed if c.key == self.lines.target), None)
        if chosen is None or chosen.readable:
            self.dismiss(chosen)

    @on(LineView.Chosen)
    def _clicked(self) -> None:
        self.action_choose()
