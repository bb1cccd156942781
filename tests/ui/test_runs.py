"""Without a path the app looks for the runs on the box, and asks only when it must."""

from __future__ import annotations

import pytest

from loratui.core.running import Discovered, FoundRun, LogPlace
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.notebook import Notebook
from loratui.ui.app import LoratuiApp, UiOptions
from loratui.ui.screens.runs import RunList
from tests.runs import log
from tests.ui.fake_feed import FakeFeed, healthy

LOG = str(log("kohya/healthy"))


def run(pid: int, **fields) -> FoundRun:
    place = LogPlace("file", LOG, "Its output is written to this file.")
    base = {"pid": pid, "started": 1_700_000_000.0 + pid, "trainer": "kohya", "log": place,
            "output_dir": f"/x/[bold]maya-{pid}\x1b[31m"}  # fmt: skip
    return FoundRun(**{**base, **fields})


def make_app(tmp_path, *runs, left_out=(), feed=None):
    opened = []

    def open_run(choice):
        opened.append(choice)
        return FakeFeed(healthy())

    options = UiOptions(
        plain=False, polling=False, state=tmp_path, knowledge=lambda: None,
        discover=lambda: Discovered(tuple(runs), tuple(left_out)), open_run=open_run,
    )  # fmt: skip
    return LoratuiApp(feed, options), opened


async def settled(pilot, ready):
    for _ in range(500):
        if ready():
            return
        await pilot.pause()
    raise AssertionError("nothing happened")


SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)])


@SIZES
async def test_the_only_live_run_is_watched_at_once(tmp_path, size):
    app, opened = make_app(tmp_path, run(1), run(2, live=False))
    async with app.run_test(size=size) as pilot:
        await settled(pilot, lambda: opened)
        await pilot.pause()
        assert opened[0].found.pid == 1
        assert app.feed.calls == ["start", "read_history"]
        assert app.snapshot.status.step == app.feed.snapshot.status.step
    assert Notebook(tmp_path / "notebook.json").recent == (LOG,)


@SIZES
async def test_several_are_listed_and_one_is_chosen(tmp_path, size):
    app, opened = make_app(tmp_path, run(1), run(2), left_out=("tmux did not answer.",))
    async with app.run_test(size=size) as pilot:
        await settled(pilot, lambda: isinstance(app.screen, RunList))
        await pilot.pause()
        said = "\n".join(
            "".join(s.text for s in (*r.spans, *r.right)) for r in app.screen.lines.lines
        )
        assert "tmux did not answer." in said
        drawn = "".join(app.screen.lines.render_line(y).text for y in range(4))
        assert "\x1b" not in drawn
        assert "[bold]maya-" in drawn
        await pilot.press("down", "enter")
        await settled(pilot, lambda: opened)
        assert opened[0].found.pid == 2


async def test_none_is_said_and_the_tree_stays(tmp_path):
    app, opened = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, RunList))
        await pilot.press("q")
        assert not isinstance(app.screen, RunList)
        assert opened == []


async def test_what_cannot_be_watched_cannot_be_chosen(tmp_path):
    nowhere = LogPlace("none", "", "It is on another terminal.", "terminal", "Start it in tmux.")
    app, opened = make_app(tmp_path, run(1, log=nowhere))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, lambda: isinstance(app.screen, RunList))
        await pilot.press("enter")
        assert isinstance(app.screen, RunList)
        assert opened == []


async def test_with_a_run_given_nobody_looks(tmp_path):
    app, opened = make_app(tmp_path, run(1), feed=FakeFeed(SessionSnapshot()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert opened == []
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, RunList))


async def test_a_failing_look_is_told(tmp_path):
    def broken():
        raise OSError(5, "Input/output error")

    options = UiOptions(plain=False, polling=False, state=tmp_path, discover=broken)
    app = LoratuiApp(None, options)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, RunList))
        said = "\n".join(s.text for r in app.screen.lines.lines for s in r.spans)
        assert "Input/output error" in said
