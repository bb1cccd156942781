"""Sheets over a screen: help for the focused pane, what to do now, a terminal that is too small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen

from loratui.ui.keys import Key, keys_of
from loratui.ui.screens.base import RunScreen
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

Builder = Callable[[int], Sequence[Line]]


class SheetLines(LineView):
    """The lines of a sheet."""

    def __init__(self, builder: Builder) -> None:
        super().__init__()
        self.builder = builder

    def build(self, width: int) -> Sequence[Line]:
        return self.builder(width)


Result = TypeVar("Result")


class Overlay(ModalScreen[Result]):
    """Lines in a box over the screen."""

    DEFAULT_CSS = """
    Overlay { align: center middle; background: $background 60%; }
    Overlay > Vertical {
        width: 90%; max-width: 90; height: auto; max-height: 90%;
        border: solid $primary; background: $background; padding: 0 1;
    }
    Overlay > Vertical.-ascii { border: ascii $primary; }
    Overlay LineView { height: auto; max-height: 100%; }
    """

    def boxed(self, lines: LineView, title: str, keys: str) -> Vertical:
        """The box with its title, and the keys that it takes."""
        box = Vertical(lines, classes="-ascii" if lines.ascii_only else None)
        box.border_title = Content(title)
        box.border_subtitle = Content(keys)
        return box


class Sheet(Overlay[None]):
    """A page of text over the screen; any of the usual keys closes it."""

    BINDINGS: ClassVar = [
        Binding("q,escape,enter,question_mark,s", "app.back", "Close"),
        Binding("up", "roll(-1)", "Up"),
        Binding("down", "roll(1)", "Down"),
        Binding("pageup", "leaf(-1)", "Page up"),
        Binding("pagedown,space", "leaf(1)", "Page down"),
    ]

    def __init__(self, title: str, builder: Builder) -> None:
        super().__init__()
        self.heading = title
        self.builder = builder

    def compose(self) -> ComposeResult:
        yield self.boxed(SheetLines(self.builder), self.heading, "q close")

    def action_roll(self, by: int) -> None:
        self.query_one(SheetLines).step(by)

    def action_leaf(self, by: int) -> None:
        self.query_one(SheetLines).page(by)


class TooSmall(Screen[None]):
    """All that is shown on a terminal on which nothing else would be readable."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.least = (columns, rows)

    def compose(self) -> ComposeResult:
        yield SheetLines(self._build)

    def _build(self, width: int) -> list[Line]:
        columns, rows = self.least
        now = self.app.size
        text = (
            f"This terminal is {now.width}x{now.height}; loratui needs {columns}x{rows}. "
            "Make it larger, or leave with q: the run goes on without this screen."
        )
        return [line(row) for row in wrap(text, width)]

    def on_resize(self) -> None:
        self.query_one(SheetLines).rebuild()


def help_sheet(screen: RunScreen) -> Sheet:
    """The keys of the focused pane, of the screen and of the app."""
    title, purpose = screen.help_for()

    def build(width: int) -> list[Line]:
        rows = [line(row) for row in wrap(purpose, width)]
        rows += [line(), line(f"Keys on {screen.SCOPE.capitalize()}", "title")]
        rows += _table(list(keys_of(screen.SCOPE)), width)
        rows += [line(), line("Keys everywhere", "title")]
        rows += _table(list(keys_of("app")), width)
        return rows

    return Sheet(title, build)


def _table(entries: list[Key], width: int) -> list[Line]:
    rows: list[Line] = []
    for key in entries:
        for at, text in enumerate(wrap(key.help, width - 13)):
            head = key.label if at == 0 else ""
            rows.append(Line((Span(f" {head:<11} ", "accent"), Span(text))))
    return rows
