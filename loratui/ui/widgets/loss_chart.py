"""The chart of one or two series: raw values as dots, the smoothed course as a line."""

from __future__ import annotations

from typing import Any

from textual import events

from loratui.ui.widgets.axis import Axis
from loratui.ui.widgets.chart_data import ChartData, Curve
from loratui.ui.widgets.chart_drawing import GUTTER, Frame, draw_chart, frame_of
from loratui.ui.widgets.chart_heading import readings
from loratui.ui.widgets.grid import Cells, GridView
from loratui.ui.widgets.reading import neighbour
from loratui.ui.widgets.window import WHOLE, ZOOMS, Window, limits, moved, zoomed

NOTHING = "there is no curve yet"


def _same(old: Any, new: Any) -> bool:
    """Whether a field is as before."""
    return new.same(old) if isinstance(new, Curve) else bool(old == new)


class LossChart(GridView, can_focus=True):
    """Draws a `ChartData`; only the cells that changed are painted.

    What looks at another part of the run answers with a sentence where that is not possible.
    """

    AT_ONCE = False  # the first painting is for the status, and waits for nothing

    def __init__(self, ascii_only: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.data = ChartData(ascii_only=ascii_only)
        self._axis: Axis | None = None
        self._looks: dict[str, tuple[Window, int | None]] = {}  # window and mark, for each unit

    def show(self, **changes: Any) -> None:
        """Change what is drawn: fields of `ChartData` by name."""
        if all(_same(getattr(self.data, name), value) for name, value in changes.items()):
            return
        old, data = self.data, self.data._replace(**changes)
        if data.unit != old.unit:  # steps are no epochs: each keeps its own window
            self._looks[old.unit] = (old.window, old.mark)
            window, mark = self._looks.get(data.unit, (WHOLE, None))
            data = data._replace(window=window, mark=mark)
        if (data.first.label, data.window, data.log) != (old.first.label, old.window, old.log):
            self._axis = None
        self.data = data
        self.redraw()

    # -- looking at a part of the run ----------------------------------------------------------

    def next_zoom(self) -> None:
        """Whole run, last third, last 300 steps, and round again; from elsewhere the whole run."""
        now = self.data.window
        at = ZOOMS.index(now) if now in ZOOMS else -1
        self.show(window=ZOOMS[(at + 1) % len(ZOOMS)])

    def zoom(self, *, nearer: bool) -> str:
        """Half or twice as many steps."""
        data, last = self.data, self.data.last
        if last is None:
            return NOTHING
        window = zoomed(data.window, last, data.total, nearer=nearer, around=data.mark)
        if window is None:
            return "that is as near as it goes" if nearer else "that is the whole run"
        self.show(window=window)
        return ""

    def move(self, by: int) -> str:
        """Half a window to the left or right (-1 or 1)."""
        data, last = self.data, self.data.last
        if last is None:
            return NOTHING
        window = moved(data.window, last, data.total, by)
        if window is None:
            if data.window == WHOLE:
                return "that is the whole run; + zooms in"
            return f"that is the {'first' if by < 0 else 'newest'} {data.unit}"
        self.show(window=window)
        return ""

    def whole(self) -> None:
        """The whole run, and no reading mark."""
        self.show(window=WHOLE, mark=None)

    def another_run(self) -> None:
        """What was looked at was a part of a run that is no longer shown."""
        self._looks.clear()
        self.whole()

    # -- reading -------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame | None:
        """Where the plot is."""
        return frame_of(self.data, self.size.width)

    def read(self, by: int) -> str:
        """Put the reading mark so many cells further; past either end it goes away."""
        data, view = self.data, self.data.first.view
        frame = self.frame or self._blind_frame()
        if frame is None or view is None:
            return NOTHING
        known = neighbour(
            view, data.mark, 1 if by > 0 else -1, abs(by) * frame.gap, frame.start, frame.end
        )
        if known is None and (data.mark is None or frame.cell(data.mark) is None):
            return f"there is no value in these {data.unit}s"
        self.show(mark=known)
        return ""

    def _blind_frame(self) -> Frame | None:
        """The plot while the chart stands behind another pane."""
        last = self.data.last
        return None if last is None else Frame(*limits(self.data.window, last, self.data.total), 60)

    def on_click(self, event: events.Click) -> None:
        """Read where it was clicked."""
        frame, view = self.frame, self.data.first.view
        if frame is None or view is None or not GUTTER <= event.x < GUTTER + frame.width:
            return
        at = frame.step(event.x - GUTTER)
        self.show(mark=neighbour(view, at, 1, 0, frame.start, frame.end))

    def copied(self) -> str:
        """What is read at the mark as text, or nothing."""
        frame, mark = self.frame, self.data.mark
        if frame is None or mark is None or frame.cell(mark) is None:
            return ""
        second = self.data.second.label if self.data.second is not None else ""
        found = readings(self.data, mark, second)
        return f"{self.data.first.label}, {', '.join(piece.text for piece in found)}"

    # -- painting ------------------------------------------------------------------------------

    def on_focus(self) -> None:
        self.show(focused=True)

    def on_blur(self) -> None:
        self.show(focused=False)

    def draw(self, width: int, height: int) -> list[Cells]:
        rows, self._axis = draw_chart(self.data, width, height, self._axis)
        return rows
