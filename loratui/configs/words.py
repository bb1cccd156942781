"""Words of a command, each with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 200_000
"""Characters that a variable may grow to."""

ENOUGH = 20 * LONGEST
"""Characters that all variables of a script may be put in for."""

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
        line, begin = word.line, 0
        for piece in re.finditer(rf"[^\s{JOIN}]+", word.text):
            for sign in ("\n", JOIN):
                line += word.text.count(sign, begin, piece.start())
            begin = piece.start()
            found.append(Word(piece.group(), piece.group(), line))
    return found
