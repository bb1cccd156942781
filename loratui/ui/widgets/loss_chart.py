"""The chart of one series: raw values as dots, the smoothed course as a line."""

from __future__ import annotations

from dataclasses import replace

from loratui.ui.widgets.axis import Axis
from loratui.ui.widgets.chart_drawing import ChartData, draw_chart
from loratui.ui.widgets.grid import Cells, GridView

ZOOMS = ("all", "third", "300")
_STYLES = (
    "dots", "line", "frame", "title", "words", "broken", "info", "warning", "error", "critical",
)  # fmt: skip


class LossChart(GridView, can_focus=True):
    """Draws a `ChartData`; only the cells that changed are painted."""

    PREFIX = "chart"
    COMPONENT_CLASSES = {f"chart--{name}" for name in _STYLES}
    """
    | Class | Description |
    | :- | :- |
    | `chart--dots` | Raw values. |
    | `chart--line` | The smoothed course. |
    | `chart--frame` | Axes and their labels. |
    | `chart--title`, `chart--words` | The heading, and words beside marks. |
    | `chart--broken` | Where values are NaN or infinite. |
    | `chart--info` … `chart--critical` | Where a finding of that severity begins. |
    """

    DEFAULT_CSS = """
    LossChart > .chart--dots { color: $text-disabled; }
    LossChart > .chart--line { color: $text-primary; text-style: bold; }
    LossChart > .chart--frame { color: $text-muted; }
    LossChart > .chart--title { text-style: bold; }
    LossChart:focus > .chart--title { color: $text-accent; text-style: bold reverse; }
    LossChart > .chart--words { color: $text-muted; }
    LossChart > .chart--broken { color: $text-error; }
    LossChart > .chart--info { color: $text-accent; }
    LossChart > .chart--warning { color: $text-warning; }
    LossChart > .chart--error, LossChart > .chart--critical { color: $text-error; }
    """

    def __init__(self, ascii_only: bool = False, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.data = ChartData(ascii_only=ascii_only)
        self._axis: Axis | None = None

    def show(self, **changes: object) -> None:
        """Change what is drawn: fields of `ChartData` by name."""
        data = replace(self.data, **changes)  # type: ignore[arg-type]
        if (data.label, data.zoom, data.log) != (self.data.label, self.data.zoom, self.data.log):
            self._axis = None
        self.data = data
        self.redraw()

    def next_zoom(self) -> None:
        """Whole run, last third, last 300 steps, and round again."""
        self.show(zoom=ZOOMS[(ZOOMS.index(self.data.zoom) + 1) % len(ZOOMS)])

    def draw(self, width: int, height: int) -> list[Cells]:
        rows, self._axis = draw_chart(self.data, width, height, self._axis)
        return rows
