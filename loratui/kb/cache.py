"""A knowledge base that was read before, kept under the digest of its files.

The file is a pickle, but nothing in it is trusted: only the classes of the knowledge base can be
made from it, and whatever else is wrong with it means that the files are read anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

from loratui.kb.base import KnowledgeBase

_KEPT = 4
"""Bases that are kept: with and without an overlay, of this version and the last."""

_HOMES = ("loratui.kb.schema", "loratui.kb.base")


class _Entries(pickle.Unpickler):
    """Makes entries of the knowledge base and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _HOMES and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a knowledge base")


def recall(folder: Path, digest: str) -> KnowledgeBase | None:
    """The base of this digest; None when there is none, or none that can be read."""
    try:
        content = _file(folder, digest).read_bytes()
        found = _Entries(io.BytesIO(content)).load()
    except Exception:  # whatever a damaged file does: the files themselves are still there
        return None
    return found if type(found) is KnowledgeBase else None


def keep(folder: Path, digest: str, base: KnowledgeBase) -> None:
    """Write the base for the next start; where that cannot be done, nothing is lost."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _file(folder, digest)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(pickle.dumps(base, protocol=5))
        fresh.replace(path)
        older = sorted(folder.glob("knowledge-*"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in older[_KEPT:]:
            old.unlink()


def _file(folder: Path, digest: str) -> Path:
    return folder / f"knowledge-{digest}"
