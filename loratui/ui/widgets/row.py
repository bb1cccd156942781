"""One row of styled text that repaints only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from loratui.ui.palette import styles
from loratui.ui.widgets.grid import stretches
from loratui.ui.widgets.lines import Line, Span, cells_of, laid_out

__all__ = ["Row", "Span"]


class Row(Widget):
    """Shows what `build` returns: spans from the left and spans against the right edge."""

    DEFAULT_CSS = """
    Row { height: 1; width: 1fr; background: $background; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.row = Line()
        self._filled_for = 0

    @property
    def ascii_only(self) -> bool:
        """Whether the terminal shows ASCII only."""
        return bool(getattr(getattr(self.app, "terminal", None), "ascii", False))

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        """The spans at the left and at the right."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Ask for the row again and repaint what differs."""
        width = self.size.width
        if width <= 0:
            return
        was = self.row
        self._fill(width)
        if was != self.row:
            runs = stretches(_differing(was, self.row, width, self.ascii_only))
            if runs:
                self.refresh(*(Region(start, 0, stop - start, 1) for start, stop in runs))

    def _fill(self, width: int) -> None:
        self._filled_for = width
        left, right = self.build(width)
        self.row = Line(tuple(left), tuple(right))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The first painting comes before the event that tells the size."""
        if self.size.width != self._filled_for:
            self._fill(self.size.width)
        return super().render_lines(crop)

    def on_resize(self, _: events.Resize) -> None:
        self.rebuild()

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y:
            return Strip.blank(self.size.width, base)
        width, named = self.size.width, styles(self.app)
        segments = [
            Segment(
                span.text,
                base + named[span.style] if span.style else base,
            )
            for span in laid_out(self.row, width, self.ascii_only)
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _differing(was: Line, now: Line, width: int, ascii_only: bool) -> list[int]:
    before, after = cells_of(was, width, ascii_only), cells_of(now, width, ascii_only)
    return [x for x, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
