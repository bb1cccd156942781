"""What a search found, and the line to type it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from loratui.kb.search import Hit
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
    """Pages that match, each with the text that matched."""

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
        self.title_of: Callable[[str], str] = str
        self.kind_of: Callable[[str], str] = str
        self.query_text = ""

    def show(
        self,
        query: str,
        hits: Sequence[Hit],
        title_of: Callable[[str], str],
        kind_of: Callable[[str], str],
    ) -> None:
        """Show hits, the cursor on the best; pages have a title and a kind."""
        self.query_text, self.hits = query, hits
        self.title_of, self.kind_of = title_of, kind_of
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
            kind = self.kind_of(hit.page)
            aside = (Span(kind, "muted"),) if kind else ()
            for at, row in enumerate(wrap(self.title_of(hit.page), width - len(kind) - 1)):
                rows.append(Line((Span(row),), aside if at == 0 else (), hit.page))
            if hit.field not in ("title", "word", "id"):
                for row in wrap(f"{_FIELDS.get(hit.field, hit.field)}: {hit.text}", width - 2)[:2]:
                    rows.append(Line((Span("  "), Span(row, "muted")), target=hit.page))
        return rows


_FIELDS = {"see": "seen as", "message": "log says", "text": "says", "heading": "about"}
_HOW = (
    "Type a few words, the name of an option, or paste a line of the log. ↑↓ select, enter opens."
)
_NONE = "Nothing matches. Fewer words find more; an empty line goes back to the tree."
