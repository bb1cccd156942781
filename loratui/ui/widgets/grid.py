"""A widget of single-width cells that repaints only those that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from loratui.ui.palette import styles

_JOIN = 12  # unchanged cells between two changed runs that are cheaper sent than skipped


class Cells(NamedTuple):
    """A row: one character and one style name a cell."""

    text: str
    styles: tuple[str, ...]

    @classmethod
    def of(cls, *runs: tuple[str, str]) -> Cells:
        """A row from runs of (text, style)."""
        return cls(
            "".join(text for text, _ in runs),
            tuple(style for text, style in runs for _ in text),
        )

    def fitted(self, width: int) -> Cells:
        """The row cut or filled to `width` cells."""
        if len(self.text) == width:
            return self
        missing = max(width - len(self.text), 0)
        return Cells(self.text[:width] + " " * missing, self.styles[:width] + ("",) * missing)

    def runs(self) -> Iterator[tuple[str, str]]:
        """Neighbouring cells of one style together."""
        at = 0
        for style, group in groupby(self.styles):
            size = len(list(group))
            yield self.text[at : at + size], style
            at += size


def stretches(columns: Iterable[int]) -> list[tuple[int, int]]:
    """First and one past the last column of each stretch; those close together become one."""
    found: list[tuple[int, int]] = []
    for x in columns:
        if found and x - found[-1][1] < _JOIN:
            found[-1] = (found[-1][0], x + 1)
        else:
            found.append((x, x + 1))
    return found


def changed_runs(was: Cells, now: Cells) -> list[tuple[int, int]]:
    """The stretches of cells that differ."""
    if was == now:
        return []
    before = zip(was.text, was.styles, strict=True)
    pairs = zip(before, zip(now.text, now.styles, strict=True), strict=True)
    return stretches(x for x, (one, other) in enumerate(pairs) if one != other)


class GridView(Widget):
    """Shows what `draw` returns; `redraw` compares with what is shown and repaints the rest."""

    AT_ONCE = True
    """Whether to draw for the very first painting, or right after it."""

    DEFAULT_CSS = """
    GridView { background: $background; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cells: list[Cells] = []
        self._filled_for = Size(0, 0)

    def draw(self, width: int, height: int) -> Sequence[Cells]:
        """The rows to show."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again and repaint what differs."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        old = self.cells
        self._fill()
        blank = Cells(" " * width, ("",) * width)
        regions = []
        for y in range(max(len(old), len(self.cells))):
            was = old[y].fitted(width) if y < len(old) else blank
            now = self.cells[y] if y < len(self.cells) else blank
            regions += [Region(x, y, end - x, 1) for x, end in changed_runs(was, now)]
        if regions:
            self.refresh(*regions)

    def _fill(self) -> None:
        self._filled_for = self.size
        width, height = self.size
        self.cells = [row.fitted(width) for row in self.draw(width, height)][:height]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The first painting comes before the event that tells the size."""
        if self.AT_ONCE and self.size != self._filled_for:
            self._fill()
        return super().render_lines(crop)

    def on_resize(self, _: events.Resize) -> None:
        self.redraw()

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y >= len(self.cells):
            return Strip.blank(self.size.width, base)
        named = styles(self.app)
        segments = [
            Segment(
                text,
                base + named[style] if style else base,
            )
            for text, style in self.cells[y].runs()
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)
