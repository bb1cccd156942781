"""Canvas, chart and sparkline as text."""

from __future__ import annotations

import itertools
import math
import time

import pytest

from loratui.ui.widgets.braille import DOTS, EMPTY, LINE, Canvas
from loratui.ui.widgets.chart_drawing import ChartData, draw_chart
from loratui.ui.widgets.grid import Cells, changed_runs
from loratui.ui.widgets.sparkline import sparkline
from tests.ui.fake_feed import losses, series

NAN = math.nan


def text_of(data, width=70, height=20):
    return [row.text for row in draw_chart(data, width, height)[0]]


def test_each_dot_has_its_bit():
    canvas = Canvas(1, 1)
    for x in range(2):
        for y in range(4):
            canvas.dot(x, y)
    assert canvas.row(0) == ("⣿", [DOTS])


def test_dots_outside_are_left_out():
    canvas = Canvas(2, 1)
    canvas.dot(-1, 0)
    canvas.dot(0, 99)
    canvas.stroke(-5, 0, -1, 3)
    assert canvas.row(0) == ("  ", [EMPTY, EMPTY])


def test_a_stroke_is_connected_and_on_top():
    canvas = Canvas(3, 2)
    canvas.dot(0, 0)
    canvas.stroke(0, 0, 5, 7)
    assert canvas.row(0)[1][0] == LINE
    assert sum(layer == LINE for y in range(2) for layer in canvas.row(y)[1]) >= 3


def test_ascii_canvas():
    canvas = Canvas(4, 1)
    canvas.dot(0, 0)
    canvas.dot(2, 3)
    canvas.dot(4, 0)
    canvas.dot(4, 3)
    canvas.stroke(6, 0, 7, 0)
    assert canvas.row(0, ascii_only=True)[0] == "'.:*"


def test_chart_has_axes_labels_and_marks():
    data = ChartData(
        view=series("loss", losses(1240, rise_from=1010)),
        total=3400,
        epochs=(340, 680, 1020),
        findings=((1010, "error"),),
        caption="each step",
    )
    rows = text_of(data)
    assert "loss" in rows[0]
    assert "log" in rows[0]
    assert "each step" in rows[0]
    assert any("0.10 ┤" in row for row in rows)
    assert "▲ 1 010" in rows[-3]
    assert rows[-2].count("┬") == 3
    assert "epoch 2" in rows[-1]
    assert "step 1 250" in rows[-1]
    assert all(len(row) <= 70 for row in rows)
    assert len(rows) == 20


def test_nan_is_a_gap_and_is_marked():
    rows = text_of(ChartData(view=series("loss", losses(1000, nan_from=500))))
    plot = [row[8:].ljust(62) for row in rows[1:-3]]
    assert all(row[35:].strip() == "" for row in plot)
    assert any(row[:30].strip() for row in plot)
    assert rows[-3].count("×") > 20


def test_zero_is_marked_on_a_logarithmic_axis():
    view = series("loss", [0.1] * 50 + [0.0] * 50)
    assert text_of(ChartData(view=view))[-3].count("×") > 20
    assert "×" not in text_of(ChartData(view=view, log=False))[-3]


@pytest.mark.parametrize("values", [[], [NAN], [NAN] * 50, [0.0], [0.0] * 9, [5.0], [math.inf, 1]])
@pytest.mark.parametrize("log", [True, False])
def test_odd_series_are_drawn(values, log):
    view = series("loss", values) if values else None
    for width, height in ((70, 20), (12, 5), (3, 2), (0, 0)):
        rows, _ = draw_chart(ChartData(view=view, log=log), width, height)
        assert len(rows) <= max(height, 5)


def test_empty_chart_teaches():
    assert any("drawn here" in row for row in text_of(ChartData()))


def test_ascii_chart_is_ascii():
    data = ChartData(
        view=series("loss", losses(300, nan_from=200)),
        ascii_only=True,
        findings=((50, "error"),),
        epochs=(100,),
        caption="each step",
    )
    assert "".join(text_of(data)).isascii()


def test_one_more_step_changes_few_cells():
    values = losses(1248)
    axis, changed = None, []
    before: list[Cells] = []
    for count in range(1240, 1248):
        rows, axis = draw_chart(ChartData(view=series("loss", values[:count])), 70, 20, axis)
        if before:
            runs = (changed_runs(a, b) for a, b in zip(before, rows, strict=True))
            changed.append(sum(end - start for row in runs for start, end in row))
        before = rows
    assert sum(changed) / len(changed) < 40


def test_drawing_is_cheap():
    view = series("loss", losses(2000) * 50)
    begin = time.process_time()
    for _ in range(10):
        draw_chart(ChartData(view=view), 110, 30)
    assert (time.process_time() - begin) / 10 < 0.05


def test_sparkline_shape():
    line = sparkline(series("loss", [1.0] * 50 + [10.0] * 50), 20)
    assert line[0] == "▁"
    assert line[-1] == "█"
    assert len(line) <= 20


def test_sparkline_marks_what_is_no_number():
    line = sparkline(series("loss", [1.0] * 10 + [NAN, math.inf] * 5), 20)
    assert line.startswith("▅" * 10)
    assert line.endswith("x")
    assert sparkline(series("loss", [NAN] * 3), 9) == "xxx"


def test_sparkline_of_little():
    assert len(sparkline(series("loss", [0.5]), 10)) == 1
    assert sparkline(series("loss", [0.0, 0.0]), 10) == "xx"
    assert sparkline(series("loss", [0.5]), 0) == ""


def test_sparkline_in_ascii():
    assert sparkline(series("loss", losses(500)), 30, ascii_only=True).isascii()


def test_sparkline_as_a_rule_changes_in_its_last_cell_only():
    values = losses(400)
    lines = [sparkline(series("loss", values[:count]), 40) for count in range(330, 400)]
    moved = sum(
        one[: len(one) - 1] != other[: len(one) - 1] for one, other in itertools.pairwise(lines)
    )
    assert moved <= 5


def test_changed_runs():
    one = Cells.of(("abcdef" * 10, ""))
    assert changed_runs(one, one) == []
    other = Cells.of(("Xbcdef" + "abcdef" * 8 + "abcdeY", ""))
    assert changed_runs(one, other) == [(0, 1), (59, 60)]
    assert changed_runs(one, Cells.of(("abcdef" * 10, "good"))) == [(0, 60)]
