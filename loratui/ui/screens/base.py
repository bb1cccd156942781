"""What every screen of a run has in common: a first line, a last line, and how it is told news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from loratui.core.snapshot import SessionSnapshot
from loratui.ui.bridge import SECTIONS
from loratui.ui.widgets.frame import FooterLine, TopLine

if TYPE_CHECKING:
    from loratui.ui.app import LoratuiApp


class RunScreen(Screen[None]):
    """A screen of the app; a subclass yields what stands between the two lines in `body`."""

    SCOPE: ClassVar[str] = ""
    """The screen's name in the table of keys."""

    PURPOSE: ClassVar[str] = ""
    """One sentence for the help overlay."""

    def compose(self) -> ComposeResult:
        top = TopLine(self.SCOPE)
        self._name_run(top, self.owner.snapshot)
        yield top
        yield from self.body()
        yield FooterLine(self.SCOPE)

    @property
    def owner(self) -> LoratuiApp:
        """The app with its own type: `options`, `terminal`, `snapshot`, `feed`."""
        return cast("LoratuiApp", self.app)

    # -- for a subclass ------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The widgets between first and last line."""
        return ()

    def show_snapshot(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        """Called with the newest snapshot and the names of its fields that changed.

        A screen that comes to the front is called with every name.
        """

    def help_for(self) -> tuple[str, str]:
        """Title and explanation of the pane that has the focus."""
        return self.SCOPE.capitalize(), self.PURPOSE

    def copied(self) -> str:
        """The text that `y` copies, or nothing."""
        return ""

    # -- for the app ---------------------------------------------------------------------------

    def receive(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        """Pass news on to the first line and to the screen."""
        if "facts" in changed or "path" in changed:
            self._name_run(self.query_one(TopLine), snapshot)
        self.show_snapshot(snapshot, changed)

    def _name_run(self, top: TopLine, snapshot: SessionSnapshot) -> None:
        top.show_run(snapshot.facts, self.owner.options.title or snapshot.path)

    def say(self, text: str) -> None:
        """A sentence in the last line, until the next key."""
        self.query_one(FooterLine).say(text)

    def on_screen_resume(self, _: events.ScreenResume) -> None:
        self.receive(self.owner.snapshot, SECTIONS)
