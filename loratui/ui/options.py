"""What the command line decides about the screen before the app starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loratui.core.running import Discovered
    from loratui.engine.choices import Choice
    from loratui.engine.feed import Feed


@dataclass(frozen=True, slots=True)
class UiOptions:
    """How to draw, for whom, and where files may be written.

    `remote` and `colour` are None to be found out from the environment; `plain` is ASCII only.
    `begin` is the screen to begin with, `symptom` the page that Diagnose opens at.
    `knowledge` loads the knowledge base when a screen first needs it. `state` is the folder for
    what `y` copies; None is found out as well. `discover` finds the runs on this box, in a thread
    of its own, and `open_run` makes a feed of one of them.
    """

    remote: bool | None = None
    low_bandwidth: bool = False
    plain: bool | None = None
    colour: bool | None = None
    mouse: bool = True
    title: str = ""
    begin: str = "live"
    symptom: str = ""
    knowledge: Callable[[], Any] | None = None
    discover: Callable[[], Discovered] | None = None
    open_run: Callable[[Choice], Feed] | None = None
    state: Path | None = None
    polling: bool = True
