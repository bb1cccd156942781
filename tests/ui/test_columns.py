"""Series reduced to columns: points where they are kept, buckets where they are not."""

from __future__ import annotations

import math

import pytest

from loratui.core.series import TAIL, Series
from loratui.ui.widgets.columns import columns, known_raw, positive, reach, smooth
from tests.ui.fake_feed import losses, series

NAN = math.nan


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


# -- windows inside a long run -----------------------------------------------------------------


def long_run(count: int = 100_000):
    """A view whose value at each step is the step itself."""
    return series("loss", [float(step) for step in range(1, count + 1)])


def test_buckets_wider_than_a_column_fill_all_that_they_cover():
    view = long_run()
    cut = columns(view, view.span * 10, view.span * 12 - 1, 100)
    assert cut.span == view.span
    assert set(cut.low[:50]) == {view.span * 10}
    assert set(cut.high[:50]) == {view.span * 11 - 1}
    assert set(cut.low[50:]) == {view.span * 11}
    assert cut.mean[0] == pytest.approx(view.span * 10.5 - 0.5)


def test_a_window_that_cuts_a_bucket_shows_all_that_is_known_of_it():
    view = long_run()
    begin = view.span * 10 + view.span // 2
    cut = columns(view, begin, begin + 9, 20)
    assert set(cut.low) == {view.span * 10}
    assert set(cut.high) == {view.span * 11 - 1}


def test_the_newest_points_are_drawn_as_they_are():
    view = long_run()
    cut = columns(view, 100_000 - 99, 100_000, 100)
    assert cut.span == 1
    assert cut.low == cut.high == [float(step) for step in range(99_901, 100_001)]


def test_buckets_and_points_meet_without_gap_or_overlap():
    view = long_run()
    border = 100_000 - TAIL
    cut = columns(view, border - 300, border + 299, 600)
    assert cut.span == view.span
    assert all(value == value for value in cut.mean)
    assert all(b >= a for a, b in zip(cut.low, cut.low[1:], strict=False))
    raw = known_raw(view)
    assert raw == (100_000 - TAIL + 1, 100_000)
    assert cut.low[-100:] == cut.high[-100:]


def test_the_last_bucket_does_not_reach_into_the_future():
    made = Series("loss")
    made.extend(range(100_000), [1.0] * 100_000)
    made.extend([50_000], [1.0])  # reported again: the newest points end here
    made.extend([100_000], [1.0])
    view = made.view()
    cut = columns(view, 99_900, 100_100, 201)
    assert cut.mean[100] == 1.0
    assert all(math.isnan(value) for value in cut.mean[101:])


def test_a_run_that_went_back_keeps_what_lay_ahead():
    made = Series("loss")
    made.extend(range(1, 5001), [1.0] * 5000)
    made.extend(range(1000, 1501), [2.0] * 501)
    view = made.view()
    assert known_raw(view) == (1000, 1500)
    cut = columns(view, 1000, 5000, 4001)
    assert cut.mean[200] == pytest.approx(2.0)
    assert all(value == value for value in cut.mean)
    assert cut.mean[3000] == 1.0


def test_known_raw_of_little():
    assert known_raw(series("loss", [1.0])) == (1, 1)
    assert known_raw(series("loss", [])) is None
    back = Series("loss")
    back.extend([5, 6], [1.0, 1.0])
    back.extend([2], [1.0])
    assert known_raw(back.view()) == (2, 6)


def test_an_empty_window_and_one_point():
    view = series("val_loss", [0.5], start=700)
    assert all(math.isnan(value) for value in columns(view, 0, 600, 50).mean)
    cut = columns(view, 600, 800, 100)
    assert [value for value in cut.mean if value == value] == [0.5]


def test_broken_buckets_are_marked_over_all_that_they_cover():
    values = [1.0] * 100_000
    values[1023:1087] = [NAN] * 64  # the steps of one bucket
    view = series("loss", values)
    cut = columns(view, 1024 - 64, 1024 + 127, 192)
    assert cut.broken == cut.gaps == [False] * 64 + [True] * 64 + [False] * 64


def test_positive_marks_zero_and_keeps_the_span():
    view = series("loss", [0.0, 1.0, -1.0, 2.0])
    cut = positive(columns(view, 1, 4, 4))
    assert cut.broken == [True, False, True, False]
    assert cut.mean[1] == 1.0
    wide = columns(long_run(), 0, 10, 30)
    assert positive(wide).span == wide.span > 1
