"""Bounded series: nothing is lost from the minimum, the maximum and the newest points."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loratui.core.series import BUCKETS, TAIL, Series


def test_a_long_series_stays_bounded_and_keeps_extremes() -> None:
    random.seed(3)
    series = Series("loss")
    values = [random.random() for _ in range(100_000)]
    values[77_777] = 50.0
    values[12_345] = -3.0
    for begin in range(0, len(values), 777):
        series.extend(range(begin, min(begin + 777, len(values))), values[begin : begin + 777])
    view = series.view()
    assert len(view.starts) <= 2 * BUCKETS
    assert (max(view.high), min(view.low)) == (50.0, -3.0)
    assert len(view.tail_steps) <= TAIL
    assert view.tail_values == tuple(values[-len(view.tail_values) :])
    assert (view.last_step, view.last) == (99_999, values[-1])
    assert list(view.starts) == sorted(view.starts)


def test_nan_is_a_gap_and_is_counted() -> None:
    series = Series("loss")
    series.extend([1, 2, 3], [0.5, math.nan, math.inf])
    view = series.view()
    assert sum(view.broken) == 2
    assert [low for low in view.low if not math.isnan(low)] == [0.5]
    assert math.isinf(view.tail_values[-1])


@pytest.mark.parametrize("size", [1, 7, 500])
def test_batches_do_not_matter(size: int) -> None:
    values = [math.sin(n) for n in range(5000)]
    series = Series("x")
    for begin in range(0, 5000, size):
        series.extend(range(begin, min(begin + size, 5000)), values[begin : begin + size])
    whole = Series("x")
    whole.extend(range(5000), values)
    left, right = series.view(), whole.view()
    assert left.span == right.span
    assert list(left.mean) == pytest.approx(list(right.mean))
    assert list(left.low) == list(right.low)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(allow_nan=True)), max_size=200))
def test_any_steps_and_values(points: list[tuple[int, float]]) -> None:
    """Steps that repeat or go back are counted where they fall and never raise."""
    series = Series("x")
    for step, value in points:
        series.extend([step], [value])
    view = series.view()
    assert view.count == len(points)
    assert len(view.starts) == len(view.low) == len(view.broken)
