"""Messages that cross from one screen to another; the app routes them."""

from __future__ import annotations

from typing import Literal

from textual.message import Message

from loratui.core.findings import Finding


class OpenSymptom(Message):
    """Show the page of a symptom, with the finding that led to it when there is one."""

    def __init__(self, symptom_id: str, finding: Finding | None = None) -> None:
        super().__init__()
        self.symptom_id = symptom_id
        self.finding = finding


class Act(Message):
    """The user did something that the session has to know."""

    def __init__(self, kind: Literal["acknowledge"], target: str) -> None:
        super().__init__()
        self.kind = kind
        self.target = target


class Say(Message):
    """A sentence for the last line; it stays until the next key."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
