"""Processes of this box as values: read from ``/proc`` on Linux, through psutil elsewhere.

Nothing here raises for a process that is gone or not ours to see. Reading may hang: ``/proc``
waits for a process that is stuck in the kernel, and a file on a dead mount never answers.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Protocol

from loratui.core.running import VARIABLES, Process

_COMMAND = 1 << 16  # bytes of a command line that are read
_ENVIRONMENT = 1 << 18
_FILES = 4096  # descriptors of one process that are looked at
_GENERATIONS = 64
_LINKS = 40  # symbolic links that are followed in one path, as the kernel does
_FIRST_NUMBERS = "pid:[4026531836]"  # the host's own number space, the same on every Linux
_VALUE = 4096  # characters of a variable
_DELETED = " (deleted)"  # what the kernel puts behind a name that is gone


class Processes(Protocol):
    """What discovery asks of the system."""

    def pids(self) -> list[int]: ...

    def own(self) -> frozenset[int]:
        """This process and all above it."""
        ...

    def command(self, pid: int) -> tuple[str, ...]: ...

    def process(self, pid: int) -> Process | None:
        """All that is to be seen of a process; None when it is gone."""
        ...

    def above(self, pid: int) -> tuple[int, ...]:
        """Its parent, that one's parent and so on."""
        ...

    def files(self, pid: int) -> dict[int, str] | None:
        """What each descriptor is open on; None when that is not ours to see."""
        ...

    def target(self, pid: int, fd: int) -> str:
        """What a descriptor is open on; empty when that is not to be seen."""
        ...

    def identity(self, pid: int, fd: int) -> os.stat_result | None:
        """What a descriptor really is, whatever its name leads to by now. Touches the disk."""
        ...

    def door(self, pid: int, fd: int) -> str:
        """A path that opens the very file of a descriptor, deleted or not; empty without one."""
        ...

    def writes(self, pid: int, fd: int) -> bool: ...

    def terminal(self, pid: int, fd: int) -> int | None:
        """The number of the terminal whose other side the descriptor holds."""
        ...

    def group(self, pid: int) -> str:
        """The control group, which names the service or container."""
        ...

    def namespace(self, pid: int) -> str: ...

    def path(self, pid: int, text: str) -> str:
        """A path of the process as it can be opened from here."""
        ...

    def numbers_are_real(self) -> bool:
        """Whether process numbers that the GPU driver lists are surely those seen here."""
        ...


def processes() -> Processes:
    """The reader for this system."""
    if sys.platform.startswith("linux"):
        return LinuxProcesses()
    from loratui.machine.running_elsewhere import OtherProcesses

    return OtherProcesses()


