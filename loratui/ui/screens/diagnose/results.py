"""What a search found, and the line to type it in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from loratui.ui.screens.diagnose.search import Hit
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap


class QueryLine(Input):
    """One line of words, or of pasted log."""

    BINDINGS = [Binding("escape", "close", "Close the search", show=False)]

    class Closed(Message):
        """The search is over."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            placeholder="/ what you see, an option, or a pasted error line", id=id, compact=True
        )
        self.cursor_blink = False  # a blinking cursor paints for ever

    def action_close(self) -> None:
        self.post_message(self.Closed())

    def on_key(self, event: events.Key) -> None:
        if event.key in ("backspace", "left") and not self.value:
            event.stop()
            event.prevent_default()
            self.action_close()


class ResultsPane(LineView):
    """Symptoms that match, each with the text that matched."""

    # The keys go to the line above while the cursor moves here.
    DEFAULT_CSS = """
    ResultsPane > .lines--cursor {
        color: $block-cursor-foreground;
        background: $block-cursor-background;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hits: Sequence[Hit] = ()
        self.titles: Mapping[str, str] = {}
        self.query_text = ""

    def show(self, query: str, hits: Sequence[Hit], titles: Mapping[str, str]) -> None:
        """Show hits, the cursor on the best."""
        self.query_text, self.hits, self.titles = query, hits, titles
        self.target = ""
        self.rebuild()
        self.scroll_to(y=0, animate=False)

    def build(self, width: int) -> Sequence[Line]:
        if not self.query_text.strip():
            return [line(row, "muted") for row in wrap(_HOW, width)]
        if not self.hits:
            return [line(row, "muted") for row in wrap(_NONE, width)]
        rows: list[Line] = []
        for hit in self.hits:
            title = self.titles.get(hit.symptom, hit.symptom)
            rows += [line(row, target=hit.symptom) for row in wrap(title, width)]
            if hit.field != "title":
                for row in wrap(f"{hit.field}: {hit.text}", width - 2)[:2]:
                    rows.append(Line((Span("  "), Span(row, "muted")), target=hit.symptom))
        return rows


_HOW = (
    "Type a few words, the name of an option, or paste a line of the log. ↑↓ select, enter opens."
)
_NONE = "Nothing matches. Fewer words find more; an empty line goes back to the tree."
