"""A page of the knowledge base, with a cursor over what can be chosen on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from loratui.core.series import SeriesView
from loratui.kb.pages.blocks import Block
from loratui.kb.tables import drawn
from loratui.ui.screens.diagnose.onset import onset_lines
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_MARGIN = 10  # cells of the column of section names
_STYLES = {
    "title": "title",
    "heading": "title",
    "note": "muted",
    "seen": "warning",
    "good": "good",
    "failed": "error",
    "patch": "code",
    "command": "code",
    "example": "code",
    "caveat": "warning",
    "detail": "muted",
    "link": "accent",
    "source": "muted",
}
_WHOLE = ("title", "note", "meaning", "heading", "para")
_UNDER = ("patch", "caveat", "detail", "command")
_APART = ("meaning", "heading", "table", "example")


class PagePane(LineView):
    """Shows one page; `opened` holds the items whose folded blocks are shown."""

    # The cursor means something here only while the page has the keys.
    DEFAULT_CSS = """
    PagePane > .lines--cursor { text-style: none; background: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.series: Mapping[str, SeriesView] = {}
        self.blocks: Sequence[Block] = ()
        self.opened: set[str] = set()

    def show(
        self,
        blocks: Sequence[Block],
        *,
        afresh: bool,
        series: Mapping[str, SeriesView] | None = None,
    ) -> None:
        """Show a page; `afresh` starts at its top, else the cursor stays where it is.

        `series` are those of the run, for a chart on the page.
        """
        self.series = series or {}
        if afresh:
            self.opened.clear()
            self.target = ""
        self.blocks = blocks
        self.rebuild()
        if afresh:
            self.scroll_to(y=0, animate=False)

    def toggle(self) -> None:
        """Unfold or fold what is said about the item under the cursor."""
        self.opened ^= {self.target}
        self.rebuild()
        self.reveal()

    def build(self, width: int) -> Sequence[Line]:
        rows: list[Line] = []
        for block in self.blocks:
            if block.folded and (block.under or block.target) not in self.opened:
                continue
            if rows and (block.label or block.role in _APART):
                rows.append(line())
            rows += self._rows(block, width)
        return rows

    def _rows(self, block: Block, width: int) -> list[Line]:
        style = _STYLES.get(block.role, "")
        if block.role == "chart":
            return onset_lines(block, self.series, width, ascii_only=self.ascii_only)
        if block.role == "table":
            return [line(text, "label" if head else "") for text, head in drawn(block.rows, width)]
        if block.role == "example":
            return [line(f"  {text}", style) for text in block.text.split("\n")]
        if block.role in _WHOLE:
            mark = f"{block.mark} ".ljust(3) if block.mark else ""
            style = "warning" if block.mark == "!" else style
            return _paragraph(block, mark, style, width)
        margin = 0 if block.flush else _MARGIN
        head = block.label.ljust(margin)
        head += f"{block.mark} ".ljust(2) if block.mark else "  " if block.role in _UNDER else ""
        return _paragraph(block, head, style, width, margin)


def _paragraph(
    block: Block, head: str, style: str, width: int, margin: int = _MARGIN
) -> list[Line]:
    """Text folded under itself, the aside kept free of it on the first row."""
    aside = (Span(block.aside, "muted"),) if block.aside else ()
    used = cell_len(head)
    room = width - used - (cell_len(block.aside) + 2 if aside else 0)
    if aside and room < max(24, (width - used) // 2):
        # Too narrow for both: what is aside goes under the text.
        text = f"{block.text}  ({block.aside})"
        aside, room = (), width - used
    else:
        text = block.text
    label, mark = head[:margin], head[margin:]
    rows = []
    for at, row in enumerate(wrap(text, room)):
        left = (
            (Span(label, "label"), Span(mark, style if block.role != "fix" else "key"))
            if at == 0
            else (Span(" " * used),)
        )
        rows.append(Line((*left, Span(row, style)), aside if at == 0 else (), target=block.target))
    return rows
