"""Pictures of Live: what a change of code does to the screen is seen in review."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("state", ["healthy", "diverging", "nan", "oom", "empty"])
def test_live(live, looks_as_before, state, size):
    assert looks_as_before(live(state), terminal_size=size)


CHART = {
    "metrics": ("t", "down"),
    "part": ("Z", *"400-900", "enter", ",", ","),
    "prompt": ("Z", *"4x", "enter"),
}
"""Keys that lead to each picture of the chart."""


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("name", CHART)
def test_chart(live, looks_as_before, name, size):
    assert looks_as_before(live("rich"), terminal_size=size, press=CHART[name])
