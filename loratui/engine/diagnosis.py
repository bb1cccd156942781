"""Reads a finished log once, from begin to end, with the very parts that watch a live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loratui.core.clock import Clock, SystemClock
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.attach import look_at
from loratui.engine.configuration import Configuration
from loratui.engine.followers import opened
from loratui.engine.session import Session

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase


def diagnose(
    path: Path, kb: KnowledgeBase, *, clock: Clock | None = None, shown: str = ""
) -> SessionSnapshot:
    """Everything that can be said of the log at `path` (a file or a run folder)."""
    clock = clock or SystemClock()
    found = look_at(path)
    source, followers = opened(found, clock)
    session = Session(
        source,
        lambda _: kb,
        path=shown or found.name,
        clock=clock,
        followers=followers,
        configuration=Configuration(found.folder),
    )
    return read_all(session)


def read_all(session: Session) -> SessionSnapshot:
    """Read a session's source until nothing more comes, and publish once."""
    session.prepare()
    session.drain()
    session.source.close()
    return session.latest()
