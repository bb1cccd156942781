"""The page of a symptom, with a cursor over its fixes and links."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from loratui.kb.page import Block
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_MARGIN = 10  # cells of the column of section names
_STYLES = {
    "title": "title",
    "note": "muted",
    "seen": "warning",
    "clear": "good",
    "patch": "code",
    "caveat": "warning",
    "detail": "muted",
    "link": "accent",
    "source": "muted",
}


class PagePane(LineView):
    """Shows one page; `opened` holds the items whose folded blocks are shown."""

    # The cursor means something here only while the page has the keys.
    DEFAULT_CSS = """
    PagePane > .lines--cursor { text-style: none; background: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.blocks: Sequence[Block] = ()
        self.opened: set[str] = set()
        self.tried: set[str] = set()

    def show(self, blocks: Sequence[Block], *, afresh: bool) -> None:
        """Show a page; `afresh` starts at its top, else the cursor stays where it is."""
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
            if block.folded and block.target not in self.opened:
                continue
            if rows and (block.label or block.role == "meaning"):
                rows.append(line())
            rows += self._rows(block, width)
        return rows

    def _rows(self, block: Block, width: int) -> list[Line]:
        style = _STYLES.get(block.role, "")
        if block.role in ("title", "note", "meaning"):
            return _paragraph(block, "", style, width)
        mark = block.mark
        if block.role == "fix" and block.target in self.tried:
            block = Block(
                block.role, block.text, block.label, "✔", "tried", block.target, block.folded
            )
            mark = "✔"
        head = block.label.ljust(_MARGIN)
        head += mark.ljust(2) if mark else "  " if _indented(block) else ""
        return _paragraph(block, head, style, width)


def _indented(block: Block) -> bool:
    return block.role in ("patch", "caveat", "detail")


def _paragraph(block: Block, head: str, style: str, width: int) -> list[Line]:
    """Text folded under itself, the aside kept free of it on the first row."""
    aside = (Span(block.aside, "muted"),) if block.aside else ()
    used = cell_len(head)
    room = width - used - (cell_len(block.aside) + 2 if aside else 0)
    if room < 24 and aside:
        # Too narrow for both: what is aside goes under the text.
        text = f"{block.text}  ({block.aside})"
        aside, room = (), width - used
    else:
        text = block.text
    label, mark = (head[:_MARGIN], head[_MARGIN:]) if head else ("", "")
    rows = []
    for at, row in enumerate(wrap(text, room)):
        left = (
            (Span(label, "label"), Span(mark, style if block.role != "fix" else "key"))
            if at == 0
            else (Span(" " * used),)
        )
        rows.append(Line((*left, Span(row, style)), aside if at == 0 else (), target=block.target))
    return rows
