"""The checklist of the present phase; items tick themselves where there is evidence."""

from __future__ import annotations

from rich.cells import cell_len

from loratui.core.snapshot import Checklist, ChecklistItem
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_GLYPHS = {"done": "✔", "open": "○", "failed": "✖", "manual": "·"}
_STYLES = {"done": "good", "open": "", "failed": "error", "manual": ""}
_EMPTY = "What to look at in each phase of training appears here and ticks itself."


def count(checklist: Checklist) -> str:
    """``3 of 5``, or nothing when there is no checklist."""
    done = sum(item.state == "done" for item in checklist.items)
    return f"{done} of {len(checklist.items)}" if checklist.items else ""


def item_lines(item: ChecklistItem, width: int) -> list[Line]:
    """Glyph, text and evidence, beside each other where there is room."""
    glyph, style = _GLYPHS[item.state], _STYLES[item.state]
    words = item.evidence or ("space ticks it" if item.state == "manual" else "")
    if item.state == "failed":
        words = f"failed: {words}" if words else "failed"
    beside = words and cell_len(item.text) + cell_len(words) + 6 <= width
    rows = []
    for at, text in enumerate(wrap(item.text, width - 4)):
        head = Span(f" {glyph} " if at == 0 else "   ", style)
        right = (Span(f"{words} ", "muted"),) if beside else ()
        rows.append(Line((head, Span(text, style)), right, item.id))
    if words and not beside:
        rows += [line(f"   {row}", "muted", target=item.id) for row in wrap(words, width - 4)]
    return rows


class ChecklistPane(LineView):
    """Items with the evidence for their state."""

    DEFAULT_CSS = """
    ChecklistPane > .lines--cursor { background: $background; text-style: none; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.checklist = Checklist()

    def show(self, checklist: Checklist) -> None:
        """Show this checklist."""
        self.checklist = checklist
        self.rebuild()

    @property
    def selected(self) -> ChecklistItem | None:
        return next((item for item in self.checklist.items if item.id == self.target), None)

    def build(self, width: int) -> list[Line]:
        if not self.checklist.items:
            return [line(f" {row}", "muted") for row in wrap(_EMPTY, width - 2)]
        return [row for item in self.checklist.items for row in item_lines(item, width)]
