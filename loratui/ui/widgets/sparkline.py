"""The loss of the whole run in one row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loratui.core.series import SeriesView
from loratui.ui.widgets.axis import up
from loratui.ui.widgets.columns import columns, positive
from loratui.ui.widgets.grid import Cells, GridView

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-~=+*#"
_QUANTUM = 0.05  # decades; the range moves in steps of this


def sparkline(view: SeriesView, width: int, ascii_only: bool = False, *, log: bool = True) -> str:
    """One character a cell over the whole run; ``x`` where it is NaN, or not above 0 on `log`.

    A cell covers a round number of steps, so that as a rule only the last cell changes.
    """
    if width <= 0 or view.last_step is None or not view.count:
        return ""
    first = view.starts[0] if view.starts else 0
    per_cell = max(1, round(up((view.last_step - first + 1) / width)))
    if per_cell * width < view.last_step - first + 1:
        per_cell += 1
    data = columns(view, first, first + per_cell * width - 1, width)
    if log:
        data = positive(data)
    levels = [math.log10(v) if log and v == v else v for v in data.mean]
    good = [level for level in levels if level == level]
    low, high = _range(good) if log else _span(good)
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    cells = []
    for level, bad in zip(levels, data.broken, strict=True):
        if level == level and not bad:
            at = int((level - low) / (high - low) * len(blocks) + 1e-9)
            cells.append(blocks[min(max(at, 0), len(blocks) - 1)])
        else:
            cells.append("x" if bad else " ")
    return "".join(cells).rstrip()


def _range(levels: Sequence[float]) -> tuple[float, float]:
    """Low and high in decades; at least a factor of two, so that noise stays small."""
    if not levels:
        return 0.0, 1.0
    low = math.floor(min(levels) / _QUANTUM) * _QUANTUM
    high = math.ceil(max(levels) / _QUANTUM) * _QUANTUM
    lacking = math.log10(2) - (high - low)
    if lacking > 0:
        low, high = low - lacking / 2, high + lacking / 2
    return low, high


def _span(levels: Sequence[float]) -> tuple[float, float]:
    """Low and high as they are; a level series runs in the middle."""
    low, high = min(levels, default=0.0), max(levels, default=1.0)
    room = 0.0 if high - low > abs(high) * 1e-6 else abs(high) or 1.0
    return low - room, high + room


class Sparkline(GridView):
    """The sparkline as a widget of one row."""

    DEFAULT_CSS = """
    Sparkline { height: 1; }
    """

    def __init__(self, ascii_only: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self.view: SeriesView | None = None

    def show(self, view: SeriesView | None) -> None:
        """Draw this series."""
        self.view = view
        self.redraw()

    def draw(self, width: int, _: int) -> list[Cells]:
        if self.view is None or not self.view.count:
            return [Cells.of(("no loss yet", "muted"))]
        return [Cells.of((sparkline(self.view, width, self.ascii_only), "code"))]
