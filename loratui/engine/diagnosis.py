"""Reads a finished log once, from begin to end, with the very parts that watch a live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loratui.core.clock import Clock, SystemClock
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.session import Session
from loratui.errors import LoratuiError
from loratui.sources.base import Source
from loratui.sources.tail import Tail, check_readable

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase

_LOGS = ("console.log", "log.txt", "train.log", "training.log", "nohup.out", "output.log")


def log_in(path: Path) -> Path:
    """The log to read at `path`: the file itself, or the newest that a run folder holds."""
    if not path.is_dir():
        check_readable(path)
        return path
    try:
        names = sorted(path.iterdir())
    except OSError as error:
        raise LoratuiError(
            "Not readable", f"{path}: {error.strerror or error}.", "Check its permissions."
        ) from None
    logs = [p for p in names if p.is_file() and (p.suffix in (".log", ".out") or p.name in _LOGS)]
    if not logs:
        raise LoratuiError(
            "No log found",
            f"{path} holds no .log file, log.txt or nohup.out.",
            "Name the file that the trainer's output goes to, or pipe it: TRAINER 2>&1 | loratui "
            "watch -",
        )
    named = [p for p in logs if p.name in _LOGS]
    best = max(named or logs, key=lambda p: p.stat().st_mtime)
    check_readable(best)
    return best


def diagnose(
    path: Path, kb: KnowledgeBase, *, clock: Clock | None = None, shown: str = ""
) -> SessionSnapshot:
    """Everything that can be said of the log at `path` (a file or a run folder)."""
    clock = clock or SystemClock()
    log = log_in(path)
    return read_all(Tail(log, clock), kb, clock=clock, path=shown or str(log))


def read_all(
    source: Source, kb: KnowledgeBase, *, clock: Clock | None = None, path: str = ""
) -> SessionSnapshot:
    """Read `source` until nothing more comes, and publish once."""
    session = Session(source, lambda _: kb, path=path, clock=clock)
    session.prepare()
    session.drain()
    source.close()
    return session.latest()
