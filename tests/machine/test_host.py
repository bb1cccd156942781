"""Limits of control groups, load, and a disk that does not answer."""

from __future__ import annotations

import threading

import psutil
import pytest

from loratui.core.clock import ManualClock
from loratui.machine import host as hosts
from loratui.machine.cgroup import Cgroup
from loratui.machine.host import DiskProbe, HostReader, free_bytes

GIB = 2**30


def lay_out(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return Cgroup(root)


V2 = {
    "proc/self/cgroup": "0::/box/run\n",
    "sys/fs/cgroup/box/memory.max": f"{8 * GIB}\n",
    "sys/fs/cgroup/box/cpu.max": "250000 100000\n",
    "sys/fs/cgroup/box/run/memory.max": "max\n",
    "sys/fs/cgroup/box/run/memory.current": f"{3 * GIB}\n",
    "sys/fs/cgroup/box/run/memory.stat": f"anon 5\ninactive_file {GIB}\n",
    "sys/fs/cgroup/box/run/cpu.max": "max 100000\n",
    "sys/fs/cgroup/box/run/cpu.stat": "usage_usec 5000000\nuser_usec 1\n",
}
V1 = {
    "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{2 * GIB}\n",
    "sys/fs/cgroup/memory/memory.stat": f"inactive_file 7\ntotal_inactive_file {GIB}\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "5000000000\n",
}


@pytest.mark.parametrize(
    ("files", "limit", "used", "cpus"),
    [(V2, 8 * GIB, 2 * GIB, 2.5), (V1, 4 * GIB, GIB, 1.5)],
    ids=["v2", "v1"],
)
def test_limits(tmp_path, files, limit, used, cpus):
    group = lay_out(tmp_path, files)
    assert (group.memory_limit(), group.memory_used(), group.cpus()) == (limit, used, cpus)
    assert group.cpu_seconds() == 5.0


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n"},
        {"proc/self/cgroup": "nonsense\n::\n0::/\n", "sys/fs/cgroup/memory.max": "max"},
        {
            "proc/self/cgroup": "4:memory:/\n3:cpu:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "\xff\n".encode().hex()},
    ],
)
def test_no_limits(tmp_path, files):
    group = lay_out(tmp_path, files)
    assert (group.memory_limit(), group.cpus()) == (None, None)


def test_a_path_cannot_climb_out(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/memory.max").write_text("5")
    group = lay_out(
        tmp_path, {"proc/self/cgroup": "0::/../../../etc\n", "sys/fs/cgroup/memory.max": "7"}
    )
    assert group.memory_limit() == 7


def test_a_reading_within_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(hosts.os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    total = psutil.virtual_memory().total
    files = dict(V2)
    files["sys/fs/cgroup/box/memory.max"] = str(total // 2)
    clock = ManualClock()
    reader = HostReader(tmp_path, clock, lay_out(tmp_path, files))
    first = reader.read(30)
    assert (first.cpu, first.cores) == (None, 2)
    assert (first.memory_used, first.memory_total) == (2 * GIB, total // 2)
    assert first.disk_free
    assert first.disk_path == str(tmp_path)
    (tmp_path / "sys/fs/cgroup/box/run/cpu.stat").write_text("usage_usec 17500000\n")
    clock.advance(10)
    assert reader.read(30).cpu == 50.0  # 12.5 of the 25 seconds that 2.5 cores have in 10


def test_a_reading_without_limits(tmp_path):
    reader = HostReader(tmp_path, ManualClock(), Cgroup(tmp_path))
    first, second = reader.read(30), reader.read(30)
    assert first.cpu is None
    assert second.cpu is not None
    assert first.memory_total == psutil.virtual_memory().total
    assert first.cores


def test_a_limit_above_the_machine_is_none(tmp_path):
    files = {**V2, "sys/fs/cgroup/box/memory.max": str(2**55)}
    reading = HostReader(tmp_path, ManualClock(), lay_out(tmp_path, files)).read(30)
    assert reading.memory_total == psutil.virtual_memory().total


def test_what_psutil_cannot_read_is_none(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    monkeypatch.setattr(psutil, "cpu_percent", refuse)
    reading = HostReader(tmp_path, ManualClock(), Cgroup(tmp_path)).read(30)
    assert (reading.cpu, reading.memory_used, reading.memory_total) == (None, None, None)


def test_a_path_that_is_still_to_be_made(tmp_path):
    assert free_bytes(tmp_path / "a" / "b") > 0


def test_a_disk_that_does_not_answer(tmp_path, monkeypatch):
    let_go, asked = threading.Event(), []

    def hang(path):
        asked.append(path)
        assert let_go.wait(30)
        return 5 * GIB

    monkeypatch.setattr(hosts, "free_bytes", hang)
    probe = DiskProbe(tmp_path)
    assert probe.free(0.001) is None
    assert probe.free(0.001) is None
    assert len(asked) == 1  # one thread hangs, not one for each reading
    let_go.set()
    assert probe.free(30) == 5 * GIB
    assert probe.free(30) == 5 * GIB


def test_a_disk_that_refuses(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError

    monkeypatch.setattr(hosts, "free_bytes", refuse)
    assert DiskProbe(tmp_path).free(30) is None


PRESSURE = "some avg10=34.50 avg60=9.99 avg300=1.00 total=5\nfull avg10=2.00 avg60=0 total=3\n"


@pytest.mark.parametrize(
    ("place", "text", "contained", "expected"),
    [
        ("sys/fs/cgroup/io.pressure", PRESSURE, True, 34.5),
        ("proc/pressure/io", PRESSURE, False, 34.5),
        ("proc/pressure/io", PRESSURE, True, None),  # the whole box's: mostly other people's
        ("proc/pressure/io", "", False, None),
        ("proc/pressure/io", "some avg10=much", False, None),
        ("elsewhere", PRESSURE, False, None),
    ],
)
def test_waiting_for_the_disk(tmp_path, monkeypatch, place, text, contained, expected):
    lay_out(tmp_path, {place: text})
    monkeypatch.setattr(hosts, "in_container", lambda: contained)
    assert hosts.disk_wait(tmp_path) == expected
