"""A line in which the steps to look at are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from loratui.core import units
from loratui.ui.overlays import Overlay
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap
from loratui.ui.widgets.window import NotSteps, Window, examples, parse, written


class StepsLine(Input):
    """The line itself; what it begins with is replaced by the first key."""

    def __init__(self, value: str) -> None:
        super().__init__(value, compact=True, max_length=40)
        self.cursor_blink = False  # a blinking cursor paints for ever

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """All that can be typed but q, which no range has in it and which closes."""
        return key != "q" and super().check_consume_key(key, character)


class StepsHelp(LineView, can_focus=False):
    """What can be typed, and what is wrong with what was."""

    def __init__(self, last: int, unit: str) -> None:
        super().__init__()
        self.last = last
        self.unit = unit
        self.problem = ""

    def build(self, width: int) -> Sequence[Line]:
        both, since, newest = examples(self.last)
        rows = [
            Line((Span(f" {form:<13} ", "code"), Span(words, "muted")))
            for form, words in (
                (both, "from one to the other"),
                (since, f"from there to the newest {self.unit}"),
                (newest, f"the newest {newest[1:]}, moving along"),
                ("50%-", "the second half so far"),
                ("", "nothing shows the whole run"),
            )
        ]
        text = self.problem or f"The newest {self.unit} is {units.whole(self.last)}."
        said = [line(row, "warning" if self.problem else "muted") for row in wrap(text, width)]
        # always two rows: a box that grows would be painted whole
        return [*rows, *([line()] * (2 - len(said))), *said[:3]]


class StepsPrompt(Overlay[Window | None]):
    """Asks for steps; the answer is the window to show, None to leave it as it is."""

    BINDINGS: ClassVar = [Binding("q,escape", "leave", "Close", priority=True)]
    AUTO_FOCUS = "StepsLine"
    DEFAULT_CSS = """
    StepsPrompt > Vertical { max-width: 60; }
    StepsPrompt StepsLine { height: 1; border: none; padding: 0; background: $surface; }
    """

    def __init__(self, window: Window, last: int, total: int | None, unit: str) -> None:
        super().__init__()
        self.window = window
        self.last, self.total, self.unit = last, total, unit
        self.typed = StepsLine(written(window, last, total))
        self.forms = StepsHelp(last, unit)

    def compose(self) -> ComposeResult:
        with self.boxed(self.forms, f"Which {self.unit}s to show", "enter show   q close"):
            yield self.typed

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == written(self.window, self.last, self.total):
            self.dismiss(None)
            return
        try:
            window = parse(event.value, self.last, self.total, self.unit)
        except NotSteps as error:
            self._say(str(error))
        else:
            self.dismiss(window)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say("")

    def _say(self, problem: str) -> None:
        if problem != self.forms.problem:
            self.forms.problem = problem
            self.forms.rebuild()
