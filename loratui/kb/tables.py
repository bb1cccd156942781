"""Tables as rows of text of a given width; too narrow for columns, each row becomes a list."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.plain import cells as cell_len

_GAP = 2
_LEAST = 8
"""Cells of a column under which words are torn apart."""


def fold(text: str, width: int) -> list[str]:
    """`text` broken at blanks into rows of at most `width` cells."""
    rows: list[str] = []
    row = ""
    for word in text.split():
        candidate = f"{row} {word}" if row else word
        if cell_len(candidate) <= width:
            row = candidate
            continue
        if row:
            rows.append(row)
        *full, row = _torn(word, max(width, 1))
        rows += full
    return [*rows, row] if row or not rows else rows


def _torn(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells."""
    pieces = [""]
    for char in word:
        if pieces[-1] and cell_len(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def drawn(rows: Sequence[Sequence[str]], width: int) -> list[tuple[str, bool]]:
    """The lines of a table, each with whether it belongs to the heading (its first row)."""
    if not rows:
        return []
    columns = len(rows[0])
    widths = _widths(rows, columns, width)
    if widths is None:
        return _stacked(rows, width)
    lines: list[tuple[str, bool]] = []
    for at, row in enumerate(rows):
        cells = [fold(cell, wide) for cell, wide in zip(row, widths, strict=True)]
        for line in range(max(len(cell) for cell in cells)):
            parts = [cell[line] if line < len(cell) else "" for cell in cells]
            padded = [
                part + " " * (wide - cell_len(part))
                for part, wide in zip(parts, widths, strict=True)
            ]
            lines.append(((" " * _GAP).join(padded).rstrip(), at == 0))
    return lines


def _widths(rows: Sequence[Sequence[str]], columns: int, width: int) -> list[int] | None:
    """The width of each column; None when they do not fit beside each other."""
    room = width - _GAP * (columns - 1)
    natural = [max(cell_len(row[at]) for row in rows) for at in range(columns)]
    if sum(natural) <= room:
        return natural
    least = [
        min(natural[at], max(_LEAST, *(cell_len(w) for row in rows for w in row[at].split()), 1))
        for at in range(columns)
    ]
    if sum(least) > room:
        return None
    # What is left after the least goes to the columns in turn of what they would still need.
    widths, left = list(least), room - sum(least)
    wanting = sorted(range(columns), key=lambda at: natural[at] - least[at])
    for turn, at in enumerate(wanting):
        share = left // (columns - turn)
        more = min(natural[at] - least[at], share)
        widths[at] += more
        left -= more
    return widths


def _stacked(rows: Sequence[Sequence[str]], width: int) -> list[tuple[str, bool]]:
    heading, *others = rows
    lines: list[tuple[str, bool]] = []
    for row in others:
        if lines:
            lines.append(("", False))
        for at, (name, cell) in enumerate(zip(heading, row, strict=True)):
            if not cell:
                continue
            text = cell if at == 0 else f"{name}: {cell}"
            first, *more = fold(text, width if at == 0 else width - 4)
            lines.append((first if at == 0 else f"  {first}", at == 0))
            lines += [(f"    {line}" if at else line, at == 0) for line in more]
    return lines
