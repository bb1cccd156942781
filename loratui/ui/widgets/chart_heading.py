"""The row above a chart: what is drawn, which steps of it, and the values at the reading mark."""

from __future__ import annotations

import math
from typing import NamedTuple

from rich.cells import cell_len

from loratui.core import units
from loratui.core.plain import folded
from loratui.ui.widgets.chart_data import ChartData, Curve
from loratui.ui.widgets.grid import Cells
from loratui.ui.widgets.reading import Reading, newest_until, read
from loratui.ui.widgets.window import WHOLE

HINT = "+ - zoom  [ ] move  , . read"


class Shown(NamedTuple):
    """What the drawing came to: the steps on the axis, whether they stand on a logarithmic one.

    `span` is above 1 where so many steps are known together only. `line` is the value of the line
    at the mark, NaN where it has none.
    """

    start: int
    end: int
    log: bool
    span: int = 1
    line: float = math.nan


def heading(data: ChartData, width: int, shown: Shown | None = None) -> Cells:
    """The row, at most `width` cells long; what matters least is left out where room is short."""
    runs = [(" ", ""), *_names(data)]
    used = _length(runs)
    between = " - " if data.ascii_only else " · "
    pieces = _pieces(data, shown)
    while pieces and used + 2 + _joined(pieces, between) > width:
        pieces.remove(max(pieces, key=lambda piece: piece.rank))
    for at, piece in enumerate(pieces):
        runs += [("  " if at == 0 else between, "muted"), (piece.text, piece.style)]
    room = width - _length(runs)
    if data.focused and shown is not None and room >= len(HINT) + 3:
        runs.append((f"{HINT:>{room - 1}}", "muted"))
    return Cells.of(*(((folded(t) if data.ascii_only else t), style) for t, style in runs))


class Piece(NamedTuple):
    """A part of the row. The one with the highest `rank` goes first when room is short."""

    text: str
    rank: int
    style: str = "muted"


def _length(runs: list[tuple[str, str]]) -> int:
    return sum(cell_len(text) for text, _ in runs)


def _joined(pieces: list[Piece], between: str) -> int:
    return sum(cell_len(piece.text) for piece in pieces) + len(between) * (len(pieces) - 1)


def _names(data: ChartData) -> list[tuple[str, str]]:
    """The label; with a second curve each label beside a piece of its line."""
    style = "here" if data.focused else "title"
    if data.second is None:
        return [(data.first.label, style)]
    one, other = _signs(data)
    return [
        (data.first.label, style),
        (f" {one}", "line"),
        (f"  {data.second.label} {other}", "accent"),
    ]


def _signs(data: ChartData) -> tuple[str, str]:
    """A piece of the first line and of the second."""
    return ("**", "oo") if data.ascii_only else ("━━", "╍╍")


def _pieces(data: ChartData, shown: Shown | None) -> list[Piece]:
    pieces: list[Piece] = []
    if shown is not None and data.mark is not None and shown.start <= data.mark <= shown.end:
        pieces += readings(data, data.mark, _signs(data)[1], shown.line)
    if data.caption:
        pieces.append(Piece(data.caption, 6))
    if shown is not None and data.log and not shown.log:
        pieces.append(Piece("linear, for nothing is above 0", 5))
    else:
        pieces.append(Piece("log" if data.log else "linear", 5))
    if shown is not None and data.window != WHOLE:
        pieces.append(Piece(steps_words(data, shown), 3))
    if shown is not None and shown.span > 1:
        pieces.append(Piece(f"lowest, mean, highest of {units.whole(shown.span)} steps", 4))
    return pieces


def steps_words(data: ChartData, shown: Shown) -> str:
    """``steps 1 200–1 800 of 3 400``."""
    text = f"{data.unit}s {units.whole(shown.start)}–{units.whole(shown.end)}"
    return text if data.total is None else f"{text} of {units.whole(data.total)}"


def readings(data: ChartData, mark: int, second: str, line: float = math.nan) -> list[Piece]:
    """What each curve is worth at the mark.

    `second` stands for the name of the second one; `line` is the value of the smoothed one there.
    """
    view = data.first.view
    at, words = _value(data.first, read(view, mark) if view is not None else None, mark, data.unit)
    found = [Piece(f"{at or f'{data.unit} {units.whole(mark)}'}: {words}", 0, "plain")]
    if not data.first.smoothed and line == line:
        found.append(Piece(f"smoothed {data.first.words(line)}", 2, "plain"))
    if data.second is not None:
        view = data.second.view
        nearest = newest_until(view, mark) if view is not None else None
        at, words = _value(data.second, nearest, mark, data.unit)
        text = f"{second} {words}" + (f" at {at}" if at else "")
        found.append(Piece(text, 1, "accent"))
    return found


def _value(curve: Curve, found: Reading | None, mark: int, unit: str) -> tuple[str, str]:
    """Where else than at the mark it was read, if so, and the value."""
    if found is None:
        return "", "none"
    if found.first == found.last:
        at = "" if found.first == mark else f"{unit} {units.whole(found.first)}"
        return at, curve.words(found.mean)
    at = f"{unit}s {units.whole(found.first)}–{units.whole(found.last)}"
    if found.mean != found.mean:
        return at, "no number"
    low, mean, high = (curve.words(value) for value in (found.low, found.mean, found.high))
    return at, f"{low} to {high}, mean {mean}"
