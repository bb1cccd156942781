"""The knowledge base: symptoms, findings, error texts, checklists, options and where each is from.

Importing this package loads neither pydantic nor YAML; `load` and `lint` do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase, Problem

__all__ = ["lint", "load"]


def load(overlay: Path | None = None, between: Callable[[], None] | None = None) -> KnowledgeBase:
    """The packaged knowledge base, with the files of `overlay` put over it.

    A file that cannot be used is left out and named in `problems`; nothing is raised for it.
    `between` is called after each file, for a caller that shares its process with a screen.
    """
    from loratui.kb.loader import load as read

    return read(overlay, between)


def lint(overlay: Path | None = None) -> list[Problem]:
    """Everything that is wrong with the knowledge base: form, links, ids, sources, options."""
    from loratui.kb.linting import check
    from loratui.kb.loader import load as read

    return check(read(overlay))
