"""A terminal that goes away, or a process that is told to end: nothing is left behind."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

import pytest

pty = pytest.importorskip("pty")

PROGRAM = """
import pathlib, sys
from tests.ui.fake_feed import FakeFeed, diverging
from loratui.ui.app import run

class Feed(FakeFeed):
    def stop(self):
        pathlib.Path(sys.argv[1]).write_text("stopped")

raise SystemExit(run(Feed(diverging())))
"""


def read_until(master, wanted, seconds=20.0):
    """What the program wrote until `wanted` came, or it ended."""
    data, end = b"", time.monotonic() + seconds
    while wanted not in data and time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            data += chunk
    return data


@pytest.fixture
def running(tmp_path):
    """The app in a terminal of its own, painted once."""
    note = tmp_path / "note"
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="80", LINES="24")
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(note)])
    assert b"loss" in read_until(master, b"loss")
    read_until(master, b"\x1b[?2031h", 0.5)
    yield pid, master, note
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_terminated_leaves_a_clean_terminal(running):
    pid, master, note = running
    os.kill(pid, signal.SIGTERM)
    data = read_until(master, b"\x1b[?1049l")
    assert b"\x1b[?1049l" in data  # the other screen
    assert b"\x1b[?25h" in data + read_until(master, b"\x1b[?25h", 1)  # the cursor
    assert b"\x1b[?1003l" in data  # the mouse
    read_until(master, b"\0nothing", 0.5)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGTERM
    assert note.read_text() == "stopped"


def test_hangup_ends_the_program(running):
    pid, master, note = running
    os.close(master)
    end = time.monotonic() + 10
    done = 0
    while not done and time.monotonic() < end:
        done = os.waitpid(pid, os.WNOHANG)[0]
        select.select([], [], [], 0.02)
    assert done == pid
    assert note.read_text() == "stopped"
