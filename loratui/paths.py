"""Where things are: the user's state folder and what the package ships."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).parent


def state_folder() -> Path:
    """Where sessions, recordings and copied texts are kept; not made here.

    `LORATUI_STATE` first (on rented machines the home folder is wiped), then the XDG folder.
    """
    named = os.environ.get("LORATUI_STATE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".local" / "state") / "loratui"


def cache_folder() -> Path:
    """Where things are kept that can be made again at any time; not made here."""
    if os.environ.get("LORATUI_STATE"):
        return state_folder() / "cache"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "loratui"


def overlay_folder() -> Path | None:
    """The user's own additions to the knowledge base, if there are any."""
    named = os.environ.get("LORATUI_KNOWLEDGE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME")
    above = Path(base).expanduser() if base else Path.home() / ".config"
    folder = above / "loratui" / "knowledge"
    return folder if folder.is_dir() else None


def recordings() -> Path:
    """The recorded runs that ship with the package."""
    return PACKAGE / "recordings"
