"""Processor, memory and disk of the box, as far as this process may use them."""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from loratui.core.clock import Clock, SystemClock
from loratui.core.facts import HostReading
from loratui.machine.cgroup import Cgroup


class HostReader:
    """Reads the host. In a container the limits are those of its cgroup, not the machine's."""

    def __init__(
        self,
        disk_path: Path | str | None = None,
        clock: Clock | None = None,
        cgroup: Cgroup | None = None,
    ) -> None:
        self._disk = DiskProbe(Path(disk_path) if disk_path is not None else Path.cwd())
        self._clock: Clock = clock or SystemClock()
        self._cgroup = cgroup or Cgroup()
        self._before: tuple[float, float] | None = None
        self._warm = False

    def read(self, wait: float = 0.2) -> HostReading:
        """The host now. Waits at most `wait` seconds for the disk; a value not to be had is None.

        The load is that since the last reading, so that the first one has none.
        """
        cores = self._cores()
        used, total = self._memory()
        return HostReading(
            cpu=self._load(cores),
            cores=None if cores is None else max(1, round(cores)),
            memory_used=used,
            memory_total=total,
            disk_free=self._disk.free(wait),
            disk_path=str(self._disk.path),
            disk_wait=disk_wait(),
        )

    def _cores(self) -> float | None:
        try:
            own: float | None = len(os.sched_getaffinity(0))  # type: ignore[attr-defined,unused-ignore]
        except (AttributeError, OSError):  # not on macOS and Windows
            own = os.cpu_count()
        quota = self._cgroup.cpus()
        if quota is None or own is None:
            return own if quota is None else quota
        return min(own, quota)

    def _load(self, cores: float | None) -> float | None:
        spent = self._cgroup.cpu_seconds() if self._cgroup.cpus() is not None else None
        if spent is None or cores is None:
            return self._machine_load()
        now = self._clock.now()
        before, self._before = self._before, (now, spent)
        if before is None or now <= before[0]:
            return None
        share = (spent - before[1]) / (now - before[0]) / cores
        return round(min(max(share, 0.0), 1.0) * 100, 1)

    def _machine_load(self) -> float | None:
        try:
            load = psutil.cpu_percent(interval=None)
        except (psutil.Error, OSError, RuntimeError):
            return None
        warm, self._warm = self._warm, True
        return float(load) if warm else None  # psutil's first answer is a meaningless 0.0

    def _memory(self) -> tuple[int | None, int | None]:
        try:
            memory = psutil.virtual_memory()
            used, total = int(memory.total - memory.available), int(memory.total)
        except (psutil.Error, OSError, RuntimeError):
            return None, None
        limit = self._cgroup.memory_limit()
        if limit is None or limit >= total:
            return used, total
        return self._cgroup.memory_used(), limit


@dataclass(slots=True)
class _Question:
    done: threading.Event
    free: int | None = None


class DiskProbe:
    """Free space where `path` is or will be, asked in a thread of its own.

    A mount whose server is gone never answers: then the last answer stands, or None, and no
    second thread is started.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._question: _Question | None = None
        self._free: int | None = None

    def free(self, wait: float = 0.2) -> int | None:
        """Bytes free to this user, None when not known yet; waits at most `wait` seconds."""
        question = self._question
        if question is None:
            question = self._question = _Question(threading.Event())
            threading.Thread(
                target=self._ask, args=(question,), name="disk-probe", daemon=True
            ).start()
        if question.done.wait(wait):
            self._free = question.free
            self._question = None
        return self._free

    def _ask(self, question: _Question) -> None:
        try:
            question.free = free_bytes(self.path)
        except Exception:
            question.free = None
        finally:
            question.done.set()


def free_bytes(path: Path) -> int:
    """Bytes free to this user on the file system that `path` is or would be on.

    Raises:
        OSError: the file system cannot be asked.
    """
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


_PRESSURE = re.compile(r"^some avg10=(\d+(?:\.\d+)?)", re.MULTILINE)


def disk_wait(root: Path = Path("/")) -> float | None:
    """Percentage of the last 10 seconds in which some process waited for a disk, None if not told.

    In a container it is its own group's: what the kernel tells of the whole box is mostly other
    people's. Source: the kernel's Documentation/accounting/psi.rst. `root` stands for ``/``.
    """
    places = [root / "sys/fs/cgroup/io.pressure"]
    if not in_container():
        places.append(root / "proc/pressure/io")
    for place in places:
        try:
            found = _PRESSURE.search(place.read_text("ascii", "replace"))
        except OSError:
            continue
        if found is not None:
            return float(found.group(1))
    return None


@functools.cache
def in_container() -> bool:
    """Whether this process seems to be in a container, where process numbers may be its own."""
    told = os.environ.get("container")  # noqa: SIM112 -- systemd writes it so
    if told or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return True
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return True
    try:
        # the host's first number space has this inode on every Linux
        return os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC
    except OSError:
        return False
