"""The names of the panes in a row, for where only one of them fits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from loratui.ui.widgets.row import Row, Span


class TabRow(Row):
    """One name a pane; the one in front is marked."""

    DEFAULT_CSS = """
    TabRow { color: $text-muted; }
    """

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names: tuple[tuple[str, str], ...] = ()
        self.current = ""

    def show(self, names: Sequence[tuple[str, str]], current: str) -> None:
        """Show (pane, words) pairs; `current` is the pane in front."""
        self.names, self.current = tuple(names), current
        self.rebuild()

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        used = sum(cell_len(words) for _, words in self.names)
        gap = max(1, min(4, (width - used - 1) // max(len(self.names), 1)))
        spans = [Span(" ")]
        for name, words in self.names:
            spans += [Span(words, "here" if name == self.current else ""), Span(" " * gap)]
        return spans, [Span("tab ", "key")] if used + 5 * gap + 6 <= width else []

    def on_click(self, event: events.Click) -> None:
        x = 0
        names = [name for name, _ in self.names]
        for at, span in enumerate(self.row.spans):
            x += cell_len(span.text)
            if event.x < x and 0 < at <= 2 * len(names):
                self.post_message(self.Chosen(names[(at - 1) // 2]))
                return
