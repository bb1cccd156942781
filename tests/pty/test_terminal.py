"""What only a real terminal shows: start, keys, growth, bytes, signals, sizes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.benchmarks.logs import bar
from tests.pty.terminal import Terminal
from tests.runs import log

LORATUI = [sys.executable, "-m", "loratui"]


@pytest.fixture
def growing(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_text("".join(bar(step, 4000, 0.12) for step in range(1, 600)), encoding="utf-8")
    return path


def watch(path: Path, tmp_path: Path, **more: int) -> Terminal:
    env = {"LORATUI_STATE": str(tmp_path / "state"), "LC_ALL": "C.UTF-8"}
    return Terminal([*LORATUI, "watch", str(path)], env=env, **more)


def test_a_line_that_is_written_appears(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for(r"\b599\b")
        with growing.open("a", encoding="utf-8") as file:
            file.write(bar(777, 4000, 0.31))
        app.wait_for(r"\b777\b.*0\.31")
        app.send("q")
        assert app.wait() == 0


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 48), (250, 60), (60, 16)])
def test_sizes(growing: Path, tmp_path: Path, columns: int, rows: int) -> None:
    with watch(growing, tmp_path, columns=columns, rows=rows) as app:
        app.wait_for(r"\b599\b")
        app.wait_for(r"[▁▂▃▄▅▆▇█]{3}")
        assert max(map(len, app.screen().splitlines())) <= columns


def test_too_small_is_said(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path, columns=40, rows=10) as app:
        app.wait_for("60x16")
        app.resize(100, 30)
        app.wait_for(r"\b599\b")


def test_keys_lead_through_all_screens(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for(r"\b599\b")
        app.send("2")
        app.wait_for("What do you see")
        app.send("5")
        app.wait_for(r"(?i)driver|no nvidia")
        app.send("1")
        app.wait_for("Findings")
        app.send("?")
        app.wait_for(r"(?i)help")
        app.send("q")
        app.send("/")
        app.wait_for("pasted error")


def test_not_one_byte_when_nothing_changes(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for("nothing wrong so far")
        app.run_for(3.0)
        before = app.written
        app.run_for(4.0)
        assert app.written == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_a_clean_terminal(
    growing: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for(r"\b599\b")
        app.signal(number)
        assert app.wait() == 128 + number
        # left the alternate screen, shows the cursor, tracks no mouse
        assert b"\x1b[?1049l" in app.raw
        assert app.raw.rfind(b"\x1b[?25h") > app.raw.rfind(b"\x1b[?25l")
        assert app.raw.rfind(b"\x1b[?1000l") > app.raw.rfind(b"\x1b[?1000h")


def test_deleted_while_watched(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for("nothing wrong so far")
        growing.unlink()
        app.wait_for(r"deleted")
        growing.write_text(bar(5, 90, 0.2), encoding="utf-8")
        app.wait_for(r"\b5 / 90\b")


def test_hostile_log_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "[link=x] \x1b[31m.log"
    path.write_text("[/foo] [bold]x \x1b[2J\x1b]0;owned\x07 \u202e \x9b31m tail\n" * 5)
    with watch(path, tmp_path) as app:
        app.wait_for(r"\[/foo\] \[bold\]x")
        assert b"owned" not in app.raw
        app.send("q")
        assert app.wait() == 0


@pytest.mark.parametrize("there", [True, False])
def test_a_name_with_escapes_is_shown_and_not_obeyed(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "\x1b[31mred.log"
    if there:
        path.write_text("hello\n")
    with Terminal([*LORATUI, "diagnose", str(path)], columns=250) as app:
        assert app.wait() == (0 if there else 2)
        assert "red.log" in app.screen()
        assert b"\x1b[31m" not in app.raw


def test_the_palette_has_no_emoji(growing: Path, tmp_path: Path) -> None:
    with watch(growing, tmp_path) as app:
        app.wait_for(r"\b599\b")
        app.send(":")
        app.wait_for("Search for commands")
        assert "\U0001f50e" not in app.screen()


def test_plain_is_ascii(growing: Path, tmp_path: Path) -> None:
    command = [*LORATUI, "--plain", "watch", str(growing)]
    with Terminal(command, env={"LORATUI_STATE": str(tmp_path)}) as app:
        app.wait_for(r"\b599\b")
        app.wait_for("nothing wrong so far")
        assert app.screen().isascii()


def test_a_pipe_is_watched_and_the_keyboard_still_works(tmp_path: Path) -> None:
    source = log("diffusers/db-crash-bad-image")
    command = ["bash", "-c", f'cat "{source}" | "{sys.executable}" -m loratui watch -']
    with Terminal(command, env={"LORATUI_STATE": str(tmp_path), "LC_ALL": "C.UTF-8"}) as app:
        app.wait_for("robot_04")
        app.send("q")
        assert app.wait() == 0


def test_the_demo_shows_what_is_wrong(tmp_path: Path) -> None:
    command = [*LORATUI, "demo", "--speed", "50"]
    with Terminal(command, env={"LORATUI_STATE": str(tmp_path), "LC_ALL": "C.UTF-8"}) as app:
        app.wait_for("Loss is NaN")
        app.wait_for("simulated")
        app.send("\r")
        app.wait_for("Stop now")
        app.wait_for("train.lr")
