"""The chart as rows of cells: everything about it that needs no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from loratui.core import units
from loratui.core.series import SeriesView
from loratui.ui.widgets.axis import Axis, columns, fit, positive, reach, smooth, window
from loratui.ui.widgets.braille import DOTS, LINE, Canvas
from loratui.ui.widgets.grid import Cells

GUTTER = 8  # cells for the labels of the vertical axis, its line included
_STYLE = {DOTS: "dots", LINE: "line"}


class Signs(NamedTuple):
    """The signs of the frame."""

    corner: str = "└"
    floor: str = "─"
    tick: str = "┬"
    wall: str = "│"
    notch: str = "┤"
    mark: str = "▲"
    broken: str = "×"
    between: str = "·"


UNICODE_SIGNS = Signs()
ASCII_SIGNS = Signs("+", "-", "+", "|", "+", "^", "x", "-")


class ChartData(NamedTuple):
    """What is drawn: the series, where findings begin, where epochs begin.

    `smoothed` says that the values are smoothed already: then the line is the series itself.
    """

    view: SeriesView | None = None
    label: str = "loss"
    smoothed: bool = False
    total: int | None = None
    epochs: tuple[int, ...] = ()
    findings: tuple[tuple[int, str], ...] = ()
    zoom: str = "all"
    log: bool = True
    ascii_only: bool = False
    caption: str = ""
    focused: bool = False


def draw_chart(
    data: ChartData, width: int, height: int, before: Axis | None = None
) -> tuple[list[Cells], Axis | None]:
    """The rows of the chart, and its vertical axis to be handed in again the next time."""
    heading = _heading(data, width)
    view = data.view
    if view is None or not view.count or view.last_step is None:
        return [heading, Cells.of(), *_empty(data)], None
    signs = ASCII_SIGNS if data.ascii_only else UNICODE_SIGNS
    plot_width, plot_height = width - GUTTER - 1, height - 4
    if plot_width < 8 or plot_height < 2:
        return [heading], None
    start, end = window(view.last_step, data.total, data.zoom)
    whole = columns(view, start, end, plot_width * 2)
    log = data.log
    cut = positive(whole) if log else whole
    line = cut.mean if data.smoothed else smooth(cut.mean, cut.gaps, log)
    extent = reach(cut, line, log)
    if extent is None and log:
        log, cut = False, whole
        line = cut.mean if data.smoothed else smooth(cut.mean, cut.gaps, log)
        extent = reach(cut, line, log)
    axis = Axis(0.0, 1.0) if extent is None else fit(*extent, log, before)
    canvas = Canvas(plot_width, plot_height)
    if not data.smoothed:
        _dots(canvas, axis, cut.low)
        _dots(canvas, axis, cut.high)
    _line(canvas, axis, line, cut.gaps)
    rows = [heading, *_plot(canvas, axis, data, signs, extent is not None)]
    rows.append(_marks(data, cut.broken, start, end, plot_width, signs))
    rows += _floor(data, start, end, plot_width, signs)
    return rows, axis


def _heading(data: ChartData, width: int) -> Cells:
    between = " - " if data.ascii_only else " · "
    parts = [data.caption] if data.caption else []
    parts.append("log" if data.log else "linear")
    zoomed = {"third": "last third", "300": "last 300 steps"}.get(data.zoom)
    if zoomed:
        parts.append(zoomed)
    return Cells.of(
        (" ", ""),
        (data.label, "here" if data.focused else "title"),
        (f"  {between.join(parts)}"[: max(width - len(data.label) - 1, 0)], "muted"),
    )


def _empty(data: ChartData) -> list[Cells]:
    return [
        Cells.of((f" The {data.label} of each step is drawn here", "muted")),
        Cells.of((" as soon as the trainer prints it:", "muted")),
        Cells.of((" dots are single steps, the line is smoothed.", "muted")),
    ]


def _y(axis: Axis, value: float, rows: int) -> int | None:
    share = axis.place(value)
    return None if share is None else round((1 - share) * (rows - 1))


def _dots(canvas: Canvas, axis: Axis, values: Sequence[float]) -> None:
    for x, value in enumerate(values):
        y = _y(axis, value, canvas.rows)
        if y is not None:
            canvas.dot(x, y)


def _line(canvas: Canvas, axis: Axis, values: Sequence[float], gaps: Sequence[bool]) -> None:
    last: tuple[int, int] | None = None
    for x, value in enumerate(values):
        if gaps[x]:
            last = None
            continue
        y = _y(axis, value, canvas.rows)
        if y is None:
            continue
        if last is None:
            canvas.stroke(x, y, x, y)
        else:
            canvas.stroke(*last, x, y)
        last = (x, y)


def _plot(canvas: Canvas, axis: Axis, data: ChartData, signs: Signs, labelled: bool) -> list[Cells]:
    labels: dict[int, str] = {}
    for value in reversed(axis.ticks(max(2, canvas.height // 3)) if labelled else []):
        share = axis.place(value)
        if share is not None:
            row = min(int((1 - share) * (canvas.rows - 1)) // 4, canvas.height - 1)
            labels.setdefault(row, _label(value, data.label))
    rows = []
    for y in range(canvas.height):
        text, layers = canvas.row(y, data.ascii_only)
        label = labels.get(y, "")
        wall = signs.notch if label else signs.wall
        head = f"{label:>{GUTTER - 2}} {wall}"
        styles = ("muted",) * len(head) + tuple(_STYLE.get(layer, "") for layer in layers)
        rows.append(Cells(head + text, styles))
    return rows


def _label(value: float, name: str) -> str:
    return units.rate(value) if name == "learning rate" else units.number(value, 2)


def _marks(
    data: ChartData, broken: Sequence[bool], start: int, end: int, width: int, signs: Signs
) -> Cells:
    """The row under the plot: where findings begin, where values are NaN."""
    text, styles = [" "] * width, [""] * width
    for at in range(width):
        if broken[2 * at] or broken[2 * at + 1]:
            text[at], styles[at] = signs.broken, "error"
    first = next((at for at in range(width) if text[at] == signs.broken), None)
    if first is not None:
        run = first
        while run < width and text[run] == signs.broken:
            run += 1
        _write(text, styles, run + 1, "no number, or 0" if data.log else "no number", "error")
    for step, word in sorted(data.findings):
        if not start <= step <= end:
            continue
        at = min(int((step - start) * width / (end - start + 1)), width - 1)
        text[at], styles[at] = signs.mark, word
        note = units.whole(step)
        if not _write(text, styles, at + 2, note, "muted"):
            _write(text, styles, at - len(note) - 1, note, "muted")
    head = " " * GUTTER
    return Cells(head[:-1] + " " + "".join(text), ("",) * GUTTER + tuple(styles))


def _write(text: list[str], styles: list[str], at: int, words: str, style: str) -> bool:
    """Put words where there is room; whether there was."""
    end = at + len(words)
    if at < 0 or end > len(text) or any(sign != " " for sign in text[max(at - 1, 0) : end + 1]):
        return False
    text[at:end] = words
    styles[at:end] = [style] * len(words)
    return True


def _floor(data: ChartData, start: int, end: int, width: int, signs: Signs) -> list[Cells]:
    """The axis with a tick at each epoch, and under it what the ticks are."""
    floor = [signs.floor] * width
    below, styles = [" "] * width, ["muted"] * width
    last = f"step {units.whole(end)}"
    below[width - len(last) :] = last
    first = units.whole(start)
    below[: len(first)] = first
    starts = [step for step in data.epochs if step > 0]
    named = False
    for number, step in enumerate(starts, 2):
        if not start < step <= end:
            continue
        at = int((step - start) * width / (end - start + 1))
        if at >= width:
            continue
        floor[at] = signs.tick
        named |= _write(below, styles, at, str(number) if named else f"epoch {number}", "muted")
    head = " " * (GUTTER - 1)
    line = Cells.of((f"{head}{signs.corner}{''.join(floor)}", "muted"))
    return [line, Cells(head + " " + "".join(below), ("",) * GUTTER + tuple(styles))]
