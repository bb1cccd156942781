"""The chart of one series: raw values as dots, the smoothed course as a line."""

from __future__ import annotations

from typing import Any

from loratui.core.series import SeriesView
from loratui.ui.widgets.axis import Axis
from loratui.ui.widgets.chart_drawing import ChartData, draw_chart
from loratui.ui.widgets.grid import Cells, GridView

ZOOMS = ("all", "third", "300")


def _same(old: Any, new: Any) -> bool:
    """Whether a field is as before; a series by its revision, for its arrays are long."""
    if isinstance(old, SeriesView) and isinstance(new, SeriesView):
        return (old.name, old.revision, old.count) == (new.name, new.revision, new.count)
    return bool(old == new)


class LossChart(GridView, can_focus=True):
    """Draws a `ChartData`; only the cells that changed are painted."""

    AT_ONCE = False  # the first painting is for the status, and waits for nothing

    def __init__(self, ascii_only: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.data = ChartData(ascii_only=ascii_only)
        self._axis: Axis | None = None

    def show(self, **changes: Any) -> None:
        """Change what is drawn: fields of `ChartData` by name."""
        if all(_same(getattr(self.data, name), value) for name, value in changes.items()):
            return
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
