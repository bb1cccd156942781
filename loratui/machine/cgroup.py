"""Limits that the kernel sets to a container, from control groups of version 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 2**60  # version 1 writes a huge number of bytes for "no limit"


class Cgroup:
    """The groups of this process. Every value is None when it is not limited or not to be had.

    `root` stands for ``/``, so that tests can lay out files of their own.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._base = root / "sys/fs/cgroup"
        self._paths = _memberships(_text(root / "proc/self/cgroup"))

    def memory_limit(self) -> int | None:
        """Bytes; the lowest limit of the group and those above it."""
        found = [_whole(_text(file / "memory.max")) for file in self._v2()]
        found += [_whole(_text(file / "memory.limit_in_bytes")) for file in self._v1("memory")]
        limits = [limit for limit in found if limit is not None and 0 < limit < _UNLIMITED]
        return min(limits, default=None)

    def memory_used(self) -> int | None:
        """Bytes, without file caches that the kernel gives back when memory gets short."""
        for folder in self._v2():
            used = _whole(_text(folder / "memory.current"))
            if used is not None:
                return max(0, used - _row(_text(folder / "memory.stat"), "inactive_file"))
        for folder in self._v1("memory"):
            used = _whole(_text(folder / "memory.usage_in_bytes"))
            if used is not None:
                return max(0, used - _row(_text(folder / "memory.stat"), "total_inactive_file"))
        return None

    def cpus(self) -> float | None:
        """How many cores' time the group may use; may be a fraction."""
        found = []
        for folder in self._v2():
            words = _text(folder / "cpu.max").split()
            if len(words) == 2:
                found.append((_whole(words[0]), _whole(words[1])))
        for folder in self._v1("cpu"):
            quota = _whole(_text(folder / "cpu.cfs_quota_us"))
            found.append((quota, _whole(_text(folder / "cpu.cfs_period_us"))))
        return min(
            (quota / period for quota, period in found if quota and period and quota > 0),
            default=None,
        )

    def cpu_seconds(self) -> float | None:
        """Processor time that the group has used so far."""
        for folder in self._v2():
            used = _row(_text(folder / "cpu.stat"), "usage_usec")
            if used:
                return used / 1e6
        for folder in self._v1("cpuacct"):
            nanoseconds = _whole(_text(folder / "cpuacct.usage"))
            if nanoseconds is not None:
                return nanoseconds / 1e9
        return None

    def _v2(self) -> Iterator[Path]:
        yield from self._upward((self._base, self._base / "unified"), self._paths.get(""))

    def _v1(self, controller: str) -> Iterator[Path]:
        mounts = [self._base / controller]
        if controller in ("cpu", "cpuacct"):
            mounts += [self._base / "cpu,cpuacct", self._base / "cpuacct,cpu"]
        yield from self._upward(tuple(mounts), self._paths.get(controller))

    @staticmethod
    def _upward(mounts: tuple[Path, ...], member: str | None) -> Iterator[Path]:
        """The group's own folder and those above, up to the mount.

        In a container the path is often the host's and does not exist below the mount: the
        mount itself is then the group.
        """
        if member is None:
            return
        parts = [part for part in member.split("/") if part not in ("", ".", "..")]
        for mount in mounts:
            for length in range(len(parts), -1, -1):
                folder = mount.joinpath(*parts[:length])
                if folder.is_dir():
                    yield folder


def _memberships(text: str) -> dict[str, str]:
    """Path of the group by controller; version 2 under the empty name."""
    paths: dict[str, str] = {}
    for row in text.splitlines():
        fields = row.split(":", 2)
        if len(fields) == 3:
            for controller in fields[1].split(","):
                paths[controller] = fields[2]
    return paths


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _row(text: str, name: str) -> int:
    """The number beside `name`, 0 without one."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name:
            return _whole(words[1]) or 0
    return 0
