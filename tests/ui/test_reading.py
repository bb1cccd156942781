"""Values at a step, and the next step with a value."""

from __future__ import annotations

import math

import pytest

from loratui.core.series import Series
from loratui.ui.widgets.reading import Reading, neighbour, newest_until, read, steps_known
from tests.ui.fake_feed import series


def every_hundred():
    made = Series("val_loss")
    made.extend([100, 200, 300, 400], [0.4, 0.3, math.nan, 0.2])
    return made.view()


def test_a_kept_point_is_read_exactly():
    assert read(series("loss", [0.5, 0.25]), 2) == Reading(2, 2, 0.25, 0.25, 0.25)


def test_a_step_reported_again_is_read_as_it_was_last():
    made = Series("loss")
    made.extend([1, 2, 3], [1.0, 2.0, 3.0])
    made.extend([2], [9.0])
    assert read(made.view(), 2).mean == 9.0


def test_of_a_bucket_the_extremes_are_told():
    view = series("loss", [float(step) for step in range(1, 100_001)])
    found = read(view, 1000)
    assert found.last - found.first + 1 == view.span
    assert found.first <= 1000 <= found.last
    assert (found.low, found.high) == (found.first, found.last)
    assert found.low < found.mean < found.high


def test_what_has_no_number_has_none():
    assert math.isnan(read(every_hundred(), 300).mean)
    assert math.isnan(read(series("loss", [math.inf]), 1).mean)


@pytest.mark.parametrize("step", [0, 3, 99])
def test_where_nothing_was_reported_nothing_is_read(step):
    assert read(series("loss", [1.0], start=50), step) is None
    assert read(series("loss", []), step) is None


def test_the_last_value_before():
    view = every_hundred()
    assert newest_until(view, 250).first == 200
    assert newest_until(view, 9999).first == 400
    assert newest_until(view, 99) is None


def test_steps_known_are_points_and_buckets():
    assert steps_known(every_hundred(), 150, 400) == [200, 300, 400]
    view = series("loss", [1.0] * 100_000)
    known = steps_known(view, 0, 1000)
    assert known == list(range(0, 1001, view.span))
    assert steps_known(view, 99_990, 100_000) == list(range(99_990, 100_001))


@pytest.mark.parametrize(
    ("at", "by", "gap", "expected"),
    [
        (None, 1, 1, 100),
        (None, -1, 1, 400),
        (900, -1, 1, 400),
        (100, 1, 1, 200),
        (100, 1, 150, 300),
        (300, 1, 500, 400),
        (400, 1, 1, None),
        (100, -1, 1, None),
        (200, -1, 500, 100),
        (150, 1, 0, 200),
    ],
)
def test_neighbours(at, by, gap, expected):
    assert neighbour(every_hundred(), at, by, gap, 0, 500) == expected


def test_no_neighbours_in_an_empty_window():
    assert neighbour(every_hundred(), None, 1, 1, 401, 500) is None
