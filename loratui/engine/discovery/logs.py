"""Where a process's output goes, followed through pipes, ``tee`` and terminals."""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence

from loratui.core.running import LogPlace, Process
from loratui.engine.discovery.panes import Pane
from loratui.engine.discovery.recognise import program
from loratui.machine.running import Processes, is_regular

# write what they read to a file that they hold open
_WRITERS = frozenset(
    ("tee", "rotatelogs", "multilog", "s6-log", "svlogd", "cronolog", "pee", "script")
)
# write what they read to their own standard output
_FILTERS = re.compile(
    r"[emng]?awk|cat|col|cut|[ef]?grep|perl[\d.]*|pv|rg|sed|sponge|stdbuf|tqdm|tr|ts|unbuffer|uniq"
)
_RUNTIMES = ("containerd-shim", "dockerd", "conmon", "crio", "podman", "docker-containerd")
_DEPTH = 8
_TERMINAL = re.compile(r"/dev/(?:pts/(\d+)|tty\w*|console)")
_DELETED = " (deleted)"
_UNIT = re.compile(r"/([\w@:.-]+\.service)(?:/|$)", re.ASCII | re.MULTILINE)
_CONTAINER = re.compile(r"(?:docker|libpod|cri-containerd|crio)[-/]([0-9a-f]{12})[0-9a-f]{52}")


