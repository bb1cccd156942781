"""Diagnose and Machine as they look, narrow and wide."""

from __future__ import annotations

import pytest

from tests.ui.test_diagnose import FINDING, make_app, opened
from tests.ui.test_machine_screen import EIGHT
from tests.ui.test_machine_screen import make_app as machine_app

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])


@SIZES
@pytest.mark.parametrize(
    "keys",
    [(), ("enter",), ("g", "a"), ("slash", *"tried to allocate")],
    ids=["tree", "page", "question", "search"],
)
def test_diagnose(looks_as_before, size, keys):
    async def before(pilot):
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    assert looks_as_before(make_app(FINDING), terminal_size=size, run_before=before)


@SIZES
def test_machine(looks_as_before, size):
    async def before(pilot):
        await pilot.press("5")
        await pilot.pause()

    assert looks_as_before(machine_app(EIGHT), terminal_size=size, run_before=before)
