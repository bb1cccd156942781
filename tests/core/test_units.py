"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from loratui.core import units


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (units.whole(1234567), "1 234 567"),
        (units.duration(45.4), "45 s"),
        (units.duration(1120), "18 min"),
        (units.duration(7500), "2 h 05 min"),
        (units.duration(3 * 86400 + 4 * 3600), "3 d 4 h"),
        (units.number(0.14249), "0.142"),
        (units.number(12.345), "12.3"),
        (units.number(636.069), "636"),
        (units.number(math.nan), "nan"),
        (units.number(-math.inf), "-inf"),
        (units.number(0.0), "0"),
        (units.number(1.23e-7), "1.23e-07"),
        (units.rate(0.0001), "1e-4"),
        (units.rate(0.00025), "2.5e-4"),
        (units.rate(1.0), "1.0"),
        (units.rate(0.0), "0"),
        (units.rate(10000.0), "1e4"),
        (units.gib(25757220864), "24.0"),
        (units.percent(0.714), "71 %"),
        (units.speed(1.934), "1.93 it/s"),
        (units.speed(0.25), "4.00 s/it"),
    ],
)
def test_shown(call: str, shown: str) -> None:
    assert call == shown
