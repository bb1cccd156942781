"""What the trainer prints and is not progress, following the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from textual.geometry import Region

from loratui.core.events import LogLine
from loratui.ui.widgets.lines import Line, LineView, Span, changed_cells, line, wrap

KEPT = 1000  # lines; what is older is in the file
LONGEST = 2000  # characters of a line that are laid out
_STYLES = {"warning": "warning", "error": "error"}
_EMPTY = "What the trainer prints appears here; its progress bar is in the line at the top."
_NO_ERRORS = "no warnings or errors so far; e shows every line"


class LogPane(LineView):
    """A list of lines; new ones are appended, and followed while the end is in view."""

    DEFAULT_CSS = """
    LogPane > .lines--cursor { background: $background; text-style: none; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.kept: deque[tuple[int, LogLine]] = deque(maxlen=KEPT)
        self.count = 0
        self.errors_only = False
        self._rows: dict[int, tuple[Line, ...]] = {}
        self._laid_out_for = 0
        self.following = True
        self._own_scroll = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """New lines are followed again once the user has come back to the end."""
        super().watch_scroll_y(old_value, new_value)
        if not self._own_scroll:
            self.following = new_value >= self.max_scroll_y

    @property
    def selected(self) -> LogLine | None:
        return next((entry for number, entry in self.kept if str(number) == self.target), None)

    def show(self, lines: Sequence[LogLine], count: int) -> None:
        """Append what is new; `count` counts all lines ever."""
        if count < self.count:  # another run
            self.kept.clear()
            self._rows.clear()
            self.count = 0
        new = min(count - self.count, len(lines))
        if not new:
            return
        for number, entry in enumerate(lines[len(lines) - new :], count - new):
            self.kept.append((number, entry))
        self.count = count
        oldest = self.kept[0][0]
        for number in [number for number in self._rows if number < oldest]:
            del self._rows[number]
        self.rebuild()

    def toggle_errors(self) -> None:
        """Only warnings and errors, or every line."""
        self.errors_only = not self.errors_only
        self.following = True
        self.rebuild()

    def build(self, width: int) -> list[Line]:
        if width != self._laid_out_for:
            self._rows.clear()
            self._laid_out_for = width
        rows: list[Line] = []
        for number, entry in self.kept:
            if self.errors_only and entry.level not in _STYLES:
                continue
            if (laid := self._rows.get(number)) is None:
                laid = self._rows[number] = _laid_out(number, entry, width)
            rows += laid
        if not rows:
            words = _NO_ERRORS if self.kept else _EMPTY
            return [line(f" {row}", "muted") for row in wrap(words, width - 2)]
        return rows

    def rebuild(self) -> None:
        """Lay out again, stay at the end if it was in view, repaint the rows that differ."""
        width, height = self.scrollable_content_region.size
        if width <= 0:
            return
        top = self.scroll_offset.y
        old = self.lines[top : top + height]
        self._fill(width)
        following = self.following
        self._own_scroll = True
        self._resize_content(width)
        if following:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        self._own_scroll = False
        if following:
            self.target = self.lines[-1].target if self.lines else ""
        top = self.scroll_offset.y
        new = self.lines[top : top + height]
        for y in range(max(len(old), len(new))):
            was = old[y] if y < len(old) else Line()
            now = new[y] if y < len(new) else Line()
            if was.spans != now.spans or (self.has_focus and was.target != now.target):
                first, end = changed_cells(Line(was.spans), Line(now.spans), width, self.ascii_only)
                if self.has_focus:
                    first, end = 0, width
                if end > first:
                    self.refresh(Region(first, y, end - first, 1))


def _laid_out(number: int, entry: LogLine, width: int) -> tuple[Line, ...]:
    text = entry.text
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … ({len(text) - LONGEST} more characters)"
    style = _STYLES.get(entry.level, "")
    return tuple(
        Line((Span(" " if at == 0 else "   "), Span(row, style)), target=str(number))
        for at, row in enumerate(wrap(text, width - 4))
    )
