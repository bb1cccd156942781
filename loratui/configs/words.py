"""Words of a command, each with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 200_000
"""Characters that a variable may grow to."""

JOIN = "\x01"
"""Stands for a continued line inside a text, so that lines can still be counted."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word after expansion, as it was written, and its line."""

    text: str
    raw: str
    line: int


Command = list[Word]


def split(words: Sequence[Word]) -> Command:
    """Words of a variable outside quotes: split at blanks, each with its own line."""
    found: Command = []
    for word in words:
        for piece in re.finditer(rf"[^\s{JOIN}]+", word.text):
            before = word.text[: piece.start()]
            line = word.line + before.count("\n") + before.count(JOIN)
            found.append(Word(piece.group(), piece.group(), line))
    return found
