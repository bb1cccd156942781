"""Copying over SSH: the terminal is asked, and a file is written for where it does not listen."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.ui.app import LoratuiApp

LIMIT = 74_994  # bytes of text; longer sequences are dropped whole by common terminals


def osc52(text: str, tmux: bool) -> str:
    """The sequence that puts `text` on the clipboard, wrapped for tmux where it is between."""
    data = text.encode("utf-8", "replace")[:LIMIT]
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\a"
    if tmux:
        # tmux hands the doubled escape on where passthrough is allowed and otherwise drops it;
        # the plain one beside it serves where tmux keeps the clipboard itself (set-clipboard).
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{escaped}\x1b\\"
    return sequence


def state_folder(given: Path | None) -> Path:
    """Where the file goes: as given, `LORATUI_STATE`, or the XDG state folder."""
    if given is not None:
        return given
    if stated := os.environ.get("LORATUI_STATE"):
        return Path(stated)
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "loratui"


def copy(app: LoratuiApp, text: str, folder: Path | None) -> str:
    """Copy `text` both ways; the sentence that says what was done."""
    if not text:
        return "nothing here to copy"
    if app._driver is not None:
        app._driver.write(osc52(text, "TMUX" in os.environ))
        app._driver.flush()
    target = state_folder(folder) / "copied.txt"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        return f"sent to the terminal's clipboard; {target} could not be written: {error.strerror}"
    return f"copied: sent to the terminal's clipboard, and written to {target}"