class Logs:
    """Finds logs among the processes of one moment.

    `commands` are the command lines of all processes; `panes` is asked once at most, and only
    when a run is on a terminal.
    """

    def __init__(
        self,
        processes: Processes,
        commands: Mapping[int, Sequence[str]],
        panes: Callable[[], Iterable[Pane]],
    ) -> None:
        self._processes = processes
        self._commands = commands
        self._panes = panes
        self._files: dict[int, Mapping[int, str]] = {}

    def places(self, process: Process, trainer: str) -> tuple[LogPlace, LogPlace | None]:
        """The log to read and, when output and errors go to different places, the other one.

        Progress bars go to the errors, except those of diffusion-pipe.
        """
        if process.files is None:
            reason = f"Process {process.pid} does not belong to this user."
            return LogPlace(reason=reason, cause="no-permission"), None
        first, second = (1, 2) if trainer == "diffusion-pipe" else (2, 1)
        ways = [self._follow(process.pid, fd) for fd in (first, second)]
        if process.files.get(1) == process.files.get(2) or _alike(*ways):
            return ways[0], None
        best, other = sorted(ways, key=lambda place: place.kind == "none")
        return best, other

    def _follow(self, pid: int, fd: int, through: tuple[int, ...] = ()) -> LogPlace:
        target = self._processes.target(pid, fd)
        if not target:
            return LogPlace(reason=f"Process {pid} has closed its output.", cause="closed")
        if target.startswith("pipe:["):
            return self._behind_pipe(pid, target, (*through, pid))
        if target.startswith("socket:["):
            return self._behind_socket(pid)
        plain = target.removesuffix(_DELETED)
        terminal = _TERMINAL.fullmatch(plain)
        if terminal:
            gone = plain != target
            return self._on_terminal(pid, fd, plain, terminal[1], gone=gone)
        if plain == "/dev/null":
            return LogPlace(reason="Its output goes to /dev/null.", cause="discarded")
        if plain.startswith("/dev/") or not plain.startswith("/"):
            return LogPlace(reason=f"Its output goes to {target}.", cause="other")
        status = self._processes.identity(pid, fd)
        if status is not None and stat.S_ISFIFO(status.st_mode):
            return self._behind_pipe(pid, target, (*through, pid), status)
        return self._file(pid, fd, target, through)

    def _file(self, pid: int, fd: int, target: str, through: Sequence[int]) -> LogPlace:
        """A file by a name that leads to it, else through the door that the process holds open."""
        processes = self._processes
        status = processes.identity(pid, fd)
        plain = target.removesuffix(_DELETED)
        names = [target] if plain == target else [target, plain]
        ways = [way for name in names for way in dict.fromkeys((name, processes.path(pid, name)))]
        where = next((way for way in ways if _leads_to(way, status)), "")
        reason = self._writer(pid, through)
        if where not in ("", *names):
            reason += " It lies in a container; read through its process."
        if not where:
            where = processes.door(pid, fd)
            if not is_regular(status):
                return LogPlace(where=target, reason="Its log cannot be reached.", cause="not-here")
            if status is not None and status.st_nlink == 0:
                reason += " The file was deleted; it can be read until the process ends."
            else:
                reason += " Its name leads elsewhere by now; read through its process."
        if not os.access(where, os.R_OK):
            text = "No permission to read its log."
            return LogPlace(where=target, reason=text, cause="no-permission")
        return LogPlace("tee" if through else "file", where, reason)

    def _writer(self, pid: int, through: Sequence[int]) -> str:
        if not through:
            return "Its output is written to this file."
        names = [self._name(one) for one in (*through[1:], pid)]
        return f"Its output goes through {' and '.join(names)} to this file."

    def _behind_pipe(
        self,
        pid: int,
        pipe: str,
        through: tuple[int, ...],
        status: os.stat_result | None = None,
    ) -> LogPlace:
        """What the program that reads a pipe does with it; `status` is that of a named one."""
        if len(through) > _DEPTH:
            return LogPlace(reason="Its output goes through too many programs.", cause="pipe")
        readers = self._reading(pipe, pid) if status is None else self._opening(pipe, status)
        readers = [one for one in readers if one not in through]
        found = [self._read_by(reader, through) for reader in readers[:_DEPTH]]
        found.sort(key=lambda place: place.kind == "none")
        if found:
            return found[0]
        container = _CONTAINER.search(self._processes.group(through[0]))
        if container:
            hint = f"docker logs -f {container[1]}"
            return LogPlace(reason="A container keeps its output.", cause="container", hint=hint)
        reason = "Its output goes into a pipe whose other end is not to be seen from here."
        return LogPlace(reason=reason, cause="pipe")

    def _reading(self, pipe: str, writer: int) -> list[int]:
        """Processes with the other end of a pipe: as their input, or above the one that writes."""
        found = list(self._inputs.get(pipe, ()))
        for above in self._processes.above(writer):
            opened = self._opened(above)
            ends = [fd for fd, target in opened.items() if target == pipe and fd != 0]
            if any(not self._processes.writes(above, fd) for fd in ends):
                found.append(above)
        return found

    def _opening(self, name: str, status: os.stat_result) -> list[int]:
        """Processes that read a named pipe, as their input or as the first file they opened."""
        system = self._processes
        return [
            pid
            for pid in self._commands
            for fd in (0, 3)
            if system.target(pid, fd) == name
            and not system.writes(pid, fd)
            and _same(system.identity(pid, fd), status)
        ]

    def _read_by(self, reader: int, through: tuple[int, ...]) -> LogPlace:
        name = self._name(reader)
        if name in _WRITERS:
            written = self._written(reader)
            if written is not None:
                return self._file(reader, written, self._processes.target(reader, written), through)
            if not self._opened(reader):
                reason = f"It goes to {name}, which does not belong to this user."
                return LogPlace(reason=reason, cause="no-permission")
        if name in _WRITERS or _FILTERS.fullmatch(name):
            return self._follow(reader, 1, through)
        if name.startswith(_RUNTIMES):
            container = _CONTAINER.search(self._processes.group(through[0]))
            hint = f"docker logs -f {container[1]}" if container else ""
            return LogPlace(reason="A container keeps its output.", cause="container", hint=hint)
        if name in ("systemd-cat", "logger"):
            hint = "journalctl -f -o cat"
            return LogPlace(reason="The journal keeps its output.", cause="journal", hint=hint)
        reason = f"Its output goes to {name} (process {reader})."
        return LogPlace(reason=reason, cause="program")

    def _behind_socket(self, pid: int) -> LogPlace:
        unit = _UNIT.findall(self._processes.group(pid))
        if not unit:
            return LogPlace(reason="Its output goes into a socket.", cause="socket")
        hint = f"journalctl -f -o cat -u {unit[-1]}"
        return LogPlace(reason="The journal keeps its output.", cause="journal", hint=hint)

    def _on_terminal(
        self, pid: int, fd: int, terminal: str, number: str | None, *, gone: bool
    ) -> LogPlace:
        if gone:
            return LogPlace(reason="Its terminal was closed.", cause="terminal")
        if number is not None:
            recorded = self._recorded(pid, int(number))
            if recorded is not None:
                return recorded
        for pane in self._all_panes:
            if pane.terminal == terminal and self._is_here(pid, fd, terminal):
                return LogPlace("tmux", pane.id, "It runs in a tmux pane.", socket=pane.socket)
        names = [self._name(above) for above in self._processes.above(pid)]
        if "screen" in (name.lower() for name in names):
            hint = "screen -X hardcopy -h FILE"
            return LogPlace(reason="It runs in GNU screen.", cause="screen", hint=hint)
        return LogPlace(reason=f"It writes to the terminal {terminal}.", cause="terminal")

    def _recorded(self, pid: int, number: int) -> LogPlace | None:
        """The file of a ``script`` that holds the other side of a terminal."""
        for other in self._named_script:
            if self._processes.namespace(other) != self._processes.namespace(pid):
                continue
            sides = [fd for fd, target in self._opened(other).items() if "ptmx" in target]
            written = self._written(other)
            if written is not None and any(
                self._processes.terminal(other, fd) == number for fd in sides
            ):
                target = self._processes.target(other, written)
                return self._file(other, written, target, (pid,))
        return None

    def _is_here(self, pid: int, fd: int, terminal: str) -> bool:
        """Whether a terminal's name means the same here: containers number theirs anew."""
        status = self._processes.identity(pid, fd)
        return status is None or _leads_to(terminal, status)

    def _written(self, pid: int) -> int | None:
        """The file that a program other than the shell gave it to write."""
        for fd, target in sorted(self._opened(pid).items()):
            if fd <= 2 or not target.startswith("/") or target.startswith(("/dev/", "/proc/")):
                continue
            status = self._processes.identity(pid, fd)
            if self._processes.writes(pid, fd) and (status is None or is_regular(status)):
                return fd
        return None

    def _name(self, pid: int) -> str:
        command = self._commands.get(pid) or self._processes.command(pid)
        return program(command).name or f"process {pid}"

    def _opened(self, pid: int) -> Mapping[int, str]:
        if pid not in self._files:
            self._files[pid] = self._processes.files(pid) or {}
        return self._files[pid]

    @functools.cached_property
    def _inputs(self) -> dict[str, list[int]]:
        """Which processes read which pipe as their standard input."""
        found: dict[str, list[int]] = {}
        for pid in self._commands:
            target = self._processes.target(pid, 0)
            if target.startswith("pipe:["):
                found.setdefault(target, []).append(pid)
        return found

    @functools.cached_property
    def _named_script(self) -> list[int]:
        return [pid for pid, command in self._commands.items() if program(command).name == "script"]

    @functools.cached_property
    def _all_panes(self) -> tuple[Pane, ...]:
        return tuple(self._panes())


def _leads_to(path: str, status: os.stat_result | None) -> bool:
    """Whether a path is the file of that status; where there is none, whether it is there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return False
    return status is None or _same(found, status)


def _same(one: os.stat_result | None, other: os.stat_result) -> bool:
    return one is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _alike(one: LogPlace, other: LogPlace) -> bool:
    return (one.kind, one.where, one.cause, one.socket) == (
        other.kind,
        other.where,
        other.cause,
        other.socket,
    )
