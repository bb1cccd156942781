"""The series of the run: one is chosen to be drawn, or two in one chart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from loratui.core import units
from loratui.core.snapshot import SessionSnapshot
from loratui.ui.overlays import Overlay
from loratui.ui.screens.live.curves import CAPTIONS, Choice, curve_of, kind_of, ordered, together
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap
from loratui.ui.widgets.sparkline import sparkline

_PART = re.compile(r"(?P<what>[tq])(?P<at>\d+(?:\.\d+)?)")
SPARK = 18  # cells of the course of a series, where there is room
_VALUE, _COUNT = 9, 14


class MetricLines(LineView):
    """A series a line: what is drawn now, name, course, newest value, number of points."""

    def __init__(self, snapshot: SessionSnapshot, drawn: Choice) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.drawn = drawn
        self.said = ""
        self.target = drawn.first

    def build(self, width: int) -> Sequence[Line]:
        names = ordered(self.snapshot.series)
        longest = max((len(kind_of(name).label) for name in names), default=0)
        longest = max(min(longest, width - _VALUE - _COUNT - 3), 0)
        spark = min(SPARK, width - longest - _VALUE - _COUNT - 5)
        rows = [self._row(name, longest, spark if spark >= 6 else 0) for name in names]
        rows.append(line())
        rows += [line(row, "muted") for row in wrap(self._about(), width)]
        # always there: a box that grows would be painted whole
        return [*rows, line(self.said, "warning")]

    def _row(self, name: str, longest: int, spark: int) -> Line:
        facts, view = self.snapshot.facts, self.snapshot.series[name]
        kind, curve = kind_of(name), curve_of(name, view, facts.loss_kind)
        sign, style = {self.drawn.first: ("● ", "line"), self.drawn.second: ("+ ", "accent")}.get(
            name, ("  ", "")
        )
        value = "none yet" if view.last is None else curve.words(view.last)
        broken = view.last is not None and view.last != view.last
        counted = "epoch" if kind.unit == "epoch" else "point"
        count = f"{units.whole(view.count)} {counted}{'' if view.count == 1 else 's'}"
        left = [Span(sign, style), Span(f"{kind.label[:longest]:<{longest}} ", "title")]
        if spark:
            course = sparkline(view, spark, self.ascii_only, log=kind.log)
            left.append(Span(f" {course:<{spark}}", "code"))
        left.append(Span(f"{value:>{_VALUE}}", "error" if broken else ""))
        return Line((*left, Span(f"{count:>{_COUNT}}", "muted")), target=name)

    def _about(self) -> str:
        """What the series under the cursor is, as far as its name does not say it."""
        if kind_of(self.target).unit == "epoch":
            return "One value an epoch: the axis counts epochs, not steps."
        if self.target == "loss":
            caption = CAPTIONS.get(self.snapshot.facts.loss_kind, "")
            return f"The loss as the trainer gives it: {caption}." if caption else "The loss."
        base, _, part = self.target.partition(" ")
        if base != "val_loss":
            return ""
        if (found := _PART.fullmatch(part)) is not None:
            at = found["at"]
            where = (
                f"time step {at}"
                if found["what"] == "t"
                else f"the {at} quantile of the time steps"
            )
            return f"The loss on images that are not trained on, at {where} alone."
        on = f", {part} alone" if part else ""
        return f"The loss on images that are not trained on{on}, measured now and then."

    def point_at(self, target: str) -> None:
        """The sentence below is about the series under the cursor."""
        super().point_at(target)
        self.said = ""
        self.rebuild()


class MetricPicker(Overlay[Choice | None]):
    """Every series of the run; the answer is what to draw, None for what is drawn already."""

    BINDINGS: ClassVar = [
        Binding("q,escape,left", "leave", "Close"),
        Binding("enter,right", "choose", "Draw"),
        Binding("space", "second", "Draw as well"),
        Binding("up,T", "step(-1)", "Up"),
        Binding("down,t", "step(1)", "Down"),
        Binding("pageup", "leaf(-1)", "Page up"),
        Binding("pagedown", "leaf(1)", "Page down"),
    ]

    def __init__(self, snapshot: SessionSnapshot, drawn: Choice) -> None:
        super().__init__()
        self.before = drawn
        self.lines = MetricLines(snapshot, drawn)

    def compose(self) -> ComposeResult:
        keys = "enter draw   space add to it   t next   q close"
        yield self.boxed(self.lines, "What the chart draws", keys)

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """The newest values."""
        self.lines.snapshot = snapshot
        self.lines.rebuild()

    def action_step(self, by: int) -> None:
        self.lines.step(by)

    def action_leaf(self, by: int) -> None:
        self.lines.page(by)

    def action_second(self) -> None:
        """Draw the series under the cursor beside the first, or no longer."""
        lines, name = self.lines, self.lines.target
        first, second = lines.drawn
        lines.said = ""
        if name == second:
            lines.drawn = Choice(first)
        elif name == first:
            lines.said = "this one is drawn already"
        elif together(first, name):
            lines.drawn = Choice(first, name)
        else:
            lines.said = f"{kind_of(first).label} has another scale: enter draws this one alone"
        lines.rebuild()

    def action_choose(self) -> None:
        name, drawn = self.lines.target, self.lines.drawn
        self._answer(drawn if name in drawn or not name else Choice(name))

    def action_leave(self) -> None:
        self._answer(self.lines.drawn)

    def _answer(self, drawn: Choice) -> None:
        self.dismiss(None if drawn == self.before else drawn)

    @on(LineView.Chosen)
    def _clicked(self) -> None:
        self.action_choose()
