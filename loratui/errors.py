"""The one kind of error that is shown to users."""

from __future__ import annotations


class LoratuiError(Exception):
    """What happened, where, and what to do next.

    `title` is a few words, `message` says what and where (file, line, key), `hint` what to do.
    """

    def __init__(self, title: str, message: str, hint: str = "") -> None:
        super().__init__(f"{title}: {message}")
        self.title = title
        self.message = message
        self.hint = hint
