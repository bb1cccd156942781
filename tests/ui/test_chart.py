"""Canvas, chart and sparkline as text."""

from __future__ import annotations

import itertools
import math
import time

import pytest

from loratui.core.series import Series
from loratui.ui.widgets.braille import DOTS, EMPTY, LINE, SECOND, Canvas
from loratui.ui.widgets.chart_data import ChartData, Curve
from loratui.ui.widgets.chart_drawing import Frame, draw_chart
from loratui.ui.widgets.grid import Cells, changed_runs
from loratui.ui.widgets.sparkline import sparkline
from loratui.ui.widgets.window import Window
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
        first=Curve(series("loss", losses(1240, rise_from=1010))),
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
    rows = text_of(ChartData(first=Curve(series("loss", losses(1000, nan_from=500)))))
    plot = [row[8:].ljust(62) for row in rows[1:-3]]
    assert all(row[35:].strip() == "" for row in plot)
    assert any(row[:30].strip() for row in plot)
    assert rows[-3].count("×") > 20


def test_zero_is_marked_on_a_logarithmic_axis():
    view = series("loss", [0.1] * 50 + [0.0] * 50)
    assert text_of(ChartData(first=Curve(view)))[-3].count("×") > 20
    assert "×" not in text_of(ChartData(first=Curve(view), log=False))[-3]


@pytest.mark.parametrize("values", [[], [NAN], [NAN] * 50, [0.0], [0.0] * 9, [5.0], [math.inf, 1]])
@pytest.mark.parametrize("log", [True, False])
def test_odd_series_are_drawn(values, log):
    view = series("loss", values) if values else None
    for width, height in ((70, 20), (12, 5), (3, 2), (0, 0)):
        rows, _ = draw_chart(ChartData(first=Curve(view), log=log), width, height)
        assert len(rows) <= max(height, 5)


def test_empty_chart_teaches():
    assert any("drawn here" in row for row in text_of(ChartData()))


