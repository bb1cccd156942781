"""A bar of block characters."""

from __future__ import annotations

_PARTS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int) -> str:
    """A bar of `width` cells, `share` of it filled in eighths of a cell."""
    whole, rest = divmod(round(max(0.0, min(share, 1.0)) * width * 8), 8)
    text = "█" * whole + (_PARTS[rest] if rest else "")
    return text + "░" * (width - len(text))
