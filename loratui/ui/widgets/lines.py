"""A scrolling list of styled lines that repaints only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from loratui.core.plain import folded, printable
from loratui.ui.palette import styles

_NEAR = 3  # rows out of view that the cursor may jump over without hiding text


class Span(NamedTuple):
    """A piece of text with the name of its style (one of `palette.STYLES`, or empty)."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """One row: spans from the left, spans against the right edge, and what choosing it means.

    Neighbouring lines with the same `target` are one item: the cursor marks them together.
    """

    spans: tuple[Span, ...] = ()
    right: tuple[Span, ...] = ()
    target: str = ""


def line(text: str = "", style: str = "", *, target: str = "") -> Line:
    """A line of one span."""
    return Line((Span(text, style),) if text else (), target=target)


def wrap(text: str, width: int) -> list[str]:
    """Break `text` at blanks into rows of at most `width` cells, words longer than that inside."""
    width = max(width, 4)
    rows: list[str] = []
    for paragraph in text.strip("\n").split("\n"):
        if cell_len(whole := printable(paragraph)) <= width:
            rows.append(whole)
            continue
        row = ""
        for word in whole.split():
            candidate = f"{row} {word}" if row else word
            if cell_len(candidate) <= width:
                row = candidate
                continue
            if row:
                rows.append(row)
            *full, row = chop_cells(word, width) or [""]
            rows.extend(full)
        rows.append(row)
    return rows


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows what `build` returns; `rebuild` compares with what is shown and repaints the rest."""

    COMPONENT_CLASSES = {"lines--cursor"}
    """
    | Class | Description |
    | :- | :- |
    | `lines--cursor` | Laid over the lines of the item under the cursor. |
    """

    DEFAULT_CSS = """
    LineView {
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        background: $background;
    }
    LineView > .lines--cursor { text-style: bold; background: $boost; }
    LineView:focus > .lines--cursor {
        color: $block-cursor-foreground;
        background: $block-cursor-background;
    }
    """

    class Moved(Message):
        """The cursor came to stand on another item."""

        def __init__(self, view: LineView, target: str) -> None:
            super().__init__()
            self.view = view
            self.target = target

        @property
        def control(self) -> LineView:
            return self.view

    class Chosen(Message):
        """The item was clicked while the cursor stood on it."""

        def __init__(self, view: LineView, target: str) -> None:
            super().__init__()
            self.view = view
            self.target = target

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: list[Line] = []
        self.target = ""
        self._filled_for = 0

    @property
    def ascii_only(self) -> bool:
        """Whether the terminal shows ASCII only."""
        return bool(getattr(getattr(self.app, "terminal", None), "ascii", False))

    def build(self, width: int) -> Sequence[Line]:
        """The lines to show at `width` cells."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Ask for the lines again and repaint what differs."""
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        old, before = self.lines, self.target
        self._fill(width)
        self._resize_content(width)
        top = self.scroll_offset.y
        for y in range(top, min(max(len(old), len(self.lines)), top + self.size.height)):
            was = old[y] if y < len(old) else Line()
            now = self.lines[y] if y < len(self.lines) else Line()
            if was != now:
                self._refresh_span(y, *changed_cells(was, now, width, self.ascii_only))
        if before != self.target:
            self._refresh_item(before)
            self._refresh_item(self.target)
        elif not old and before:
            self.reveal()

    def _fill(self, width: int) -> None:
        """Ask for the lines; the cursor stays where it is if it can."""
        self._filled_for = width
        # Signs that stand for one character may take two in ASCII: leave room for them.
        self.lines = list(self.build(width - 4 if self.ascii_only else width))
        targets = self.targets()
        if self.target not in targets:
            self.target = targets[0] if targets else ""

    def _resize_content(self, width: int) -> None:
        """Say how many lines there are.

        The whole screen is laid out again for that, and this widget painted, unless all lines fit
        before and after: then nothing can scroll, and the number is only noted.
        """
        size = Size(width, len(self.lines))
        if size == self.virtual_size:
            return
        room = self.scrollable_content_region.height
        if max(size.height, self.virtual_size.height) <= room and not _auto_height(self):
            self.set_reactive(ScrollView.virtual_size, size)
        else:
            self.virtual_size = size

    def render_lines(self, crop: Region) -> list[Strip]:
        """The first painting comes before the event that tells the size."""
        width = self.scrollable_content_region.width
        if width > 0 and width != self._filled_for:
            self._fill(width)
        return super().render_lines(crop)

    def targets(self) -> list[str]:
        """The items from top to bottom."""
        found: list[str] = []
        for row in self.lines:
            if row.target and (not found or found[-1] != row.target):
                found.append(row.target)
        return found

    def _refresh_span(self, y: int, start: int, stop: int) -> None:
        row = y - self.scroll_offset.y
        if stop > start and 0 <= row < self.size.height:
            self.refresh(Region(start, row, stop - start, 1))

    def _refresh_item(self, target: str) -> None:
        first, last = self._rows_of(target)
        for y in range(first, last):
            self._refresh_span(y, 0, self.size.width)

    def _rows_of(self, target: str) -> tuple[int, int]:
        rows = [y for y, row in enumerate(self.lines) if target and row.target == target]
        return (rows[0], rows[-1] + 1) if rows else (0, 0)

    def point_at(self, target: str) -> None:
        """Put the cursor on an item, bring it into view and say so."""
        if not self.lines:
            self.target = target  # not laid out yet; checked once it is
            return
        if target == self.target or target not in self.targets():
            return
        self._refresh_item(self.target)
        self.target = target
        self._refresh_item(target)
        self.reveal()
        self.post_message(self.Moved(self, target))

    def step(self, by: int) -> None:
        """Go to the item before (-1) or after (1); scroll while what lies between is unseen."""
        targets = self.targets()
        index = targets.index(self.target) + by if self.target in targets else -1
        if 0 <= index < len(targets):
            first, last = self._rows_of(targets[index])
            top = self.scroll_offset.y
            bottom = top + self.scrollable_content_region.height
            if (first < bottom + _NEAR) if by > 0 else (last > top - _NEAR):
                self.point_at(targets[index])
                return
        self.scroll_relative(y=by, animate=False)

    def page(self, by: int) -> None:
        """Scroll by a screenful and take the cursor along."""
        height = self.scrollable_content_region.height
        before = self.scroll_offset.y
        top = max(0, min(before + by * max(height - 1, 1), self.max_scroll_y))
        self.scroll_to(y=top, animate=False)
        targets = self.targets()
        if not targets:
            return
        seen = [
            name for name in targets if self._rows_of(name)[0] in range(int(top), int(top) + height)
        ]
        if top == before:
            self.point_at(targets[-1 if by > 0 else 0])
        elif seen and self.target not in seen:
            self.point_at(seen[0 if by > 0 else -1])

    def to_end(self, by: int) -> None:
        """Go to the first (-1) or last (1) line."""
        self.scroll_to(y=self.max_scroll_y if by > 0 else 0, animate=False)
        if targets := self.targets():
            self.point_at(targets[-1 if by > 0 else 0])

    def reveal(self) -> None:
        """Scroll so that the item under the cursor can be seen whole, or at least its start."""
        first, last = self._rows_of(self.target)
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if height <= 0:
            return
        if first < top or last - first >= height:
            self.scroll_to(y=first, animate=False)
        elif last > top + height:
            self.scroll_to(y=last - height, animate=False)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        index = y + self.scroll_offset.y
        if not 0 <= index < len(self.lines):
            return Strip.blank(self.size.width, base)
        row = self.lines[index]
        over = Style.null()
        if row.target and row.target == self.target:
            over = self.get_component_rich_style("lines--cursor")
        named = styles(self.app)
        segments: list[Segment] = []
        for span in laid_out(row, width, self.ascii_only):
            style = base
            if span.style:
                style += named[span.style]
            segments.append(Segment(span.text, style + over))
        return Strip(segments).adjust_cell_length(width, base + over)

    def on_resize(self, _: events.Resize) -> None:
        self.rebuild()

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if 0 <= index < len(self.lines) and (target := self.lines[index].target):
            if target == self.target:
                self.post_message(self.Chosen(self, target))
            else:
                self.point_at(target)


