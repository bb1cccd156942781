"""What the user writes down on this screen: fixes tried, ticks, bookmarks, and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from loratui.core.advice import Fix
from loratui.engine.notebook import Notebook
from loratui.kb.pages.symptom import copied as fix_text


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


@dataclass(frozen=True)
class Place:
    """Where the user is: the page at the cursor, the questions opened, the answers given."""

    page: str = ""
    opened: Sequence[str] = ()
    way: Sequence[str] = ()

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Place:
        """A place as it was written down; what is none of these types is left out."""
        page = written.get("page")
        return cls(
            page if isinstance(page, str) else "",
            _texts(written.get("opened")),
            _texts(written.get("way")),
        )

    def written(self) -> dict[str, Any]:
        """The place as JSON values."""
        return {"page": self.page, "opened": list(self.opened), "way": list(self.way)}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


@dataclass(frozen=True)
class Notes:
    """Notes on one page, kept for one run. Each change says what was done."""

    book: Notebook
    run: str
    page: str

    def tried(self, fix: str) -> tuple[bool, str]:
        """Mark a fix as tried, or take the mark back; whether it is marked now."""
        marked = any((t.symptom, t.fix, t.run) == (self.page, fix, self.run)
                     for t in self.book.trials)  # fmt: skip
        if marked:
            self.book.forget_fix(self.page, fix, self.run)
            return False, self.book.problem or "no longer marked as tried"
        self.book.try_fix(self.page, fix, self.run)
        said = "marked as tried; the next run shows whether the finding is gone"
        return True, self.book.problem or said

    def note(self, fix: str, text: str) -> None:
        """Put a note to a fix that is marked as tried."""
        if text:
            self.book.try_fix(self.page, fix, self.run, text)

    def tick(self, item: str) -> str:
        """Tick an item of the list that is shown, or take the tick away; what went wrong."""
        self.book.tick(self.run, f"{self.page}/{item}")
        return self.book.problem

    def hold(self, item: str) -> None:
        """A step of a protocol (``LIST/ITEM``) holds."""
        if item not in self.book.ticked(self.run):
            self.book.tick(self.run, item)

    def bookmark(self) -> str:
        """Mark the page, or take the mark away."""
        marked = self.book.bookmark(self.page)
        text = "bookmarked; it stands above the tree" if marked else "no longer bookmarked"
        return self.book.problem or text


def fix_of(target: str) -> str:
    """The fix that an item of a page belongs to, or nothing."""
    kind, _, name = target.partition(":")
    return name.split(":")[0] if kind in ("fix", "command") else ""


def copied(fixes: Sequence[Fix], target: str) -> str:
    """The fix at `target` as text, or the one command; nothing when there is none."""
    _, _, name = target.partition(":")
    wanted, _, at = name.partition(":")
    for fix in fixes:
        if fix.id == wanted:
            return fix.commands[int(at)] if at else fix_text(fix)
    return ""
