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


def test_seconds_of_a_step_without_pauses() -> None:
    """One value every ten seconds; the time of a pause belongs to no step."""
    pace = Pace()
    steps = list(range(1, 101))
    ends, seconds = pace.stretches(steps, [n * 2.0 for n in steps])
    assert ends == list(range(6, 101, 5))
    assert seconds == [2.0] * len(ends)
    pace.pause()
    later, slow = pace.stretches(range(101, 121), [500 + n * 5.0 for n in range(20)])
    assert later == list(range(103, 121, 2))
    assert slow == [5.0] * len(later)


@pytest.mark.parametrize("cut", [1, 3, 50])
def test_how_it_is_cut_changes_nothing(cut: int) -> None:
    steps = list(range(1, 201))
    clock = [float(int(n * 0.7)) for n in steps]
    whole, parts = Pace(), Pace()
    expected = whole.stretches(steps, clock)
    found: tuple[list[int], list[float]] = ([], [])
    for begin in range(0, 200, cut):
        ends, seconds = parts.stretches(steps[begin : begin + cut], clock[begin : begin + cut])
        found[0].extend(ends)
        found[1].extend(seconds)
    assert found == expected


def test_a_clock_that_goes_back_begins_anew() -> None:
    pace = Pace()
    _ends, seconds = pace.stretches([1, 2, 3, 1, 2, 3], [0.0, 6.0, 12.0, 0.0, 6.0, 12.0])
    assert all(value > 0 for value in seconds)
    assert pace.stretches([5], [5.0]) == ([], [])
