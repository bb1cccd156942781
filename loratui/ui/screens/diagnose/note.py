"""The line for a note on a fix that was tried."""

from __future__ import annotations

from textual import on
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class NoteLine(Input):
    """One line of text about a fix; nothing need be written."""

    BINDINGS = [Binding("escape", "close", "No note", show=False)]

    class Done(Message):
        """The note is written; its text may be empty."""

        def __init__(self, fix: str, text: str) -> None:
            super().__init__()
            self.fix = fix
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="a note? enter keeps it, empty is fine", id=id, compact=True)
        self.cursor_blink = False  # a blinking cursor paints for ever
        self.fix = ""

    def ask(self, fix: str) -> None:
        """Begin a note on a fix."""
        self.fix = fix
        self.value = ""

    def action_close(self) -> None:
        self._done("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._done(self.value.strip())

    def _done(self, text: str) -> None:
        fix, self.fix = self.fix, ""
        if fix:
            self.post_message(self.Done(fix, text))
