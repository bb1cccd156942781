"""What is found out about the terminal, what is sent to it, what is copied."""

from __future__ import annotations

import base64

import pytest
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from loratui.ui.clipboard import copy, osc52
from loratui.ui.options import UiOptions
from loratui.ui.painting import render_spans
from loratui.ui.terminal import LOCAL, LOW, REMOTE, Terminal, is_ascii

UTF8 = {"LANG": "en_US.UTF-8", "TERM": "xterm"}


@pytest.mark.parametrize(
    ("env", "options", "rate"),
    [
        ({}, UiOptions(), LOCAL),
        ({"SSH_TTY": "/dev/pts/1"}, UiOptions(), REMOTE),
        ({"SSH_CONNECTION": "1 2 3 4"}, UiOptions(), REMOTE),
        ({"SSH_CONNECTION": "1 2 3 4"}, UiOptions(remote=False), LOCAL),
        ({}, UiOptions(remote=True), REMOTE),
        ({}, UiOptions(low_bandwidth=True), LOW),
    ],
)
def test_rate(env, options, rate):
    assert Terminal.of(options, env).rate == rate


@pytest.mark.parametrize(
    ("env", "ascii_only"),
    [
        (UTF8, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
        ({"TMUX": "x"}, True),
        (UTF8 | {"TERM": "linux"}, True),
        (UTF8 | {"TERM": "dumb"}, True),
        ({}, False),
    ],
)
def test_ascii(env, ascii_only):
    assert is_ascii(env) is ascii_only


def test_colour():
    assert not Terminal.of(UiOptions(), {"NO_COLOR": "1"}).colour
    assert Terminal.of(UiOptions(colour=True), {"NO_COLOR": "1"}).colour


def test_clipboard_sequence():
    plain = osc52("ä [x]", tmux=False)
    assert plain.startswith("\x1b]52;c;")
    assert base64.b64decode(plain[7:-1]).decode() == "ä [x]"
    wrapped = osc52("x", tmux=True)
    assert "\x1bPtmux;\x1b\x1b]52" in wrapped
    assert wrapped.endswith("\x1b\\")


def test_copy_without_a_place_to_write(live, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "could not be written" in copy(live(), "text", blocked)
    assert copy(live(), "", tmp_path) == "nothing here to copy"


class Update:
    """What Textual hands over: rows of strips by their left edge, and the spans that changed."""

    chop_ends = ([5, 20],)

    def __init__(self, *spans):
        self.chops = ({0: Strip([Segment("left ")]), 5: Strip([Segment("abcdefghijklmno")])},)
        self.spans = list(spans)


def test_only_the_span_is_sent():
    console = Console()
    assert render_spans(Update((0, 8, 11)), console) == "\x1b[1;9Hdef"
    assert render_spans(Update((0, 3, 7)), console) == "\x1b[1;4Ht \x1b[1;6Hab"
    assert render_spans(Update((0, 0, 20)), console) == "\x1b[1;1Hleft \x1b[1;6Habcdefghijklmno"
