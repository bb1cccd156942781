"""Clock event bits in words, and their share of the last minute."""

from __future__ import annotations

import pytest

from loratui.machine.throttle import ThrottleShares, words


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (0x0, ()),
        (0x1, ("idle",)),
        (0x2, ("application clocks",)),
        (0x4, ("power cap",)),
        (0x8, ("hardware slowdown",)),
        (0x10, ("sync boost",)),
        (0x20, ("thermal (software)",)),
        (0x48, ("thermal (hardware)",)),
        (0x88, ("hw power brake",)),
        (0x100, ("display clock",)),
        (0x24, ("power cap", "thermal (software)")),
        (0x1000, ("reason 0x1000",)),
    ],
)
def test_words(bits, expected):
    assert words(bits) == expected


def test_share_of_the_last_minute():
    shares = ThrottleShares()
    for second in range(120):
        now = shares.add(float(second), ("power cap",) if second >= 90 else (), 1.0)
    assert now == {"power cap": 0.5}


def test_idle_is_not_slowing():
    assert ThrottleShares().add(0.0, ("idle",), 1.0) == {}


def test_a_little_is_still_said():
    shares = ThrottleShares()
    for second in range(60):
        now = shares.add(float(second), ("thermal (software)",) if second == 30 else (), 1.0)
    assert now == {"thermal (software)": 0.01}


def test_a_gap_counts_for_little():
    shares = ThrottleShares()
    for second in range(38):
        shares.add(float(second), (), 1.0)
    assert shares.add(57.0, ("power cap",), 1.0) == {"power cap": 0.05}  # 2 of 40 seconds, not 20


def test_a_few_seconds_are_not_the_whole_minute():
    shares = ThrottleShares()
    now = [shares.add(float(second), ("power cap",), 1.0) for second in range(60)]
    assert now[2] == {"power cap": 0.1}
    assert now[14] == {"power cap": 0.5}
    assert now[29] == now[59] == {"power cap": 1.0}


def test_forgotten_after_a_minute_and_when_the_clock_goes_back():
    shares = ThrottleShares()
    shares.add(0.0, ("power cap",), 1.0)
    assert shares.add(61.0, (), 1.0) == {}
    shares.add(62.0, ("power cap",), 1.0)
    assert shares.add(5.0, (), 1.0) == {}
    assert shares.add(8.0, ("power cap",), 1.0) == {"power cap": 0.06}
