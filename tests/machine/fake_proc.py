"""A `/proc` of files, to see processes that cannot be started here."""

from __future__ import annotations

import os
from pathlib import Path

HOST = "pid:[4026531836]"
BOOT = 1_700_000_000


class FakeProc:
    """Lays processes out below `root`; descriptors are links, so that real files can be named."""

    def __init__(self, root: Path, *, numbers: str = HOST, own: int = 1) -> None:
        self.root = root
        self.proc = root / "proc"
        (self.proc / str(own) / "ns").mkdir(parents=True)
        (self.proc / "self").symlink_to(str(own))
        self._link(self.proc / str(own) / "ns/pid", numbers)
        self._link(self.proc / str(own) / "ns/mnt", "mnt:[1]")
        (self.proc / "stat").write_text(f"cpu 1 2 3\nbtime {BOOT}\n")
        self.add(own, ["/sbin/init"], parent=0)

    def add(
        self,
        pid: int,
        command: list[str],
        *,
        parent: int = 1,
        started: float = 0.0,
        folder: Path | str | None = None,
        files: dict[int, object] | None = None,
        writes: tuple[int, ...] = (),
        terminals: dict[int, int] | None = None,
        environment: dict[str, str] | None = None,
        group: str = "",
        mount: str = "mnt:[1]",
        name: str = "python",
        state: str = "S",
        uid: int = 0,
    ) -> int:
        """`files` None is a process of somebody else."""
        home = self.proc / str(pid)
        home.mkdir(exist_ok=True)
        (home / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in command))
        ticks = int(started * os.sysconf("SC_CLK_TCK"))
        rest = " ".join(["0"] * 17)
        (home / "stat").write_text(f"{pid} ({name}) {state} {parent} {rest} {ticks} 0 0\n")
        (home / "status").write_text(f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        (home / "cgroup").write_text(group)
        (home / "ns").mkdir(exist_ok=True)
        if not os.path.lexists(home / "ns/mnt"):
            self._link(home / "ns/mnt", mount)
        if folder is not None:
            self._link(home / "cwd", folder)
        if environment is not None:
            rows = [f"{key}={value}".encode() + b"\0" for key, value in environment.items()]
            (home / "environ").write_bytes(b"".join(rows))
        if files is not None:
            (home / "fd").mkdir()
            (home / "fdinfo").mkdir()
            for fd, target in files.items():
                self._link(home / "fd" / str(fd), target)
                flags = "0100001" if fd in writes or fd in (1, 2) else "0100000"
                tty = (terminals or {}).get(fd)
                more = "" if tty is None else f"tty-index:\t{tty}\n"
                (home / "fdinfo" / str(fd)).write_text(f"pos:\t0\nflags:\t{flags}\n{more}")
        return pid

    @staticmethod
    def _link(path: Path, target: object) -> None:
        os.symlink(str(target), path)
