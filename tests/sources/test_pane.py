"""A tmux pane read as a log: only what is new, bars as redraws."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Batch, SourceChange
from loratui.sources.pane import PaneLog, news, tmux


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([], ["a", "b"], "a\nb"),
        (["a", "b"], ["a", "b"], ""),
        (["a", "b"], ["a", "b", "c"], "\nc"),
        (["a", "bar 1"], ["a", "bar 2"], "\rbar 2"),
        (["a", "bar 1"], ["a", "bar 2", "b", "bar 3"], "\rbar 2\nb\nbar 3"),
        (["a", "b", "c", "d"], ["b", "c", "d", "e"], "\ne"),
        (["a", "b"], ["x", "y"], "\nx\ny"),
        (["a", "b"], [], ""),
        (["bar 1"], ["bar 2"], "\rbar 2"),
        (["p", "a", "a", "b 1"], ["a", "a", "b 2"], "\rb 2"),
    ],
)
def test_what_is_new(before: list[str], now: list[str], said: str) -> None:
    assert news(before, now) == said


def test_looks_once_a_second_and_tells_when_it_is_gone() -> None:
    clock = ManualClock(0.0)
    shown = iter(["one\nbar 1\n", "one\nbar 2\n", None, None, "one\nbar 3\n"])
    log = PaneLog("pane", lambda _: next(shown), clock)
    (first,) = log.poll()
    assert isinstance(first, Batch)
    assert not first.fresh
    assert first.data == b"one\nbar 1"
    assert log.poll() == []
    clock.advance(1.0)
    (second,) = log.poll()
    assert isinstance(second, Batch)
    assert second.fresh
    assert (second.data, second.offset) == (b"\rbar 2", len(first.data))
    clock.advance(1.0)
    (gone,) = log.poll()
    assert isinstance(gone, SourceChange)
    assert gone.kind == "gone"
    clock.advance(1.0)
    assert log.poll() == []
    clock.advance(1.0)
    back, third = log.poll()
    assert isinstance(back, SourceChange)
    assert back.kind == "back"
    assert isinstance(third, Batch)
    assert third.data == b"\rbar 3"


def test_no_tmux_is_no_crash() -> None:
    assert tmux("%99999", "/nonexistent/socket")(10) is None


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not here")
def test_a_real_pane(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    text = tmp_path / "text"
    text.write_text("hello [/foo]\n")
    base = ["tmux", "-S", socket, "-f", "/dev/null"]
    command = f"cat {text}; exec cat"
    subprocess.run([*base, "new-session", "-d", "-x", "80", "-y", "24", command], check=True)
    try:
        pane = subprocess.run(
            [*base, "list-panes", "-a", "-F", "#{pane_id}"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        capture = tmux(pane, socket)
        for _ in range(200):  # the shell in it starts in its own time
            said = capture(100)
            if said and "hello" in said:
                break
            subprocess.run([*base, "run-shell", "true"], check=True)
        assert said is not None
        assert "hello [/foo]" in said
    finally:
        subprocess.run([*base, "kill-server"], check=False)
