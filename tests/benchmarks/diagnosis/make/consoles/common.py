"""What several trainers print alike."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable

LAUNCH = (
    "The following values were not passed to `accelerate launch` and had defaults used instead:\n"
    "\t`--num_processes` was set to a value of `1`\n"
    "\t`--num_machines` was set to a value of `1`\n"
    "\t`--dynamo_backend` was set to a value of `'no'`\n"
    "To avoid this warning pass in values for each of the problematic parameters or run "
    "`accelerate config`.\n"
)


def stamp(seconds: float, day: int = 21) -> str:
    """A wall clock: the run began at 06:08:09."""
    total = 6 * 3600 + 8 * 60 + 9 + int(seconds)
    days, rest = divmod(total, 86400)
    return f"2026-11-{day + days:02d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fold(text: str, width: int) -> list[str]:
    """Words on lines of at most `width` columns; a word that is longer is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if columns(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = ""
        for character in word:
            if columns(line + character) > width:
                lines.append(line)
                line = ""
            line += character
    return [*lines, line]


def rich(level: str, message: str, path: str, time: str = "") -> str:
    """A record of rich's handler at 80 columns: `file.py:line` at the right margin of the first
    line, the others indented by 29 blanks and padded."""
    width = 80 - 29 - len(path) - 1
    found = []
    for at, line in enumerate(piece for text in message.split("\n") for piece in fold(text, width)):
        pad = " " * (width - columns(line))
        if at:
            found.append(f"{'':29}{line}{pad}{'':{len(path) + 1}}\n")
        else:
            found.append(f"{time:<20}{level:<9}{line}{pad} {path}\n")
    return "".join(found)


def indented(lines: Iterable[str]) -> str:
    return textwrap.indent("\n".join(lines), "  ") + "\n"


def command(words: list[str]) -> str:
    """A command as a shell traces it with `set -x`."""
    return "+ " + " ".join(words) + "\n"
