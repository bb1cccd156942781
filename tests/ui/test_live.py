"""Live by its keys: state and messages first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widget import Widget

from loratui.core.snapshot import Status
from loratui.engine.notebook import Notebook
from loratui.ui.messages import OpenSymptom
from loratui.ui.overlays import Sheet, TooSmall
from tests.ui.fake_feed import STATES, healthy, log_lines

SIZES = [(60, 16), (80, 24), (110, 24), (250, 60)]


def screen_text(app):
    """What is on the screen, row by row."""
    strips = app.screen._compositor.render_strips()
    return [strip.text for strip in strips]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("size", SIZES)
async def test_every_state_at_every_size(live, state, size):
    app = live(state)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        rows = screen_text(app)
        status = app.screen.snapshot.status
        assert status.state in rows[1]
        if status.step is not None:
            spark = app.screen.sparkline
            assert spark.region.width >= 12
            assert spark.region.bottom <= 3
            assert rows[spark.region.y][spark.region.x : spark.region.right].strip()
        for name in ("tab",) * 4:
            await pilot.press(name)
        assert app.screen.front == "log"


async def test_nothing_is_cut_when_folded(live):
    app = live("diverging")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        seen = {}
        for name in ("findings", "chart", "checklist", "gpu", "log"):
            seen[name] = "\n".join(screen_text(app))
            assert app.screen.front == name
            await pilot.press("tab")
        assert "Loss is diverging" in seen["findings"]
        assert "since 1 010" in seen["findings"]
        assert "unet_lr 2e-4 → 1e-4" in seen["findings"]
        assert "step 1 250" in seen["chart"]
        assert "0.19 → 0.11" in seen["checklist"]
        assert "402/450 W" in seen["gpu"]
        assert "epoch 4/10" in seen["log"]


async def test_healthy_says_so(live):
    app = live("healthy")
    async with app.run_test(size=(160, 48)):
        text = "\n".join(screen_text(app))
        assert "nothing wrong so far" in text
        assert "checked 31 patterns, 1 needs more steps" in text
        assert "too early to tell: a plateau" in text
        assert "cannot tell: overfitting" in text
        assert "simulated" in text


async def test_empty_teaches_how_to_start(live):
    app = live("empty")
    async with app.run_test(size=(80, 24)):
        text = "\n".join(screen_text(app))
        assert "loratui watch FILE" in text
        assert "loratui demo" in text


async def test_enter_opens_the_symptom_of_the_selected_finding(live):
    seen = []
    app = live("diverging")
    async with app.run_test(
        size=(120, 40),
        message_hook=lambda message: seen.append(message),
    ) as pilot:
        await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause()
        opened = [message for message in seen if isinstance(message, OpenSymptom)]
        assert opened[0].symptom_id == "slow-steps"
        assert opened[0].finding.id == "step-slowdown"


async def test_what_to_do_now(live):
    app = live("diverging")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, Sheet)
        text = "\n".join(screen_text(app))
        assert "Halve the learning rate" in text
        assert "Use an earlier checkpoint" in text
        assert "cured if" in text
        assert "hides the cause" in text
        await pilot.press("q")
        assert app.screen.front == "findings"


async def test_help_is_about_the_pane(live):
    app = live()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab")
        await pilot.press("question_mark")
        await pilot.pause()
        text = "\n".join(screen_text(app))
        assert "Dots are single steps" in text
        assert "last 300 steps" in text
        await pilot.press("question_mark")
        assert not isinstance(app.screen, Sheet)


async def test_acknowledge_reaches_the_feed_and_a_tick_is_kept(live, tmp_path):
    app = live("diverging")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("a")
        await pilot.press("tab", "tab")
        await pilot.press("down", "down", "down")
        await pilot.press("space")
        await pilot.pause()
        assert [(action.kind, action.target) for action in app.feed.actions] == [
            ("acknowledge", "loss-diverging")
        ]
        ticked = Notebook(tmp_path / "notebook.json").ticked(app.feed.snapshot.run_key)
        assert [item.rpartition("/")[2] for item in ticked] == ["features"]
        assert {item.id: item for item in app.screen.checklist.checklist.items}[
            "features"
        ].state == "done"


async def test_copy_writes_a_file_and_shows_its_path(live, tmp_path):
    app = live("diverging")
    async with app.run_test(size=(250, 60)) as pilot:
        await pilot.press("y")
        await pilot.pause()
        written = (tmp_path / "copied.txt").read_text()
        assert "Loss is diverging since 1 010" in written
        assert "Halve the learning rate" in written
        assert str(tmp_path / "copied.txt") in screen_text(app)[-1]
        await pilot.press("tab")
        await pilot.pause()
        assert "what to do now" in screen_text(app)[-1]


async def test_errors_only(live):
    app = live("oom")
    async with app.run_test(size=(160, 48)) as pilot:
        log = app.screen.log_pane
        assert len({row.target for row in log.lines}) == 5
        await pilot.press("e")
        await pilot.pause()
        assert len({row.target for row in log.lines}) == 2
        assert "errors only" in "\n".join(screen_text(app))


async def test_log_follows_until_one_scrolls_up(live):
    app = live(replace(healthy(), log=log_lines(*map(str, range(60))), log_count=60))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        log = app.screen.log_pane

        def add(count):
            texts = [str(number) for number in range(count)]
            app.feed.change(log=log_lines(*texts), log_count=count)
            app.screen.receive(app.feed.snapshot, frozenset({"log"}))

        add(61)
        await pilot.pause()
        assert log.scroll_y == log.max_scroll_y
        await pilot.press("shift+tab")
        await pilot.press("home")
        add(62)
        await pilot.pause()
        assert log.scroll_y == 0
        await pilot.press("end")
        add(63)
        await pilot.pause()
        assert log.scroll_y == log.max_scroll_y
        assert log.lines[-1].spans[1].text == "62"


async def test_log_of_another_run_begins_anew(live):
    app = live()
    async with app.run_test(size=(120, 40)):
        app.feed.change(log=log_lines("new run"), log_count=1)
        app.screen.receive(app.feed.snapshot, frozenset({"log"}))
        assert [entry.text for _, entry in app.screen.log_pane.kept] == ["new run"]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_an_identical_snapshot_paints_nothing(live, size, monkeypatch):
    app = live("diverging")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        calls = []
        refresh = Widget.refresh
        monkeypatch.setattr(
            Widget, "refresh", lambda self, *a, **k: (calls.append(self), refresh(self, *a, **k))[1]
        )
        same = STATES["diverging"]()
        everything = frozenset(field for field in same.__dataclass_fields__ if field != "revisions")
        app.screen.receive(same, everything)
        await pilot.pause()
        assert calls == []
        monkeypatch.undo()


async def test_one_step_paints_a_few_cells(live, monkeypatch):
    app = live("healthy")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        painted = []
        refresh = Widget.refresh
        monkeypatch.setattr(
            Widget,
            "refresh",
            lambda self, *regions, **k: (painted.append(regions), refresh(self, *regions, **k))[1],
        )
        status = replace(app.feed.snapshot.status, step=1241, loss=0.115)
        app.feed.change(status=status)
        app.bridge.poll()
        await pilot.pause()
        cells = sum(region.area for regions in painted for region in regions)
        assert all(regions for regions in painted)
        assert 0 < cells < 40
        monkeypatch.undo()


async def test_resize_folds_and_unfolds(live):
    app = live("diverging")
    async with app.run_test(size=(160, 48)) as pilot:
        assert not app.screen.folded
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.screen.folded
        assert [pane.id for pane in app.screen.panes.values() if pane.display] == ["findings"]
        await pilot.resize_terminal(160, 48)
        await pilot.pause()
        assert all(pane.display for pane in app.screen.panes.values())


async def test_too_small_is_one_clear_message(live):
    app = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(50, 10)
        await pilot.pause()
        assert isinstance(app.screen, TooSmall)
        assert "60x16" in " ".join(" ".join(screen_text(app)).split())
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert not isinstance(app.screen, TooSmall)
        await pilot.resize_terminal(20, 3)
        await pilot.press("q")
    assert app.return_code == 0


async def test_history_is_read_after_the_first_painting(live):
    app = live()
    assert app.feed.calls == []
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.feed.calls == ["read_history"]
    assert app.feed.calls == ["read_history", "stop"]


async def test_no_feed(live):
    from loratui.ui.app import LoratuiApp
    from loratui.ui.options import UiOptions

    app = LoratuiApp(None, UiOptions())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "s", "q", "a", "space", "y", "e", "down", "end")
        await pilot.pause()
        assert "loratui demo" in "\n".join(screen_text(app))


async def test_plain_terminal_gets_ascii(live):
    for state in ("diverging", "hostile", "empty"):
        app = live(state, plain=True)
        for size in ((80, 24), (120, 40)):
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                for _ in range(5):
                    text = "".join(screen_text(app))
                    assert text.isascii(), {sign for sign in text if not sign.isascii()}
                    await pilot.press("tab")
            app = live(state, plain=True)


async def test_state_is_said_without_colour(live):
    app = live("oom", colour=False)
    async with app.run_test(size=(80, 24)):
        rows = screen_text(app)
        assert "✖ out of memory" in rows[1]
        assert any("critical" in row for row in rows)


@pytest.mark.parametrize("step", [0, 1, None])
async def test_status_without_much(live, step):
    app = live(replace(healthy(), status=Status("loading", step=step, total=None, history=0.4)))
    async with app.run_test(size=(80, 24)):
        assert "history 40 %" in screen_text(app)[1]


async def test_palette_opens_on_colon(live):
    app = live()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        assert type(app.screen).__name__ == "CommandPalette"
        await pilot.press("escape")


async def test_slash_searches_in_diagnose(live):
    app = live()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash")
        await pilot.pause()
        assert app.current_mode == "diagnose"
        await pilot.press("l", "o", "s", "s")
        assert app.current_mode == "diagnose"


async def test_numbers_switch_and_q_comes_back(live):
    app = live("diverging")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        assert app.current_mode == "machine"
        await pilot.press("2")
        assert app.current_mode == "diagnose"
        await pilot.press("1")
        assert app.current_mode == "live"
        await pilot.press("5", "q")
        assert app.current_mode == "live"
        await pilot.press("q")
    assert app.return_code == 0


async def test_news_reach_the_screen_that_comes_to_the_front(live):
    app = live("healthy")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        app.feed.change(status=replace(app.feed.snapshot.status, step=2000))
        app.bridge.poll()
        await pilot.press("1")
        await pilot.pause()
        assert "2 000 / 3 400" in screen_text(app)[1]