def _auto_height(view: LineView) -> bool:
    height = view.styles.height
    return height is not None and height.is_auto


def laid_out(row: Line, width: int, ascii_only: bool = False) -> list[Span]:
    """The spans of a row filled up to `width`; the left side gives way where both do not fit."""
    show = folded if ascii_only else printable
    right = [Span(show(span.text), span.style) for span in row.right]
    reserved = sum(cell_len(span.text) for span in right)
    room = max(width - (reserved + 1 if reserved else 0), 0)
    spans: list[Span] = []
    used = 0
    for span in row.spans:
        text = show(span.text)
        if used + (cells := cell_len(text)) > room:
            text = set_cell_size(text, max(room - used, 0))
            cells = room - used
        if text:
            spans.append(Span(text, span.style))
        used += cells
        if used >= room:
            break
    if right:
        spans.append(Span(" " * max(width - used - reserved, 0)))
        spans += right
    return spans


def changed_cells(was: Line, now: Line, width: int, ascii_only: bool = False) -> tuple[int, int]:
    """The first and one past the last column in which two rows differ."""
    if was.target != now.target:
        return 0, width
    before, after = cells_of(was, width, ascii_only), cells_of(now, width, ascii_only)
    differs = [x for x, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    return (differs[0], differs[-1] + 1) if differs else (0, 0)


def cells_of(row: Line, width: int, ascii_only: bool) -> list[tuple[str, str]]:
    """A row as one entry a cell; a wide character fills its second cell with nothing."""
    cells: list[tuple[str, str]] = []
    for span in laid_out(row, width, ascii_only):
        for character in span.text:
            size = cell_len(character)
            if size == 0 and cells:
                text, style = cells[-1]
                cells[-1] = (text + character, style)
                continue
            cells.append((character, span.style))
            cells.extend([("", span.style)] * (size - 1))
    return (cells + [(" ", "")] * width)[:width]
