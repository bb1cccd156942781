"""The arithmetic of the chart."""

from __future__ import annotations

import math

import pytest

from loratui.ui.widgets.axis import ROUND, Axis, down, fit, up

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


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1), (1.9, 1), (2, 2), (999, 500), (60, 50), (0.04, 0.02)]
)
def test_down_goes_to_the_round_number_before(value, expected):
    assert down(value, ROUND) == pytest.approx(expected)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize(
    ("low", "high"),
    [(5e-324, 1e-320), (1e-320, 1.0), (-1.7e308, 1.7e308), (1e308, 1.7e308), (1.0, 1.0 + 1e-15)],
)
def test_fit_survives_the_ends_of_arithmetic(log, low, high):
    axis = fit(low, high, log)
    assert 0 <= axis.low < axis.high if log else axis.low < axis.high
    for value in (low, high):
        place = axis.place(value)
        assert place is None or 0 <= place <= 1
    assert all(math.isfinite(tick) for tick in axis.ticks(5))
