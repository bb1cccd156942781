"""The chart of one series: raw values as dots, the smoothed course as a line."""

from __future__ import annotations

from typing import Any

from loratui.ui.widgets.axis import Axis
from loratui.ui.widgets.chart_drawing import ChartData, draw_chart
from loratui.ui.widgets.grid import Cells, GridView

ZOOMS = ("all", "third", "300")


class LossChart(GridView, can_focus=True):
    """Draws a `ChartData`; only the cells that changed are painted."""

    AT_ONCE = False  # the first painting is for the status, and waits for nothing

    def __init__(self, ascii_only: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.data = ChartData(ascii_only=ascii_only)
        self._axis: Axis | None = None

    def show(self, **changes: Any) -> None:
        """Change what is drawn: fields of `ChartData` by name."""
        data = self.data._replace(**changes)
        if (data.label, data.zoom, data.log) != (self.data.label, self.data.zoom, self.data.log):
            self._axis = None
        self.data = data
        self.redraw()

    def next_zoom(self) -> None:
        """Whole run, last third, last 300 steps, and round again."""
        self.show(zoom=ZOOMS[(ZOOMS.index(self.data.zoom) + 1) % len(ZOOMS)])

    def on_focus(self) -> None:
        self.show(focused=True)

    def on_blur(self) -> None:
        self.show(focused=False)

    def draw(self, width: int, height: int) -> list[Cells]:
        rows, self._axis = draw_chart(self.data, width, height, self._axis)
        return rows
