"""Fixtures for screens: an app with a canned feed, and pictures compared with the kept ones."""

from __future__ import annotations

import warnings

import pytest
import textual

from loratui.ui.app import LoratuiApp
from loratui.ui.options import UiOptions

from . import fake_feed

BASELINE = "8.2.8"
"""The version of Textual that drew the kept pictures; another one may draw them otherwise."""


@pytest.fixture(autouse=True)
def _calm_terminal(monkeypatch, tmp_path):
    """What the environment of whoever runs the tests must not change."""
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LORATUI_STATE", str(tmp_path))


@pytest.fixture
def live(tmp_path):
    """Make an app that shows one of the canned states and looks at the feed only when told to."""

    def make(state="healthy", **options):
        canned = fake_feed.STATES[state]() if isinstance(state, str) else state
        feed = fake_feed.FakeFeed(canned)
        return LoratuiApp(feed, UiOptions(polling=False, state=tmp_path, **options))

    return make


@pytest.fixture
def looks_as_before(request):
    """Compare a picture of an app with the kept one: `looks_as_before(app, terminal_size=…)`."""
    if textual.__version__ != BASELINE:
        warnings.warn(
            f"pictures not compared: drawn by Textual {BASELINE}, this is {textual.__version__}",
            stacklevel=1,
        )
        pytest.skip(f"the kept pictures are of Textual {BASELINE}")
    return request.getfixturevalue("snap_compare")
