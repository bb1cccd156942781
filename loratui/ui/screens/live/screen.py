"""Live: how the run is doing."""

from __future__ import annotations

from loratui.ui import keys
from loratui.ui.screens.base import RunScreen


class LiveScreen(RunScreen):
    """Status, chart, findings, checklist, GPUs and log of one run."""

    SCOPE = "live"
    PURPOSE = "Live shows how the run is doing and says what is going wrong."
    BINDINGS = [*keys.bindings("live")]
