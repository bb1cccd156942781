"""The chart on the page of a finding: the run around the onset, with what was concluded from it."""

from __future__ import annotations

from collections.abc import Mapping

from loratui.core.series import Series, SeriesView
from loratui.kb.pages.blocks import Block
from loratui.ui.widgets.chart_data import ChartData, Curve
from loratui.ui.widgets.chart_drawing import draw_chart
from loratui.ui.widgets.lines import Line, Span
from loratui.ui.widgets.window import Window

HEIGHT, WIDEST = 11, 96
MARGIN = 0.15
"""Share of the window that is shown before the first and after the last point."""

_LABELS = {"lr": "learning rate", "grad_norm": "gradient norm", "val_loss": "validation loss"}


def onset_lines(
    block: Block, series: Mapping[str, SeriesView], width: int, *, ascii_only: bool
) -> list[Line]:
    """The chart of a block with `points`; nothing where there are too few to draw."""
    data = chart_of(block, series, ascii_only=ascii_only)
    if data is None:
        return []
    rows, _ = draw_chart(data, min(width, WIDEST), HEIGHT)
    return [Line(tuple(Span(text, style) for text, style in row.runs())) for row in rows]


def chart_of(
    block: Block, series: Mapping[str, SeriesView], *, ascii_only: bool = False
) -> ChartData | None:
    """What the chart draws: the run's own series as dots, the level that was fitted as a line."""
    name, steps = block.text, [step for step, _ in block.points]
    raw = series.get(name)
    if len(steps) < 2 and raw is None:
        return None
    label = _LABELS.get(name, name.replace("_", " "))
    fitted = Series(f"{name} fitted")
    fitted.extend(steps, [value for _, value in block.points])
    level = Curve(fitted.view(), "fitted level" if raw is not None else label, smoothed=True)
    rate = name.startswith("lr")
    first = Curve(raw, label, rate=rate) if raw is not None else level
    # points of single steps are the series itself; what was fitted stands for many
    means = len(steps) > 1 and steps[-1] - steps[0] >= 2 * (len(steps) - 1)
    second = level if raw is not None and means else None
    onset = block.onset
    known = [*steps, *([onset] if onset is not None else [])]
    room = max(20, round((max(known) - min(known)) * MARGIN))
    last = first.view.last_step if first.view is not None else None
    end = min(max(known) + room, last if last is not None else max(known) + room)
    begin = max(0, min(known) - room)
    if end <= begin:
        return None
    marks = ((onset, "warning"),) if onset is not None else ()
    window = Window(begin, end)
    return ChartData(
        first, second, findings=marks, window=window, log=not rate, ascii_only=ascii_only
    )
