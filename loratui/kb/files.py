"""The files of a knowledge folder: which there are, what is in them, and one digest of all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from loratui import paths

SINGLE = (
    "sources", "terms", "states", "actions", "findings", "joins", "noise", "tree", "figures",
    "options", "gpus",
)  # fmt: skip
"""Files that stand alone."""

FOLDERS = ("symptoms", "checklists", "guides", "profiles", "messages")
"""Folders with one entry (or the texts of one finding) in each file."""

TRAINERS = "trainers"
"""Every key of every trainer: large, and read only by what needs it."""

_LONGEST = 5_000_000
"""Bytes of one file; more is not read at all."""


@dataclass(frozen=True)
class KnowledgeFile:
    """A file as bytes. `shown` names it to people; `fault` says why it could not be read."""

    kind: str
    stem: str
    shown: str
    content: bytes = b""
    fault: str = ""


def packaged() -> Path:
    """The packaged knowledge: in the wheel beside the code, in a checkout beside the package."""
    inside = paths.PACKAGE / "_knowledge"
    return inside if inside.is_dir() else paths.PACKAGE.parent / "knowledge"


def read_folder(
    root: Path, prefix: str = "", between: Callable[[], None] | None = None
) -> list[KnowledgeFile]:
    """All files below `root` that a knowledge base is made of, and those of no known kind."""
    if not root.is_dir():
        return [KnowledgeFile("", "", str(root), fault="is no folder")]
    found: list[KnowledgeFile] = []
    for kind, path, shown in _listed(root, prefix):
        if between is not None:
            between()
        found.append(_read(kind, path, shown))
    for path in sorted(root.glob("*.y*ml")):
        if path.stem not in SINGLE or path.suffix != ".yaml":
            found.append(KnowledgeFile("", path.stem, f"{prefix}{path.name}"))
    return found


def read_trainers(root: Path, prefix: str = "") -> list[KnowledgeFile]:
    """The files that list every key of a trainer."""
    return [
        _read(TRAINERS, path, f"{prefix}{TRAINERS}/{path.name}")
        for path in sorted((root / TRAINERS).glob("*.yaml"))
    ]


def digest(files: Iterable[KnowledgeFile]) -> str:
    """One number for the content of all files and for the code that gives it its meaning."""
    total = hashlib.blake2b(digest_size=16)
    here = Path(__file__).parent
    names = ("schema.py", "loader.py", "marked.py", "base.py")
    for path in (*(here / name for name in names), *sorted((here / "linting").glob("*.py"))):
        total.update(path.read_bytes())
    for file in files:
        for part in (file.shown.encode(), file.fault.encode(), file.content):
            total.update(len(part).to_bytes(8, "little"))
            total.update(part)
    return total.hexdigest()


def _listed(root: Path, prefix: str) -> Iterable[tuple[str, Path, str]]:
    for kind in SINGLE:
        path = root / f"{kind}.yaml"
        if path.is_file():
            yield kind, path, f"{prefix}{path.name}"
    for kind in FOLDERS:
        for path in sorted((root / kind).glob("*.yaml")):
            yield kind, path, f"{prefix}{kind}/{path.name}"


def _read(kind: str, path: Path, shown: str) -> KnowledgeFile:
    stem = path.stem.replace("_", "-")
    try:
        size = path.stat().st_size
        if size > _LONGEST:
            return KnowledgeFile(kind, stem, shown, fault=f"larger than {_LONGEST} bytes")
        return KnowledgeFile(kind, stem, shown, path.read_bytes())
    except OSError as error:
        return KnowledgeFile(kind, stem, shown, fault=error.strerror or str(error))
