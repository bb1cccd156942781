"""Which system this is, where that changes what a GPU's driver does."""

from __future__ import annotations

import platform
import sys


def system(name: str = sys.platform, release: str | None = None) -> str:
    """``linux``, ``wsl`` (Linux under Windows, with its driver), ``windows``, ``mac`` or empty."""
    if name == "win32":
        return "windows"
    if name == "darwin":
        return "mac"
    if not name.startswith("linux"):
        return ""
    kernel = platform.release() if release is None else release
    return "wsl" if "microsoft" in kernel.lower() else "linux"
