"""The knowledge base: symptoms, findings, error texts, checklists, options and where each is from.

Importing this package loads neither pydantic nor YAML, and neither does `load` where the same
files were read before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase, Problem

__all__ = ["lint", "load"]


def load(
    overlay: Path | None = None,
    between: Callable[[], None] | None = None,
    cache: Path | None = None,
) -> KnowledgeBase:
    """The packaged knowledge base, with the files of the folder `overlay` put over it.

    A file that cannot be used is left out and named in `problems`; nothing is raised for it.
    `between` is called after each file, for a caller that shares its process with a screen.
    `cache` is a folder for what was read, by the content of the files.
    """
    from loratui.kb import files
    from loratui.kb.cache import keep, recall

    found = files.read_folder(files.packaged(), "", between)
    if overlay is not None:
        found += files.read_folder(overlay, f"{overlay}/", between)
    digest = files.digest(found)
    known = recall(cache, digest) if cache is not None else None
    if known is not None:
        return known
    from loratui.kb.loader import parse

    base, places = parse(found, between)
    if overlay is not None:
        from loratui.kb.linting import overlay_problems

        base = overlay_problems(base, places, f"{overlay}/")
    if cache is not None:
        keep(cache, digest, base)
    return base


def lint(overlay: Path | None = None) -> list[Problem]:
    """Everything that is wrong with the knowledge base: form, links, ids, sources, options."""
    from loratui.kb import files
    from loratui.kb.linting import check, check_options
    from loratui.kb.loader import parse, trainer_keys

    found = files.read_folder(files.packaged())
    if overlay is not None:
        found += files.read_folder(overlay, f"{overlay}/")
    base, places = parse(found)
    trainers, broken = trainer_keys(overlay)
    return [*check(base, places), *broken, *check_options(base, trainers, places)]
