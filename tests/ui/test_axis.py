"""The arithmetic of the chart."""

from __future__ import annotations

import math

import pytest

from loratui.ui.widgets.axis import Axis, columns, fit, reach, smooth, up, window
from tests.ui.fake_feed import losses, series

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1), (1.1, 1.25), (999, 1000), (1240, 1250), (0.03, 0.032), (0, 1), (10, 10)],
)
def test_up_goes_to_the_next_round_number(value, expected):
    assert up(value) == pytest.approx(expected)


def test_log_axis_places_by_ratio():
    axis = Axis(0.01, 1.0, log=True)
    assert axis.place(0.1) == pytest.approx(0.5)
    assert axis.place(10) == 1.0
    assert axis.place(0) is None
    assert axis.place(NAN) is None


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize(
    ("low", "high"), [(0.1, 0.3), (1e-6, 1e-4), (5.0, 5.0), (0.0, 0.0), (0.0, 2.0), (90, 40_000)]
)
def test_fit_encloses_what_is_shown_and_labels_it(low, high, log):
    axis = fit(low, high, log)
    assert axis.high >= high
    assert axis.low <= low or (log and low <= 0)
    assert axis.low < axis.high
    for most in (2, 4, 8):
        ticks = axis.ticks(most)
        assert 1 <= len(ticks) <= most
        assert all(axis.low * 0.999 <= tick <= axis.high * 1.001 for tick in ticks)


def test_axis_stays_while_it_fits():
    axis = fit(0.1, 0.3, True)
    assert fit(0.11, 0.28, True, axis) is axis
    assert fit(0.1, 3.0, True, axis) is not axis
    assert fit(0.100, 0.105, True, axis) is not axis
    assert fit(0.1, 0.3, False, axis) is not axis


def test_window_moves_seldom():
    ends = {window(last, None, "all") for last in range(1000, 1250)}
    assert len(ends) == 2
    assert len({window(last, None, "third") for last in range(3000, 3100)}) <= 2
    assert len({window(last, None, "300") for last in range(3000, 3100)}) == 3


@pytest.mark.parametrize("zoom", ["all", "third", "300"])
@pytest.mark.parametrize("last", [0, 1, 29, 31, 299, 301, 1240, 200_000])
def test_window_holds_the_last_step(last, zoom):
    start, end = window(last, 250_000, zoom)
    assert 0 <= start <= last <= end
    assert start < end
    if zoom == "300" and last >= 300:
        assert start <= last - 300


def test_window_ends_with_the_run():
    assert window(3300, 3400, "all") == (0, 3400)


def test_columns_keep_extremes():
    cut = columns(series("loss", [1.0, 5.0, 2.0, 3.0]), 1, 4, 2)
    assert cut.low == [1.0, 2.0]
    assert cut.high == [5.0, 3.0]
    assert cut.mean == [3.0, 2.5]
    assert cut.broken == [False, False]


def test_columns_tell_gaps_from_absence():
    cut = columns(series("loss", [1.0, NAN, math.inf, 2.0]), 1, 8, 8)
    assert cut.gaps == [False, True, True, False, False, False, False, False]
    assert math.isnan(cut.mean[6])


def test_columns_of_a_long_run_come_from_the_buckets():
    view = series("loss", [0.1] * 50_000 + [0.2] * 50_000)
    cut = columns(view, 1, 100_000, 100)
    assert cut.mean[10] == pytest.approx(0.1)
    assert cut.mean[90] == pytest.approx(0.2)
    assert all(value == value for value in cut.mean)


def test_smooth_is_level_and_does_not_cross_a_gap():
    values = [1.0] * 40 + [NAN] * 5 + [9.0] * 40
    gaps = [value != value for value in values]
    line = smooth(values, gaps, log=False)
    assert line[39] == pytest.approx(1.0)
    assert line[45] == pytest.approx(9.0)
    assert math.isnan(line[42])


def test_smooth_leaves_less_scatter():
    values = losses(200)
    line = smooth(values, [False] * 200, log=True)

    def spread(row):
        return max(row[100:]) / min(row[100:])

    assert spread(line) < spread(values) / 1.5


def test_reach_covers_the_line_but_not_the_last_outlier():
    values = [0.1] * 120 + [50.0] + [0.1] * 120
    view = series("loss", values)
    cut = columns(view, 1, 241, 241)
    low, high = reach(cut, [0.1] * 241, True)
    assert (low, high) == (0.1, 0.1)
    assert reach(columns(series("loss", [NAN] * 5), 1, 5, 5), [NAN] * 5, True) is None
