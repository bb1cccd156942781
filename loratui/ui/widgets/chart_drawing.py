"""The chart as rows of cells: everything about it that needs no screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from loratui.core import units
from loratui.ui.widgets.axis import Axis, fit
from loratui.ui.widgets.braille import DOTS, LINE, SECOND, Canvas
from loratui.ui.widgets.chart_data import ChartData, Curve
from loratui.ui.widgets.chart_heading import Shown, heading
from loratui.ui.widgets.columns import Columns, columns, positive, reach, smooth
from loratui.ui.widgets.grid import Cells
from loratui.ui.widgets.window import limits

GUTTER = 8  # cells for the labels of the vertical axis, its line included
_STYLE = {DOTS: "dots", LINE: "line", SECOND: "accent"}
_SPARSE = 3  # columns to a point from which on each is drawn to be seen by itself


class Signs(NamedTuple):
    """The signs of the frame."""

    corner: str = "└"
    floor: str = "─"
    tick: str = "┬"
    wall: str = "│"
    notch: str = "┤"
    mark: str = "▲"
    broken: str = "×"
    read: str = "┊"


UNICODE_SIGNS = Signs()
ASCII_SIGNS = Signs("+", "-", "+", "|", "+", "^", "x", "|")


class Frame(NamedTuple):
    """Where the plot is: `width` cells for the steps from `start` to `end`."""

    start: int
    end: int
    width: int

    @property
    def steps(self) -> int:
        """How many steps it shows."""
        return self.end - self.start + 1

    @property
    def gap(self) -> int:
        """Steps from one cell to the next, at least 1."""
        return max(1, round(self.steps / self.width))

    def cell(self, step: int) -> int | None:
        """The cell of a step, None outside."""
        if not self.start <= step <= self.end:
            return None
        return min(int((step - self.start) * self.width / self.steps), self.width - 1)

    def step(self, cell: int) -> int:
        """The first step of a cell."""
        cell = min(max(cell, 0), self.width - 1)
        return min(self.start + math.ceil(cell * self.steps / self.width), self.end)


def frame_of(data: ChartData, width: int) -> Frame | None:
    """Where the plot of a chart `width` cells wide is; None where nothing is drawn."""
    last, plot = data.last, width - GUTTER - 1
    if last is None or plot < 8:
        return None
    return Frame(*limits(data.window, last, data.total), plot)


def draw_chart(
    data: ChartData, width: int, height: int, before: Axis | None = None
) -> tuple[list[Cells], Axis | None]:
    """The rows of the chart, and its vertical axis to be handed in again the next time."""
    if data.last is None:
        return [heading(data, width), Cells.of(), *_empty(data)], None
    frame, plot_height = frame_of(data, width), height - 4
    if frame is None or plot_height < 2:
        return [heading(data, width)], None
    log, courses = data.log, _courses(data, frame, data.log)
    extent = _extent(courses, log)
    if extent is None and log:
        log, courses = False, _courses(data, frame, False)
        extent = _extent(courses, log)
    axis = Axis(0.0, 1.0) if extent is None else fit(*extent, log, before)
    canvas = Canvas(frame.width, plot_height)
    for course in reversed(courses):
        _draw(canvas, axis, course)
    first = courses[0]
    mark = None if data.mark is None else frame.cell(data.mark)
    value = math.nan if mark is None else _value_in(first.line, mark)
    shown = Shown(frame.start, frame.end, log, max(c.cut.span for c in courses), value)
    signs = ASCII_SIGNS if data.ascii_only else UNICODE_SIGNS
    plot = _plot(canvas, axis if extent is not None else None, data, signs)
    if extent is None and not any(first.cut.broken):
        _say(plot, f"no {data.first.label} in these {data.unit}s")
    if mark is not None:
        _read_mark(plot, GUTTER + mark, signs)
    return [
        heading(data, width, shown),
        *(Cells("".join(text), tuple(styles)) for text, styles in plot),
        _marks(data, first.cut, frame, log, signs),
        *_floor(data, frame, signs),
    ], axis


def _empty(data: ChartData) -> list[Cells]:
    return [
        Cells.of((f" The {data.first.label} of each {data.unit} is drawn here", "muted")),
        Cells.of((" as soon as the trainer prints it:", "muted")),
        Cells.of((f" dots are single {data.unit}s, the line is smoothed.", "muted")),
    ]


# -- curves ------------------------------------------------------------------------------------


class _Course(NamedTuple):
    """A curve cut into columns, two a cell, and the line through it."""

    curve: Curve
    layer: int
    cut: Columns
    line: list[float]
    dotted: bool
    sparse: bool


def _courses(data: ChartData, frame: Frame, log: bool) -> list[_Course]:
    """The first curve, and the second where there is one."""
    found = []
    for curve, layer in ((data.first, LINE), (data.second, SECOND)):
        if curve is None or curve.view is None or not curve.view.count:
            continue
        cut = columns(curve.view, frame.start, frame.end, frame.width * 2)
        cut = positive(cut) if log else cut
        line = cut.mean if curve.smoothed else smooth(cut.mean, cut.gaps, log)
        points = sum(value == value for value in cut.mean)
        sparse = points * _SPARSE <= len(cut.mean) and cut.span == 1
        dotted = not curve.smoothed or cut.span > 1
        found.append(_Course(curve, layer, cut, line, dotted, sparse))
    return found


def _extent(courses: Sequence[_Course], log: bool) -> tuple[float, float] | None:
    """What the vertical axis has to show."""
    found = []
    for course in courses:
        cut = course.cut
        if not course.dotted:
            cut = cut._replace(low=cut.mean, high=cut.mean)
        if (extent := reach(cut, course.line, log)) is not None:
            found.append(extent)
    if not found:
        return None
    return min(low for low, _ in found), max(high for _, high in found)


def _draw(canvas: Canvas, axis: Axis, course: _Course) -> None:
    if course.dotted:
        for values in (course.cut.low, course.cut.high):
            _dots(canvas, axis, values, DOTS, course.sparse)
    elif course.sparse:
        _dots(canvas, axis, course.line, course.layer, True)
    _line(canvas, axis, course)


def _y(axis: Axis, value: float, rows: int) -> int | None:
    share = axis.place(value)
    return None if share is None else round((1 - share) * (rows - 1))


def _dots(canvas: Canvas, axis: Axis, values: Sequence[float], layer: int, crosses: bool) -> None:
    for x, value in enumerate(values):
        y = _y(axis, value, canvas.rows)
        if y is None:
            continue
        if crosses:
            canvas.cross(x, y, layer)
        else:
            canvas.dot(x, y, layer)


def _line(canvas: Canvas, axis: Axis, course: _Course) -> None:
    last: tuple[int, int] | None = None
    for x, (value, gap) in enumerate(zip(course.line, course.cut.gaps, strict=True)):
        if gap:
            last = None
            continue
        y = _y(axis, value, canvas.rows)
        if y is None:
            continue
        canvas.stroke(*(last or (x, y)), x, y, course.layer)
        last = (x, y)


def _value_in(line: Sequence[float], cell: int) -> float:
    """The line in a cell, NaN where it has no value there."""
    one, other = line[2 * cell], line[2 * cell + 1]
    return other if other == other else one


# -- the frame ---------------------------------------------------------------------------------

_Row = tuple[list[str], list[str]]  # a character and a style for each cell


def _plot(canvas: Canvas, axis: Axis | None, data: ChartData, signs: Signs) -> list[_Row]:
    labels: dict[int, str] = {}
    for value in reversed(axis.ticks(max(2, canvas.height // 3)) if axis is not None else []):
        share = axis.place(value) if axis is not None else None
        if share is not None:
            row = min(int((1 - share) * (canvas.rows - 1)) // 4, canvas.height - 1)
            labels.setdefault(row, _label(data.first, value))
    rows: list[_Row] = []
    for y in range(canvas.height):
        text, layers = canvas.row(y, data.ascii_only)
        label = labels.get(y, "")
        padded = f"{label:>{GUTTER - 2}} "[: GUTTER - 1]
        head = padded + (signs.notch if label else signs.wall)
        styles = ["muted"] * GUTTER + [_STYLE.get(layer, "") for layer in layers]
        rows.append((list(head + text), styles))
    return rows


def _label(curve: Curve, value: float) -> str:
    text = curve.words(value, 2)
    return text if len(text) < GUTTER - 1 else units.rate(value)


def _say(plot: list[_Row], words: str) -> None:
    """A sentence in the middle of a plot in which there is nothing."""
    text, styles = plot[(len(plot) - 1) // 2]
    room = len(text) - GUTTER - 2
    if len(words) <= room:
        begin = GUTTER + (room - len(words)) // 2
        text[begin : begin + len(words)] = words
        styles[begin : begin + len(words)] = ["muted"] * len(words)


def _read_mark(plot: list[_Row], x: int, signs: Signs) -> None:
    """An upright line at the step that is read, behind what is drawn there."""
    for text, styles in plot:
        if text[x] == " ":
            text[x], styles[x] = signs.read, "muted"


def _marks(data: ChartData, cut: Columns, frame: Frame, log: bool, signs: Signs) -> Cells:
    """The row under the plot: where findings begin, where values are NaN."""
    width = frame.width
    text, styles = [" "] * width, [""] * width
    broken = _broken_cells(cut)
    for at in broken:
        text[at], styles[at] = signs.broken, "error"
    for step, word in sorted(data.findings):
        cell = frame.cell(step)
        if cell is None:
            continue
        text[cell], styles[cell] = signs.mark, word
        note = units.whole(step)
        if not _write(text, styles, cell + 2, note, "muted"):
            _write(text, styles, cell - len(note) - 1, note, "muted")
    if broken:
        words = "no number, or 0" if log else "no number"
        behind = next(at for at in range(broken[0] + 1, width + 1) if at not in broken)
        places = (behind + 1, *range(broken[0] - len(words) - 1, -1, -1))
        for at in places:
            if _write(text, styles, at, words, "error"):
                break
    return Cells(" " * GUTTER + "".join(text), ("",) * GUTTER + tuple(styles))


def _broken_cells(cut: Columns) -> list[int]:
    """The cells with broken values, and those between two of them that have no other."""
    found: list[int] = []
    joined = False
    for cell in range(len(cut.mean) // 2):
        pair = (2 * cell, 2 * cell + 1)
        good = any(cut.mean[at] == cut.mean[at] for at in pair)
        if any(cut.broken[at] for at in pair):
            found += range(found[-1] + 1, cell) if joined else ()
            found.append(cell)
            joined = not good
        elif good:
            joined = False
    return found


def _write(text: list[str], styles: list[str], at: int, words: str, style: str) -> bool:
    """Put words where there is room; whether there was."""
    end = at + len(words)
    if at < 0 or end > len(text) or any(sign != " " for sign in text[max(at - 1, 0) : end + 1]):
        return False
    text[at:end] = words
    styles[at:end] = [style] * len(words)
    return True


def _floor(data: ChartData, frame: Frame, signs: Signs) -> list[Cells]:
    """The axis with a tick at each epoch, and under it what the ticks are."""
    width = frame.width
    floor = [signs.floor] * width
    below, styles = [" "] * width, ["muted"] * width
    last = f"{data.unit} {units.whole(frame.end)}"
    if len(last) < width:
        below[width - len(last) :] = last
    first = units.whole(frame.start)
    below[: len(first)] = first
    starts = [step for step in data.epochs if step > 0]
    named = False
    for number, step in enumerate(starts, 2):
        cell = frame.cell(step)
        if cell is None or step == frame.start:
            continue
        floor[cell] = signs.tick
        named |= _write(below, styles, cell, str(number) if named else f"epoch {number}", "muted")
    head = " " * (GUTTER - 1)
    line = Cells.of((f"{head}{signs.corner}{''.join(floor)}", "muted"))
    return [line, Cells(head + " " + "".join(below[:width]), ("",) * GUTTER + tuple(styles))]
