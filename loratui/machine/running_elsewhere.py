"""Processes of this box where there is no ``/proc``: what psutil tells on macOS and Windows."""

from __future__ import annotations

import os
from typing import Any

from loratui.core.running import VARIABLES, Process


class OtherProcesses:
    """What psutil tells on macOS and Windows: no pipes, no descriptors of others, no terminals."""

    def pids(self) -> list[int]:
        import psutil

        return [int(pid) for pid in psutil.pids()]

    def own(self) -> frozenset[int]:
        return frozenset((os.getpid(), *self.above(os.getpid())))

    def command(self, pid: int) -> tuple[str, ...]:
        return tuple(str(word) for word in _told(pid, "cmdline", ()))

    def process(self, pid: int) -> Process | None:
        started = _told(pid, "create_time", None)
        if started is None:
            return None
        environment = _told(pid, "environ", {})
        return Process(
            pid=pid,
            command=self.command(pid),
            parent=int(_told(pid, "ppid", 0) or 0),
            started=float(started),
            user=str(_told(pid, "username", "")),
            folder=str(_told(pid, "cwd", "")),
            files=self.files(pid),
            environment={name: environment[name] for name in VARIABLES & environment.keys()},
            over=_told(pid, "status", "") in ("zombie", "dead"),
        )

    def above(self, pid: int) -> tuple[int, ...]:
        return tuple(int(parent.pid) for parent in _told(pid, "parents", ()))

    def files(self, pid: int) -> dict[int, str] | None:
        opened = _told(pid, "open_files", None)
        return None if opened is None else {int(file.fd): str(file.path) for file in opened}

    def target(self, pid: int, fd: int) -> str:
        return (self.files(pid) or {}).get(fd, "")

    def identity(self, pid: int, fd: int) -> os.stat_result | None:
        return None

    def door(self, pid: int, fd: int) -> str:
        return ""

    def writes(self, pid: int, fd: int) -> bool:
        return True

    def terminal(self, pid: int, fd: int) -> int | None:
        return None

    def group(self, pid: int) -> str:
        return ""

    def namespace(self, pid: int) -> str:
        return ""

    def path(self, pid: int, text: str) -> str:
        return text

    def numbers_are_real(self) -> bool:
        return True


def _told(pid: int, name: str, otherwise: Any) -> Any:
    """One of psutil's answers about a process, or `otherwise`."""
    import psutil

    try:
        found = getattr(psutil.Process(pid), name)()
    except (psutil.Error, OSError, ValueError, AttributeError, RuntimeError):
        return otherwise
    return otherwise if found is None else found