class LinuxProcesses:
    """Reads ``/proc`` below `root`, so that tests can lay out one of their own."""

    def __init__(self, root: str | os.PathLike[str] = "/") -> None:
        self._proc = os.path.join(os.fspath(root), "proc")
        self._boot: float | None = None
        self._users: dict[int, str] = {}

    def pids(self) -> list[int]:
        try:
            return [int(name) for name in os.listdir(self._proc) if _is_number(name)]
        except OSError:
            return []

    def own(self) -> frozenset[int]:
        name = self._link("self")
        return frozenset((int(name), *self.above(int(name)))) if _is_number(name) else frozenset()

    def command(self, pid: int) -> tuple[str, ...]:
        data = self._bytes(f"{pid}/cmdline", _COMMAND).rstrip(b"\0")
        return tuple(os.fsdecode(word) for word in data.split(b"\0")) if data else ()

    def process(self, pid: int) -> Process | None:
        fields = self._stat(pid)
        if fields is None:
            return None
        files = self.files(pid)
        return Process(
            pid=pid,
            command=self.command(pid),
            parent=_whole(fields[1]),
            started=self._booted() + _whole(fields[19]) / _ticks(),
            user=self._user(pid),
            folder=self._folder(pid),
            files=files,
            environment=self._environment(pid),
            foreign=self.namespace(pid) not in ("", self._link("self/ns/mnt")),
            over=fields[0] in ("Z", "X"),
        )

    def above(self, pid: int) -> tuple[int, ...]:
        found: list[int] = []
        while len(found) < _GENERATIONS:
            fields = self._stat(pid)
            pid = 0 if fields is None else _whole(fields[1])
            if pid <= 0 or pid in found:
                break
            found.append(pid)
        return tuple(found)

    def files(self, pid: int) -> dict[int, str] | None:
        try:
            names = os.listdir(f"{self._proc}/{pid}/fd")
        except OSError:
            return None
        numbers = sorted(int(name) for name in names if _is_number(name))[:_FILES]
        return {number: self.target(pid, number) for number in numbers}

    def target(self, pid: int, fd: int) -> str:
        return self._link(f"{pid}/fd/{fd}")

    def identity(self, pid: int, fd: int) -> os.stat_result | None:
        try:
            return os.stat(f"{self._proc}/{pid}/fd/{fd}")
        except OSError:
            return None

    def door(self, pid: int, fd: int) -> str:
        return f"{self._proc}/{pid}/fd/{fd}"

    def writes(self, pid: int, fd: int) -> bool:
        flags = self._row(f"{pid}/fdinfo/{fd}", b"flags:")
        try:
            return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY
        except ValueError:
            return False

    def terminal(self, pid: int, fd: int) -> int | None:
        number = self._row(f"{pid}/fdinfo/{fd}", b"tty-index:")
        return int(number) if _is_number(number) else None

    def group(self, pid: int) -> str:
        return os.fsdecode(self._bytes(f"{pid}/cgroup", 1 << 14))

    def namespace(self, pid: int) -> str:
        return self._link(f"{pid}/ns/mnt")

    def path(self, pid: int, text: str) -> str:
        """Through ``/proc/PID/root`` where the process sees other files than this one does."""
        if self.namespace(pid) in ("", self._link("self/ns/mnt")):
            return text
        root = f"{self._proc}/{pid}/root"
        near, inside = text, within(root, text)
        while not os.path.lexists(inside) and near not in ("", "/"):
            near = os.path.dirname(near)  # what is not there yet lies where its folder does
            inside = within(root, near)
        return text if _same(near, inside) else within(root, text)

    def numbers_are_real(self) -> bool:
        return self._link("self/ns/pid") == _FIRST_NUMBERS

    def _stat(self, pid: int) -> list[str] | None:
        """State, parent and so on: the fields after the name, which may hold anything."""
        fields = os.fsdecode(self._bytes(f"{pid}/stat", 1 << 12)).rpartition(")")[2].split()
        return fields if len(fields) > 19 else None

    def _environment(self, pid: int) -> dict[str, str]:
        """The variables that are looked for; the rest of the environment is not kept."""
        found: dict[str, str] = {}
        for row in self._bytes(f"{pid}/environ", _ENVIRONMENT).split(b"\0"):
            name, _sign, value = row.partition(b"=")
            known = os.fsdecode(name)
            if known in VARIABLES:
                found.setdefault(known, os.fsdecode(value)[:_VALUE])
        return found

    def _folder(self, pid: int) -> str:
        """The working folder, empty when it was deleted: one made anew under its name is not it."""
        folder = self._link(f"{pid}/cwd")
        return "" if folder.endswith(_DELETED) and not os.path.isdir(folder) else folder

    def _user(self, pid: int) -> str:
        words = self._row(f"{pid}/status", b"Uid:").split()
        if not words or not _is_number(words[0]):
            return ""
        number = int(words[0])
        if number not in self._users:
            self._users[number] = _user_name(number)
        return self._users[number]

    def _booted(self) -> float:
        if self._boot is None:
            self._boot = float(_whole(self._row("stat", b"btime ")))
        return self._boot

    def _row(self, name: str, begin: bytes) -> str:
        for line in self._bytes(name, 1 << 20).splitlines():
            if line.startswith(begin):
                return os.fsdecode(line[len(begin) :]).strip()
        return ""

    def _bytes(self, name: str, most: int) -> bytes:
        try:
            handle = os.open(f"{self._proc}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            data = b""
            while len(data) < most:
                part = os.read(handle, most - len(data))
                if not part:
                    break
                data += part
            return data
        except OSError:
            return b""
        finally:
            os.close(handle)

    def _link(self, name: str) -> str:
        try:
            return os.readlink(f"{self._proc}/{name}")
        except (OSError, ValueError):
            return ""


def within(root: str, path: str) -> str:
    """`path` below `root`, where links lead as they would for a process that has that root."""
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            done = done[:-1]
            continue
        try:
            target = os.readlink("/".join((root, *done, part)))
        except OSError:
            done.append(part)
            continue
        links += 1
        if links > _LINKS:
            return root + path
        if target.startswith("/"):
            done = []
        todo += [name for name in reversed(target.split("/")) if name not in ("", ".")]
    return "/".join((root, *done))


def _user_name(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError, OSError):
        return str(number)


def _same(one: str, other: str) -> bool:
    try:
        first, second = os.stat(one), os.stat(other)
    except (OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def is_regular(status: os.stat_result | None) -> bool:
    """Whether a descriptor is a plain file."""
    return status is not None and stat.S_ISREG(status.st_mode)


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK") or 100


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _whole(text: str) -> int:
    return int(text) if _is_number(text) else 0
