"""The runs that can be watched: one is chosen, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from loratui.core.snapshot import Status
from loratui.core.units import duration, number, percent, speed, whole
from loratui.engine.choices import Choice
from loratui.ui.overlays import Overlay
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_NONE = (
    "No training run was found among the processes of this box. Name a log or a run folder: "
    "loratui watch PATH, or pipe the trainer's output: TRAINER 2>&1 | loratui watch -"
)


class RunLines(LineView):
    """A run in four lines: name, how far it is, process, and where its output is read."""

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
            (_progress(choice.status), ""),
            (choice.detail, "muted"),
            (choice.place, ""),
            (choice.reason, "warning"),
        ):
            for row in wrap(text, width - 2) if text else ():
                rows.append(Line((Span("  "), Span(row, kind)), target=choice.key))
        return rows


def _progress(status: Status | None) -> str:
    """`step 1 240 of 3 400 · 36 % · loss 0.093 · 1.40 it/s · 25 min left`."""
    if status is None or status.step is None:
        return ""
    parts = [f"step {whole(status.step)}"]
    if status.total:
        parts[0] += f" of {whole(status.total)}"
        parts.append(percent(status.step / status.total))
    if status.loss is not None:
        parts.append(f"loss {number(status.loss)}")
    if status.rate:
        parts.append(speed(status.rate))
    if status.eta:
        parts.append(f"{duration(status.eta)} left")
    return " · ".join(parts)


class RunList(Overlay[Choice | None]):
    """Runs over the screen; enter watches one."""

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
        yield self.boxed(self.lines, "Runs on this box", "enter watch   q close")

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
