"""Speed from the bar's own clock, without what interrupts training."""

from __future__ import annotations

import pytest

from loratui.engine.pace import Pace


def test_speed_is_the_difference_of_the_clock() -> None:
    pace = Pace()
    pace.extend(range(1, 101), [n * 0.5 for n in range(1, 101)])
    assert pace.rate() == pytest.approx(2.0)


def test_too_few_seconds_say_nothing() -> None:
    pace = Pace()
    pace.extend([1, 2, 3], [0.0, 1.0, 1.0])
    assert pace.rate() is None


def test_a_pause_is_no_training_time() -> None:
    pace = Pace()
    pace.extend(range(1, 61), [float(n) for n in range(1, 61)])
    pace.pause()
    pace.extend(range(61, 121), [float(n) + 300 for n in range(61, 121)])
    assert pace.rate() == pytest.approx(1.0)


def test_the_newest_minutes_count() -> None:
    pace = Pace()
    seconds = 0.0
    for step in range(1, 1001):
        seconds += 0.5 if step < 500 else 2.0
        pace.extend([step], [seconds])
    assert pace.rate() == pytest.approx(0.5, rel=0.02)


def test_a_clock_that_restarts_begins_anew() -> None:
    pace = Pace()
    pace.extend([10, 20], [10.0, 20.0])
    pace.extend([21, 31], [0.0, 10.0])
    assert pace.rate() == pytest.approx(1.0)


def test_memory_is_bounded() -> None:
    pace = Pace()
    for step in range(20000):
        pace.extend([step], [step * 0.1])
    assert len(pace._points) < 3000
