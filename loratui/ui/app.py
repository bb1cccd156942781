"""The app: screens on number keys, the keys that work everywhere, and who is told what."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import App, SystemCommand
from textual.message import Message
from textual.screen import Screen

from loratui.core.snapshot import SessionSnapshot
from loratui.engine.feed import Action, Feed
from loratui.errors import LoratuiError
from loratui.ui import keys
from loratui.ui.bridge import SECTIONS, Bridge
from loratui.ui.messages import Act, OpenSymptom, Say
from loratui.ui.options import UiOptions
from loratui.ui.painting import draw_scrollbars, tighten
from loratui.ui.screens.base import RunScreen
from loratui.ui.screens.live.screen import LiveScreen
from loratui.ui.terminal import Terminal, on_hangup

if TYPE_CHECKING:
    from loratui.engine.choices import Choice
    from loratui.engine.notebook import Notebook
    from loratui.ui.screens.diagnose.screen import DiagnoseScreen

__all__ = ["LoratuiApp", "UiOptions", "run"]

SMALLEST = (60, 16)
PATIENCE = 0.25  # seconds in which a key is answered before the log is read on


class LoratuiApp(App[None]):
    """Shows what `feed` tells; with no feed, the ways to begin."""

    TITLE = "loratui"
    DEFAULT_MODE = "live"
    CSS_PATH = ["screens/live/screen.tcss"]  # of the first screen: later, all would be parsed again
    BINDINGS = [*keys.bindings("app")]

    def __init__(self, feed: Feed | None = None, options: UiOptions | None = None) -> None:
        self.options = options or UiOptions()
        self.terminal = Terminal.of(self.options)
        if not self.terminal.colour:
            os.environ["NO_COLOR"] = "1"  # Textual takes it out again when it starts
        tighten()
        draw_scrollbars(self.terminal.ascii)
        super().__init__()
        self.animation_level = "none"
        self._too_small = False
        self.feed = feed
        self.snapshot = feed.latest() if feed is not None else SessionSnapshot()
        self.bridge = Bridge(feed, self.terminal.rate, self._deliver)
        self.add_mode("live", self._live)
        self.add_mode("diagnose", self._diagnose)
        self.add_mode("machine", self._machine)

    # -- screens -------------------------------------------------------------------------------

    def _live(self) -> Screen[Any]:
        return LiveScreen(self.size, self.terminal.ascii)

    def _diagnose(self) -> Screen[Any]:
        from loratui.ui.screens.diagnose.screen import DiagnoseScreen

        return DiagnoseScreen()

    def _machine(self) -> Screen[Any]:
        from loratui.ui.screens.machine.screen import MachineScreen

        return MachineScreen()

    @cached_property
    def notebook(self) -> Notebook:
        """Bookmarks, ticks, fixes tried; in memory alone where there is no state folder."""
        from loratui.engine.notebook import Notebook

        state = self.options.state
        return Notebook(state / "notebook.json" if state is not None else None)

    @property
    def base(self) -> RunScreen | None:
        """The screen under whatever overlays it."""
        stack = self.screen_stack
        return stack[0] if stack and isinstance(stack[0], RunScreen) else None

    async def action_show(self, name: str) -> None:
        """Go to a screen, closing whatever overlays the present one."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if name != self.current_mode:
            await self.switch_mode(name)

    # -- runs ----------------------------------------------------------------------------------

    class Looked(Message):
        """Somebody looked for the runs on this box; `asked` when the user wanted the list."""

        def __init__(
            self, listed: Sequence[Choice], left_out: Sequence[str], *, asked: bool
        ) -> None:
            super().__init__()
            self.listed = listed
            self.left_out = left_out
            self.asked = asked

    def look_for_runs(self, *, asked: bool) -> None:
        """Find the runs on this box in a thread: a mount or driver that hangs must not matter."""
        discover = self.options.discover
        if discover is None:
            return

        def look() -> None:
            from loratui.core.running import Discovered
            from loratui.engine.choices import choices, with_status

            try:
                found = discover()
            except Exception as error:
                found = Discovered(left_out=(f"{type(error).__name__}: {error}",))
            listed = choices(found, self.notebook.recent)
            if asked or len(listed) > 1:
                listed = with_status(listed)
            self.post_message(self.Looked(listed, found.left_out, asked=asked))

        threading.Thread(target=look, name="discovery", daemon=True).start()

    def on_loratui_app_looked(self, message: Looked) -> None:
        from loratui.engine.choices import first_to_watch

        listed = message.listed
        first = first_to_watch(listed)
        if first is not None and not message.asked and self.feed is None:
            self.attach(first)
            more = len(listed) - 1
            self.post_message(
                Say(f"watching {first.title}" + (f"; r lists {more} more" if more else ""))
            )
        elif listed or message.asked:
            from loratui.ui.screens.runs import RunList

            self.post_message(Say(""))
            self.push_screen(RunList(listed, message.left_out), self._chosen)
        else:
            self.post_message(Say("no training run was found on this box; r looks again"))

    def _chosen(self, choice: Choice | None) -> None:
        if choice is not None:
            self.attach(choice)

    def attach(self, choice: Choice) -> None:
        """Watch another run in place of the present one."""
        if self.options.open_run is None:
            return
        try:
            feed = self.options.open_run(choice)
        except LoratuiError as error:
            self.post_message(Say(f"{error.title}: {error.message} {error.hint}".strip()))
            return
        if choice.path:
            self.notebook.watched(choice.path)
        self.bridge.stop()
        if self.feed is not None:
            self.feed.stop()
        self.feed = feed
        self.options = replace(self.options, title="")
        feed.start()
        feed.read_history()
        self.bridge = Bridge(feed, self.terminal.rate, self._deliver)
        if self.options.polling:
            self.bridge.start()
        self._deliver(feed.latest(), SECTIONS)

    def action_runs(self) -> None:
        self.post_message(Say("looking for runs…"))
        self.look_for_runs(asked=True)

    # -- news ----------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        on_hangup(self._leave)
        if self.options.begin != "live":
            await self.action_show(self.options.begin)
        if self.options.symptom:
            cast("DiagnoseScreen", self.base).show_symptom(self.options.symptom)
        self.call_after_refresh(self._after_first_paint)

    def _after_first_paint(self) -> None:
        gc.freeze()  # what start-up made stays; collecting it again would stall the loop
        gc.enable()
        if self.feed is not None:
            self.feed.read_history()
            if self.options.polling:
                self.bridge.start()
        elif self.options.begin == "live":
            self.look_for_runs(asked=False)

    def on_resize(self, event: events.Resize) -> None:
        """Below the least size one message stands for everything."""
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        if small and not self._too_small:
            from loratui.ui.overlays import TooSmall

            self.push_screen(TooSmall(*SMALLEST))
        elif self._too_small and not small:
            self.pop_screen()
        self._too_small = small

    def _leave(self, code: int) -> None:
        self.exit(return_code=code)

    def on_unmount(self) -> None:
        self.bridge.stop()
        if self.feed is not None:
            self.feed.stop()

    def _deliver(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        self.snapshot = snapshot
        if (screen := self.base) is not None:
            screen.receive(snapshot, changed)

    def on_act(self, message: Act) -> None:
        if self.feed is not None:
            self.feed.send(Action(message.kind, message.target))

    async def on_open_symptom(self, message: OpenSymptom) -> None:
        await self.action_show("diagnose")
        cast("DiagnoseScreen", self.base).show_symptom(message.symptom_id, message.finding)

    def on_say(self, message: Say) -> None:
        if (screen := self.base) is not None:
            screen.say(message.text)

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, _: events.Key) -> None:
        if self.feed is not None:
            self.feed.give_way(PATIENCE)
        if (screen := self.base) is not None:
            screen.say("")

    async def action_back(self) -> None:
        """Close an overlay, else go back to Live, else quit."""
        if self._too_small:
            self.exit()
        elif len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != "live":
            await self.switch_mode("live")
        else:
            self.exit()

    async def action_search(self) -> None:
        await self.action_show("diagnose")
        cast("DiagnoseScreen", self.base).open_search()

    def action_help(self) -> None:
        from loratui.ui.overlays import help_sheet

        if (screen := self.base) is not None and len(self.screen_stack) == 1:
            self.push_screen(help_sheet(screen))

    def action_copy(self) -> None:
        from loratui.ui.clipboard import copy

        if (screen := self.base) is not None:
            screen.say(copy(self, screen.copied(), self.options.state))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette lists the keys of the present screen and of the app."""
        for key in keys.keys_of(self.current_mode, "app"):
            if key.id != "app.commands":
                yield SystemCommand(
                    key.help.rstrip("."), f"key {key.label}", self._doing(key.action)
                )

    def _doing(self, action: str) -> Any:
        return lambda: self.run_action(action, self.base)


def run(feed: Feed | None = None, options: UiOptions | None = None) -> int:
    """Show the app until it is left; the exit code."""
    gc.disable()  # until the first painting: start-up makes much and drops little
    app = LoratuiApp(feed, options)
    app.run(mouse=app.options.mouse)
    return app.return_code or 0
