"""The one place that depends on Textual's internals: what is sent for a region that changed.

Textual 8 finds the spans of cells that changed, and then sends each from the left edge of its
widget on. A loss chart changes at its right edge, so nearly all of that is what the terminal shows
already. `tighten` sends the spans alone.
"""

from __future__ import annotations

from typing import Any

from rich.control import Control
from textual import _compositor
from textual.scrollbar import ScrollBar, ScrollBarRender


def render_spans(update: Any, console: Any) -> str:
    """Only the cells of the spans, as control sequences and text."""
    sequences: list[str] = []
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= last or end <= first:
                continue
            left, right = max(x, first), min(end, last)
            if left > x or right < end:
                strip = strip.crop(left - x, right - x)
            sequences.append(Control.move_to(left, y).segment.text)
            sequences.append(strip.render(console))
    return "".join(sequences)


def tighten() -> None:
    """Let Textual send no more than what changed, if it is still built as it was."""
    update = getattr(_compositor, "ChopsUpdate", None)
    names = {"chops", "spans", "chop_ends"}
    if update is not None and names <= set(update.__init__.__code__.co_varnames):
        update.render_segments = render_spans


class PlainScrollBarRender(ScrollBarRender):
    """A scrollbar of blanks in two colours: without the blocks that end it part of a cell on."""

    VERTICAL_BARS = [" "] * 8
    HORIZONTAL_BARS = [" "] * 8


def draw_scrollbars(ascii_only: bool) -> None:
    """With or without characters beyond ASCII."""
    ScrollBar.renderer = PlainScrollBarRender if ascii_only else ScrollBarRender
