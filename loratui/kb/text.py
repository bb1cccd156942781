"""The knowledge base as plain text, for screens and for commands alike."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from loratui.kb.page import Block

_MARGIN = 10  # columns of the names of sections
_UNDER = ("patch", "caveat", "detail")  # roles that stand under the text of a fix
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ASCII = str.maketrans(
    {
        "▾": "v", "▸": ">", "●": "*", "·": "-", "○": "o", "→": "->", "←": "<-", "↑": "^", "↓": "v",
        "✔": "+", "✖": "x", "⚠": "!", "–": "-", "—": "-", "…": "...", "×": "x", "≥": ">=",
        "≤": "<=", "≈": "~", "±": "+-", "°": " ", "‘": "'", "’": "'", "“": '"', "”": '"', "│": "|", "─": "-",
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


def folded(text: str) -> str:
    """`text` for a terminal that shows ASCII only."""
    text = printable(text)
    if text.isascii():
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def render_blocks(blocks: Sequence[Block], width: int = 88) -> str:
    """A page as plain text; nothing is folded."""
    rows: list[str] = []
    for block in blocks:
        if block.label and rows:
            rows.append("")
        head = "" if block.role in ("title", "note") else block.label.ljust(_MARGIN)
        if head or block.mark:
            head += block.mark.ljust(2) if block.mark or block.role in _UNDER else ""
        text = printable(block.text) + (f"  ({block.aside})" if block.aside else "")
        under = " " * len(head)
        rows += textwrap.wrap(
            text, width, initial_indent=head, subsequent_indent=under, break_on_hyphens=False
        ) or [head.rstrip()]
        if block.role == "title":
            rows.append("")
    return "\n".join(rows).rstrip() + "\n"
