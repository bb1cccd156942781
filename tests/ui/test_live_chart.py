"""The chart of Live by its keys: what it draws, which steps, and what is read from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widget import Widget
from textual.widgets import Input

from loratui.core.snapshot import SessionSnapshot
from loratui.ui.screens.live.curves import Choice
from loratui.ui.screens.live.metric_picker import MetricPicker
from loratui.ui.screens.live.steps_prompt import StepsPrompt
from loratui.ui.widgets.window import WHOLE, Window
from tests.ui.fake_feed import STATES, losses, rich, series
from tests.ui.test_live import screen_text

WIDE, NARROW = (160, 48), (80, 24)


def footer(app):
    return screen_text(app)[-1]


# -- the picker --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW, (60, 16)])
async def test_the_picker_lists_every_series(live, size):
    app = live("rich")
    async with app.run_test(size=size) as pilot:
        await pilot.press("t")
        assert isinstance(app.screen, MetricPicker)
        lines = app.screen.lines
        assert lines.targets() == [
            "loss", "mean_loss", "epoch_loss", "val_loss", "val_loss t250",
            "lr", "lr_text_encoder", "grad_norm",
        ]  # fmt: skip
        assert lines.target == "loss"
        text = "\n".join(screen_text(app))
        assert "1 240 points" in text
        assert "3 epochs" in text
        assert "5e-5" in text
        assert "validation loss, t250" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loss", "as the trainer gives it: each step"),
        ("epoch_loss", "the axis counts epochs"),
        ("val_loss", "not trained on, measured now and then"),
        ("val_loss t500", "at time step 500 alone"),
        ("val_loss q0.25", "at the 0.25 quantile of the time steps alone"),
        ("val_loss q", "not trained on, q alone"),
    ],
)
async def test_what_a_name_does_not_say_is_said_below(live, name, words):
    now = rich()
    app = live(replace(now, series={**now.series, name: series(name, [0.1, 0.2])}))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("t")
        app.screen.lines.point_at(name)
        await pilot.pause()
        assert words in " ".join(" ".join(screen_text(app)).replace("│", " ").split())


async def test_enter_draws_and_the_choice_stays(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        assert app.screen.drawn == Choice("loss", "val_loss")
        await pilot.press("t", "t", "enter")
        assert app.screen.drawn == Choice("mean_loss")
        assert chart.data.first.label == "mean loss"
        assert chart.data.second is None
        await pilot.press("2", "1")
        await pilot.pause()
        assert app.screen.chart.data.first.label == "mean loss"
        await pilot.press("t")
        assert app.screen.lines.target == "mean_loss"
        await pilot.press("q")
        assert app.screen.drawn == Choice("mean_loss")


async def test_space_puts_a_second_one_beside_it(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        screen = app.screen
        await pilot.press("t", "down", "space")
        assert app.screen.lines.drawn == Choice("loss", "mean_loss")
        await pilot.press("enter")
        assert screen.drawn == Choice("loss", "mean_loss")
        assert "loss ━━  mean loss ╍╍" in "\n".join(screen_text(app))
        await pilot.press("t", "down", "space", "q")
        assert screen.drawn == Choice("loss")


async def test_what_has_another_scale_cannot_be_put_beside_it(live):
    app = live("rich")
    async with app.run_test(size=NARROW) as pilot:
        screen = app.screen
        await pilot.press("t", *["down"] * 5, "space")
        assert "another scale" in "\n".join(screen_text(app))
        await pilot.press("down")
        assert "another scale" not in "\n".join(screen_text(app))
        await pilot.press("up", "up", "up", "up", "up", "up", "space")
        assert "drawn already" in "\n".join(screen_text(app))
        await pilot.press("escape")
        assert screen.drawn == Choice("loss", "val_loss")
        assert screen.wanted is None


async def test_the_picker_shows_new_values(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("t")
        now = {**app.feed.snapshot.series, "loss": series("loss", [*losses(1240), 0.7654])}
        app.feed.change(series=now)
        app.bridge.poll()
        await pilot.pause()
        assert "0.765" in "\n".join(screen_text(app))
        await pilot.press("q")
        app.screen.receive(rich(), frozenset({"series"}))  # the picker is told no more


async def test_t_of_capital_goes_round(live):
    app = live("healthy")
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("T")
        assert app.screen.drawn == Choice("lr")
        assert app.screen.front == "chart"
        await pilot.press("T")
        assert app.screen.drawn == Choice("loss")


async def test_one_series_or_none(live):
    app = live("nan")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert "no other series" in footer(app)
        await pilot.press("t")
        assert isinstance(app.screen, MetricPicker)
    app = live("loading")
    async with app.run_test(size=WIDE) as pilot:
        for key in ("t", "+", "[", ",", "Z", "z", "l", "0"):
            await pilot.press(key)
            await pilot.pause()
            assert "no curve yet" in footer(app), key
            assert app.screen.SCOPE == "live"


async def test_a_choice_that_another_run_lacks_comes_back(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("t", *["t"] * 6, "enter")
        assert app.screen.drawn == Choice("lr_text_encoder")
        app.feed.change(series={"loss": series("loss", losses(9))})
        app.bridge.poll()
        assert app.screen.chart.data.first.label == "loss"
        app.screen.receive(replace(rich()), frozenset({"series"}))
        assert app.screen.chart.data.first.label == "learning rate, text encoder"


async def test_the_axis_of_each_kind_is_remembered(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        assert chart.data.log
        await pilot.press("l")
        assert not chart.data.log
        await pilot.press("t", "t", "enter")
        assert not chart.data.log
        await pilot.press("t", *["t"] * 6, "enter")
        assert chart.data.first.label == "gradient norm"
        assert chart.data.log
        await pilot.press("t", "T", "T", "enter")
        assert chart.data.first.rate
        assert not chart.data.log


async def test_epochs_have_a_window_of_their_own(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        await pilot.press("+", ",")
        window, mark = chart.data.window, chart.data.mark
        await pilot.press("t", "down", "down", "enter")
        assert chart.data.unit == "epoch"
        assert chart.data.total == 10
        assert (chart.data.window, chart.data.mark) == (WHOLE, None)
        assert chart.data.findings == chart.data.epochs == ()
        assert "epoch 10" in "\n".join(screen_text(app))
        await pilot.press("t", "up", "up", "enter")
        assert (chart.data.window, chart.data.mark) == (window, mark)


# -- zoom --------------------------------------------------------------------------------------


async def test_zoom_keys(live):
    app = live()
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        await pilot.press("z")
        assert chart.data.window == Window(part=3)
        await pilot.press("z", "z")
        assert chart.data.window == WHOLE
        await pilot.press("+")
        assert chart.data.window == Window(newest=640)
        assert "of 3 400" in "\n".join(screen_text(app))
        await pilot.press("[")
        assert chart.data.window == Window(280, 920)
        assert "steps 280–920 of 3 400" in "\n".join(screen_text(app))
        await pilot.press("shift+right")
        assert chart.data.window == Window(newest=640)
        await pilot.press("]")
        assert "the newest step" in footer(app)
        await pilot.press("-")
        assert chart.data.window == WHOLE
        await pilot.press("-")
        assert "that is the whole run" in footer(app)
        await pilot.press("[")
        assert "+ zooms in" in footer(app)
        await pilot.press(*["+"] * 12)
        assert "as near as it goes" in footer(app)
        await pilot.press("z")
        assert chart.data.window == WHOLE


async def test_zooming_brings_a_folded_chart_to_the_front(live):
    app = live("diverging")
    async with app.run_test(size=NARROW) as pilot:
        assert app.screen.front == "findings"
        await pilot.press("+")
        await pilot.pause()
        assert app.screen.front == "chart"
        assert "of 3 400" in "\n".join(screen_text(app))


async def test_wide_screens_leave_the_focus_where_it_is(live):
    app = live("diverging")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("+", ",", "l", "T")
        assert app.focused.id == "findings"


async def test_a_window_at_the_end_goes_along_and_another_stands_still(live):
    app = live()
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart

        values = losses(1700)

        def grow(count):
            now = {**app.feed.snapshot.series, "loss": series("loss", values[:count])}
            app.feed.change(series=now)
            app.screen.receive(app.feed.snapshot, frozenset({"series"}))

        grow(1240)
        await pilot.press("z", "z")
        assert (chart.frame.start, chart.frame.end) == (900, 1250)
        grow(1500)
        assert chart.frame.end == 1500
        await pilot.press("[")
        before = (chart.frame, chart.cells)
        grow(1700)
        assert (chart.frame, chart.cells) == before


async def test_a_typed_range(live):
    app = live()
    async with app.run_test(size=NARROW) as pilot:
        chart = app.screen.chart
        await pilot.press("Z")
        assert isinstance(app.screen, StepsPrompt)
        await pilot.press(*"4x", "enter")
        await pilot.pause()
        assert "is no range of steps" in "\n".join(screen_text(app))
        assert chart.data.window == WHOLE
        await pilot.press("backspace", "0")
        assert "is no range" not in "\n".join(screen_text(app))
        await pilot.press(*"0-800", "enter")
        await pilot.pause()
        assert chart.data.window == Window(400, 800)
        await pilot.press("Z")
        assert app.screen.query_one(Input).value == "400-800"
        await pilot.press("enter")
        await pilot.pause()
        assert chart.data.window == Window(400, 800)
        await pilot.press("Z", *"-200", "enter")
        await pilot.pause()
        assert chart.data.window == Window(newest=200)
        await pilot.press("Z", *"5000-", "enter")
        await pilot.pause()
        assert "the newest step is 1 240" in " ".join(" ".join(screen_text(app)).split())
        await pilot.press("q")
        await pilot.pause()
        assert chart.data.window == Window(newest=200)
        await pilot.press("Z", "backspace", "enter")
        await pilot.pause()
        assert chart.data.window == WHOLE


async def test_the_prompt_is_found_in_the_palette(live):
    app = live()
    async with app.run_test(size=WIDE):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert any(title.startswith("Show the steps that you type") for title in titles)


async def test_another_run_is_shown_whole(live):
    app = live()
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        await pilot.press("Z", *"400-800", "enter", ",")
        app.screen.receive(replace(app.feed.snapshot, run="a"), frozenset({"run"}))
        assert chart.data.window == Window(400, 800)
        app.screen.receive(replace(app.feed.snapshot, run="b"), frozenset({"run"}))
        assert (chart.data.window, chart.data.mark) == (WHOLE, None)
        await pilot.press("+")
        app.screen.receive(replace(app.feed.snapshot, path="other.log"), frozenset({"path"}))
        assert chart.data.window == WHOLE


# -- reading -----------------------------------------------------------------------------------


async def test_the_mark_moves_and_reads(live, tmp_path):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        await pilot.press(",")
        assert chart.data.mark == 1240
        assert "step 1 240: " in "\n".join(screen_text(app))
        await pilot.press("<")
        assert chart.data.mark == 1240 - 10 * chart.frame.gap
        await pilot.press(",", ">")
        await pilot.press("tab", "y")
        copied = (tmp_path / "copied.txt").read_text()
        assert copied.startswith(f"loss, step {chart.data.mark:,}: ".replace(",", " ", 2)
                                 .replace("loss  ", "loss, "))  # fmt: skip
        assert "validation loss 0.134 at step 1 200" in copied
        await pilot.press(*[">"] * 2)
        assert chart.data.mark is None
        await pilot.press(".")
        assert chart.data.mark == 1
        await pilot.press("0")
        assert chart.data.mark is None


async def test_a_click_reads_there(live):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        chart = app.screen.chart
        await pilot.click("#chart", offset=(8 + 40, 10))
        assert chart.frame.cell(chart.data.mark) == 40
        await pilot.click("#chart", offset=(3, 10))
        assert chart.frame.cell(chart.data.mark) == 40
        await pilot.click("#chart", offset=(8 + chart.frame.width - 1, 10))
        assert chart.frame.cell(chart.data.mark) == chart.frame.width - 1


async def test_reading_where_nothing_is(live):
    app = live()
    async with app.run_test(size=WIDE) as pilot:
        app.screen.chart.show(window=Window(2000, 3000))
        await pilot.press(",")
        await pilot.pause()
        assert "no value in these steps" in footer(app)


# -- painting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [("+", ","), ("Z", *"300-900", "enter"), ("z", "z", "<")])
async def test_nothing_is_painted_when_nothing_changed(live, keys, monkeypatch):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        calls = []
        refresh = Widget.refresh
        monkeypatch.setattr(
            Widget, "refresh", lambda self, *a, **k: (calls.append(self), refresh(self, *a, **k))[1]
        )
        same = STATES["rich"]()
        everything = frozenset(field for field in same.__dataclass_fields__ if field != "revisions")
        app.screen.receive(same, everything)
        await pilot.pause()
        assert calls == []
        monkeypatch.undo()


async def test_moving_the_mark_paints_two_columns_and_the_heading(live, monkeypatch):
    app = live("rich")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(",", ",")
        await pilot.pause()
        painted = []
        refresh = Widget.refresh
        chart = app.screen.chart

        def noted(self, *regions, **more):
            if self is chart:
                painted.extend(regions)
            return refresh(self, *regions, **more)

        monkeypatch.setattr(Widget, "refresh", noted)
        await pilot.press(",")
        await pilot.pause()
        assert 0 < sum(region.area for region in painted) < 4 * chart.size.height + 60
        monkeypatch.undo()


@pytest.mark.parametrize("size", [NARROW, (120, 40)])
async def test_plain_terminals_get_ascii(live, size):
    app = live("rich", plain=True)
    async with app.run_test(size=size) as pilot:
        for keys in (("+", ","), ("t",), ("down", "space", "enter"), ("Z", "x", "enter")):
            await pilot.press(*keys)
            await pilot.pause()
            text = "".join(screen_text(app))
            assert text.isascii(), {sign for sign in text if not sign.isascii()}


async def test_hostile_names_of_series(live):
    odd = {
        "[/x] \x1b[31m日本" * 9: series("x", [1.0, 2.0]),
        "val_loss [b]": series("y", [1.0]),
        "loss": series("loss", losses(50)),
        "none": series("none", []),
    }
    app = live(SessionSnapshot(revisions={"series": 1}, series=odd))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("t")
        assert "val" in "\n".join(screen_text(app))
        for _ in range(4):
            await pilot.press("T", "+", ",")
            await pilot.pause()
            assert "\x1b" not in "".join(screen_text(app))
