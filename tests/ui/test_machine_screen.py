"""The machine screen in the app."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loratui.core.facts import HostReading, Machine
from loratui.core.snapshot import SessionSnapshot
from loratui.ui.app import LoratuiApp, UiOptions
from tests.ui.fake_feed import FakeFeed
from tests.ui.test_machine_readings import FULL, HOST

EIGHT = Machine(tuple(replace(FULL, index=index) for index in range(8)), "580.65.06", "13.0")


def make_app(machine: Machine, plain: bool = False) -> LoratuiApp:
    feed = FakeFeed(SessionSnapshot(machine=machine))
    return LoratuiApp(feed, UiOptions(plain=plain, polling=False))


def shown(app: LoratuiApp) -> list[str]:
    """What stands on the screen, row by row."""
    pane = app.screen.pane
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_eight_gpus_scroll_to_the_last(size):
    async with make_app(EIGHT).run_test(size=size) as pilot:
        await pilot.press("5")
        await pilot.pause()
        assert any("GPU 0" in row for row in shown(pilot.app))
        assert not any("GPU 7" in row for row in shown(pilot.app))
        await pilot.press("end")
        await pilot.pause()
        assert any("GPU 7" in row for row in shown(pilot.app))
        await pilot.press("home", "pagedown", "down")
        await pilot.pause()
        assert not any("GPU 0" in row for row in shown(pilot.app))


async def test_only_the_cells_that_changed_are_painted():
    async with make_app(EIGHT).run_test(size=(160, 48)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        pane = pilot.app.screen.pane
        painted = []
        pane.refresh = lambda *regions, **_: painted.extend(regions)
        first = replace(FULL, temperature=72)
        pane.show(replace(EIGHT, time=1.0), None)
        assert painted == []
        pane.show(replace(EIGHT, gpus=(first, *EIGHT.gpus[1:])), None)
        assert [(region.width, region.height) for region in painted] == [(1, 1)]


async def test_hostile_names_are_only_text():
    gpu = replace(FULL, name="[/foo] \x1b[31m[@click=app.quit]x[/]", note="\x9b2J [bold")
    async with make_app(Machine((gpu,))).run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        rows = "".join(shown(pilot.app))
        assert "[/foo]" in rows
        assert "\x1b" not in rows
        assert "\x9b" not in rows


async def test_host_is_shown():
    async with make_app(Machine(note="No driver.")).run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        assert not any("This machine" in row for row in shown(pilot.app))
        pilot.app.screen.pane.show(Machine(note="No driver."), HOST)
        await pilot.pause()
        assert any("212.0 GB free" in row for row in shown(pilot.app))
        pilot.app.screen.pane.show(Machine(), HostReading())
        await pilot.pause()
        assert any("processor" in row for row in shown(pilot.app))


async def test_ascii_terminal_gets_ascii():
    async with make_app(EIGHT, plain=True).run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        assert "".join(shown(pilot.app)).isascii()


async def test_without_a_run():
    app = LoratuiApp(None, UiOptions(plain=False, polling=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        assert any("not arrived yet" in row for row in shown(app))
