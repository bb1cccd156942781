"""Text that a terminal can show and never obeys."""

from __future__ import annotations

import unicodedata

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ASCII = str.maketrans(
    {
        "▾": "v", "▸": ">", "●": "*", "·": "-", "○": "o", "→": "->", "←": "<-", "↑": "^", "↓": "v",
        "✔": "+", "✖": "x", "⚠": "!", "–": "-", "—": "-", "…": "...", "×": "x", "≥": ">=",
        "≤": "<=", "≈": "~", "±": "+-", "°": "", "‘": "'", "’": "'", "“": '"', "”": '"',
        "│": "|", "─": "-",
        "█": "#", "░": ".", "▏": ".", "▎": ".", "▍": ".", "▌": "#", "▋": "#", "▊": "#", "▉": "#",
        _REPLACED: "?", "\N{NO-BREAK SPACE}": " ",
    }
)  # fmt: skip


def printable(text: str) -> str:
    """`text` without anything that a terminal would obey instead of show."""
    if text.isprintable():
        return text
    return "".join(
        " " if char in "\t\n\r" else _REPLACED if unicodedata.category(char) in _OBEYED else char
        for char in text
    )


def cells(text: str) -> int:
    """How many cells a terminal gives to a text: wide signs take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def folded(text: str) -> str:
    """`text` for a terminal that shows ASCII only."""
    text = printable(text)
    if text.isascii():
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
