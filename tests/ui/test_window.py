"""Which steps are shown: what keys and typed ranges make of a window."""

from __future__ import annotations

import pytest

from loratui.ui.widgets.window import (
    LEAST,
    WHOLE,
    ZOOMS,
    NotSteps,
    Window,
    examples,
    limits,
    moved,
    parse,
    written,
    zoomed,
)

THIRD, NEWEST = Window(part=3), Window(newest=300)


# -- limits ------------------------------------------------------------------------------------


def test_limits_move_seldom():
    assert len({limits(WHOLE, last, None) for last in range(1000, 1250)}) == 2
    assert len({limits(THIRD, last, None) for last in range(3000, 3100)}) <= 2
    assert len({limits(NEWEST, last, None) for last in range(3000, 3100)}) == 3
    assert len({limits(Window(900), last, None) for last in range(1000, 1025)}) <= 2


@pytest.mark.parametrize("window", [*ZOOMS, Window(newest=7), Window(25)])
@pytest.mark.parametrize("last", [0, 1, 29, 31, 299, 301, 1240, 200_000])
@pytest.mark.parametrize("total", [None, 250_000, 1240, 3])
def test_limits_hold_the_newest_step(window, last, total):
    start, end = limits(window, last, total)
    assert 0 <= start < end
    assert end >= last
    assert start <= last or window.begin > last
    if window.newest and last >= window.newest:
        assert start <= last - window.newest


def test_limits_end_with_the_run():
    assert limits(WHOLE, 3300, 3400) == (0, 3400)
    assert limits(NEWEST, 3390, 3400)[1] == 3400


def test_limits_of_a_fixed_range_do_not_move():
    fixed = Window(1200, 1800)
    assert {limits(fixed, last, 3400) for last in (1300, 1900, 3400)} == {(1200, 1800)}
    assert limits(Window(5, 5), 9, None) == (5, 6)


# -- keys --------------------------------------------------------------------------------------


def test_zooming_in_at_the_end_goes_along_and_ends_somewhere():
    window, widths = WHOLE, []
    while (nearer := zoomed(window, 1240, 3400, nearer=True)) is not None:
        window = nearer
        assert window.follows
        start, end = limits(window, 1240, 3400)
        assert start < 1240 <= end
        widths.append(window.newest)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == LEAST
    assert widths[0] == 640


def test_zooming_out_comes_back_to_the_whole_run():
    window = Window(newest=LEAST)
    for _ in range(20):
        wider = zoomed(window, 1240, 3400, nearer=False)
        if wider is None:
            break
        window = wider
    assert window == WHOLE
    assert zoomed(WHOLE, 1240, 3400, nearer=False) is None


@pytest.mark.parametrize("mark", [200, 250, 390])
def test_zooming_keeps_the_step_that_is_read_in_place(mark):
    near = zoomed(Window(200, 400), 1240, None, nearer=True, around=mark)
    assert near.begin <= mark <= near.end
    assert (mark - near.begin) / (near.end - near.begin) == pytest.approx(
        (mark - 200) / 200, abs=0.02
    )
    far = zoomed(near, 1240, None, nearer=False, around=mark)
    assert far.begin <= mark <= far.end


def test_a_mark_near_the_end_does_not_stop_the_window_from_going_along():
    assert zoomed(WHOLE, 1240, None, nearer=True, around=1200).follows
    assert not zoomed(WHOLE, 1240, None, nearer=True, around=100).follows


def test_a_mark_that_is_not_shown_is_no_matter():
    assert zoomed(Window(200, 400), 1240, None, nearer=True, around=900) == Window(250, 350)


def test_moving_left_stands_still_and_back_at_the_end_goes_along():
    left = moved(NEWEST, 1240, None, -1)
    assert left == Window(790, 1090)
    assert moved(left, 1240, None, 1) == NEWEST
    assert moved(left, 5000, None, 1) == Window(940, 1240)


def test_moving_stops_at_both_ends():
    assert moved(WHOLE, 1240, None, -1) is None
    assert moved(WHOLE, 1240, None, 1) is None
    assert moved(NEWEST, 1240, None, 1) is None
    assert moved(Window(0, 300), 1240, None, -1) is None
    assert moved(Window(100, 400), 1240, None, -1) == Window(0, 300)


# -- typed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1200-1800", Window(1200, 1800)),
        (" 1 200 – 1 800 ", Window(1200, 1800)),
        ("1,200-1'800", Window(1200, 1800)),
        ("1200..1800", Window(1200, 1800)),
        ("1200 to 1800", Window(1200, 1800)),
        ("1800-1200", Window(1200, 1800)),
        ("1.2k-1.8K", Window(1200, 1800)),
        ("1200-", Window(1200)),
        ("1200–", Window(1200)),
        ("-500", Window(newest=500)),
        ("- 500", Window(newest=500)),
        ("-99999", Window(newest=99999)),
        ("50%-", Window(1000)),
        ("10%-20 %", Window(200, 400)),
        ("-25%", Window(newest=500)),
        ("12.5%-", Window(250)),
        ("0-500", Window(0, 500)),
        ("1200-3000", Window(1200, 3000)),  # not trained yet, but it will be
        ("1200-3400", Window(1200)),  # to the end of the run
        ("1200-99999", Window(1200)),
        ("-1", Window(newest=2)),
        ("", WHOLE),
        ("  ", WHOLE),
        ("-", WHOLE),
        ("all", WHOLE),
        ("0-", WHOLE),
    ],
)
def test_ranges_that_are_understood(text, expected):
    assert parse(text, 2000, 3400) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1200", "write 1200- to begin there"),
        ("abc", "is no range of steps"),
        ("12x-20", "is no range of steps"),
        ("1-2-3", "is no range of steps"),
        ("--5", "is no range of steps"),
        ("-5-", "is no range of steps"),
        ("1e3-", "is no range of steps"),
        ("nan-inf", "is no range of steps"),
        ("[/b]\x1b[31m" * 9, "is no range of steps"),
        ("5000-", "nothing to show yet: the newest step is 2 000"),
        ("2000-3000", "nothing to show yet"),
        ("100%-", "nothing to show yet"),
        ("500-500", "a curve needs at least two"),
        ("-0", "shows nothing"),
        ("120%-", "more than all"),
        ("1.5-20", "between two steps"),
        ("0.0005k-", "between two steps"),
        ("9999999999999-", "no run has"),
        pytest.param("9" * 400 + "-", "no run has", id="endless"),
    ],
)
def test_ranges_that_are_not_understood_say_why(text, why):
    with pytest.raises(NotSteps, match=why) as error:
        parse(text, 2000, 3400)
    assert len(str(error.value)) < 460


def test_without_a_known_length_a_range_past_the_newest_step_goes_along():
    assert parse("1200-3000", 2000, None) == Window(1200)


def test_epochs_are_called_epochs():
    with pytest.raises(NotSteps, match="the newest epoch is 6"):
        parse("7-9", 6, 10, "epoch")


@pytest.mark.parametrize(
    "window", [WHOLE, Window(1200, 1800), Window(1200), Window(newest=500), Window(0, 500)]
)
def test_what_is_written_is_read_back(window):
    assert parse(written(window, 2000, 3400), 2000, 3400) == window


@pytest.mark.parametrize("last", [3, 6, 72, 1240, 100_000])
def test_examples_are_ranges_of_the_run(last):
    for text in examples(last):
        assert parse(text, last, None) is not WHOLE