def test_ascii_chart_is_ascii():
    data = ChartData(
        first=Curve(series("loss", losses(300, nan_from=200))),
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
        rows, axis = draw_chart(
            ChartData(first=Curve(series("loss", values[:count]))), 70, 20, axis
        )
        if before:
            runs = (changed_runs(a, b) for a, b in zip(before, rows, strict=True))
            changed.append(sum(end - start for row in runs for start, end in row))
        before = rows
    assert sum(changed) / len(changed) < 40


def test_drawing_is_cheap():
    view = series("loss", losses(2000) * 50)
    begin = time.process_time()
    for _ in range(10):
        draw_chart(ChartData(first=Curve(view)), 110, 30)
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


# -- a part of the run -------------------------------------------------------------------------


def sparse(steps, values, name="val_loss"):
    made = Series(name)
    made.extend(steps, values)
    return made.view()


def dots_in(rows):
    """The cells of the plot in which something is drawn."""
    return sum(sign not in " │┤┊" for row in rows[1:-3] for sign in row[8:])


def test_the_heading_says_which_steps_are_shown():
    view = series("loss", losses(2400))
    rows = text_of(ChartData(first=Curve(view), total=3400, window=Window(1200, 1800)))
    assert "steps 1 200–1 800 of 3 400" in rows[0]
    assert rows[-1].strip().startswith("1 200")
    assert rows[-1].rstrip().endswith("step 1 800")
    assert "steps" not in text_of(ChartData(first=Curve(view), total=3400))[0]


def test_only_the_window_is_drawn():
    view = series("loss", [0.1] * 100 + [NAN] * 100 + [10.0] * 100)
    left = text_of(ChartData(first=Curve(view), window=Window(1, 100)))
    assert "×" not in left[-3]
    assert "10" not in {row[:6].strip() for row in left}
    across = text_of(ChartData(first=Curve(view), window=Window(50, 250)))
    assert "×" in across[-3]
    assert "10" in {row[:6].strip() for row in across}


def test_wide_buckets_are_said_to_be_such():
    view = series("loss", losses(2000) * 50)
    rows = text_of(ChartData(first=Curve(view), window=Window(1000, 1400)), width=100)
    assert f"lowest, mean, highest of {view.span} steps" in rows[0]
    newest = text_of(ChartData(first=Curve(view), window=Window(99_800, 100_000)), width=100)
    assert "lowest" not in newest[0]


@pytest.mark.parametrize("unit", ["step", "epoch"])
def test_an_empty_window_says_so(unit):
    data = ChartData(first=Curve(series("loss", losses(50), 500)), unit=unit, window=Window(0, 400))
    rows = text_of(data)
    assert any(f"no loss in these {unit}s" in row for row in rows)
    assert dots_in(rows) == len(f"nolossinthese{unit}s")
    assert len(rows) == 20


def test_a_window_of_nan_is_marked_and_not_called_empty():
    rows = text_of(ChartData(first=Curve(series("loss", [NAN] * 90)), window=Window(10, 60)))
    assert rows[-3].count("×") > 30
    assert dots_in(rows) == 0


def test_broken_values_with_nothing_between_them_are_one_stretch():
    view = series("loss", [0.1, NAN, NAN, 0.1, NAN, 0.1, 0.1, 0.1])
    marks = text_of(ChartData(first=Curve(view), window=Window(1, 8)), width=73)[-3][8:]
    assert marks[:8].strip() == ""
    assert "×××××××××" in marks
    assert marks.count("×") == 8 + 1 + 1


def test_what_broken_values_are_is_said_where_there_is_room():
    view = series("loss", losses(1240, nan_from=812))
    data = ChartData(first=Curve(view), findings=((812, "critical"),))
    assert "no number, or 0 812 ▲×××" in text_of(data, width=96)[-3]
    early = series("loss", [NAN] * 100 + losses(900))
    assert "×× no number, or 0" in text_of(ChartData(first=Curve(early)))[-3]
    assert "×× no number  " in text_of(ChartData(first=Curve(early), log=False))[-3]


def test_one_point_in_a_window_is_seen():
    rows = text_of(ChartData(first=Curve(sparse([500], [0.2])), window=Window(400, 600)))
    assert 1 <= dots_in(rows) <= 6


def test_few_points_are_drawn_to_be_seen():
    few, many = sparse(range(0, 700, 100), [0.2] * 7), series("lr", [0.2] * 700)
    canvas = {name: text_of(ChartData(first=Curve(view, smoothed=True)))
              for name, view in (("few", few), ("many", many))}  # fmt: skip
    bits = {
        name: sum(bin(ord(sign) - 0x2800).count("1") for row in rows for sign in row[8:]
                  if 0x2800 <= ord(sign) < 0x2900)
        for name, rows in canvas.items()
    }  # fmt: skip
    assert bits["few"] > bits["many"]


def test_epochs_are_counted_on_the_axis():
    view = sparse([1, 2, 3, 4], [0.4, 0.3, 0.25, 0.2], "epoch_loss")
    data = ChartData(first=Curve(view, "epoch loss", True), unit="epoch", total=10)
    rows = text_of(data)
    assert rows[-1].rstrip().endswith("epoch 10")
    assert "epochs 1–3 of 10" in text_of(data._replace(window=Window(1, 3)))[0]


@pytest.mark.parametrize(
    ("values", "log"), [([0.0] * 50, True), ([-1.0] * 50, True), ([-1.0, 0.0, 1.0] * 9, False)]
)
def test_what_cannot_stand_on_a_logarithmic_axis_is_drawn_linear(values, log):
    rows = text_of(ChartData(first=Curve(series("loss", values)), log=True))
    assert ("linear, for nothing is above 0" in rows[0]) is log
    assert dots_in(rows) > 0


def test_negative_labels_keep_the_wall_straight():
    rows = text_of(ChartData(first=Curve(series("x", [-3e-5, 2e-5] * 9)), log=False))
    assert {row[7] for row in rows[1:-3]} <= {"│", "┤"}


# -- two curves --------------------------------------------------------------------------------


def test_a_second_curve_is_dashed_named_and_on_the_same_axis():
    first = Curve(series("loss", [0.1] * 200))
    second = Curve(series("mean_loss", [0.9] * 200), "mean loss", True)
    rows, _ = draw_chart(ChartData(first=first, second=second), 70, 20)
    assert "loss ━━  mean loss ╍╍" in rows[0].text
    styles = {style for row in rows[1:-3] for style in row.styles}
    assert {"line", "accent"} <= styles
    dashed = next(row for row in rows[1:-3] if "accent" in row.styles)
    assert " " in dashed.text[8:].strip()
    labels = [row.text[:6].strip() for row in rows[1:-3] if row.text[:6].strip()]
    assert float(labels[0]) >= 0.7
    assert float(labels[-1]) <= 0.15


def test_the_second_layer_lies_between_dots_and_line():
    canvas = Canvas(3, 1)
    canvas.dot(2, 0)
    canvas.dot(2, 1, SECOND)
    canvas.dot(4, 0)
    canvas.stroke(4, 1, 4, 1, LINE)
    assert canvas.row(0)[1] == [EMPTY, SECOND, LINE]
    assert canvas.row(0, ascii_only=True)[0] == " o*"


def test_a_second_curve_that_ends_later_widens_the_axis():
    first = Curve(sparse([100], [0.3]))
    rows = text_of(ChartData(first=first, second=Curve(series("loss", losses(900)))))
    assert rows[-1].rstrip().endswith("step 1 000")


def test_a_second_curve_without_values_is_no_matter():
    for view in (None, series("loss", []), series("loss", [NAN] * 9)):
        rows = text_of(ChartData(first=Curve(series("loss", losses(90))), second=Curve(view)))
        assert len(rows) == 20


# -- reading -----------------------------------------------------------------------------------


def test_the_mark_is_a_line_and_the_heading_reads_the_values():
    first = Curve(series("loss", losses(1000)))
    second = Curve(sparse([100, 300], [0.5, 0.25]), "validation loss", True)
    data = ChartData(first=first, second=second, mark=200)
    rows = text_of(data, width=110)
    assert f"step 200: {first.words(first.view.tail_values[199])}" in rows[0]
    assert "smoothed 0.1" in rows[0]
    assert "╍╍ 0.500 at step 100" in rows[0]
    cells = [x for row in rows[1:-3] for x, sign in enumerate(row) if sign == "┊"]
    assert set(cells) == {8 + Frame(0, 1000, 101).cell(200)}


def test_the_mark_on_nan_and_on_buckets():
    broken = series("loss", losses(100, nan_from=50))
    assert "step 80: no number" in text_of(ChartData(first=Curve(broken), mark=80))[0]
    long = series("loss", [float(step) for step in range(1, 100_001)])
    text = text_of(ChartData(first=Curve(long), mark=64 * 20), width=110)[0]
    assert f"steps 1 280–{1280 + long.span - 1:,}".replace(",", " ") in text
    assert "mean" in text


def test_a_mark_outside_the_window_is_not_drawn():
    data = ChartData(first=Curve(series("loss", losses(1000))), mark=900, window=Window(100, 200))
    assert "┊" not in "".join(text_of(data))
    assert "900" not in text_of(data)[0]


@pytest.mark.parametrize("width", range(10, 120, 7))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_heading_never_exceeds_the_width(width, ascii_only):
    data = ChartData(
        first=Curve(series("loss", losses(1000))),
        second=Curve(series("mean_loss", losses(1000)), "mean loss", True),
        mark=900,
        window=Window(100, 1000),
        total=3400,
        caption="each step",
        ascii_only=ascii_only,
        focused=True,
    )
    rows = text_of(data, width=width)
    assert len(rows[0]) <= max(width, len(" loss ━━  mean loss ╍╍"))
    assert not ascii_only or "".join(rows).isascii()


def test_frame_goes_from_steps_to_cells_and_back():
    for frame in (Frame(0, 1000, 101), Frame(100, 109, 80), Frame(0, 3, 80), Frame(7, 99_999, 9)):
        assert frame.cell(frame.start) == 0
        assert frame.cell(frame.end + 1) is None
        assert frame.cell(frame.start - 1) is None
        assert frame.step(-5) == frame.start
        for cell in range(frame.width):
            assert frame.start <= frame.step(cell) <= frame.end
            if frame.steps >= frame.width:
                assert frame.cell(frame.step(cell)) == cell


def test_a_fixed_window_does_not_change_while_the_run_goes_on():
    values = losses(1300)
    pictures = []
    for count in (1240, 1241, 1300):
        data = ChartData(first=Curve(series("loss", values[:count])), window=Window(300, 900))
        pictures.append(draw_chart(data, 90, 24, None)[0])
    assert pictures[0] == pictures[1] == pictures[2]


def test_linear_sparkline_shows_zero():
    line = sparkline(series("lr", [1.0, 0.5, 0.0]), 3, log=False)
    assert line == "█▅▁"
    assert set(sparkline(series("lr", [2e-4] * 9), 9, log=False)) == {"▅"}
    assert sparkline(series("lr", [0.0] * 4), 9, log=False) == "▅▅▅▅"
    assert sparkline(series("lr", [NAN] * 2), 9, log=False) == "xx"
