"""What it costs to find the runs on a box: real processes, faked ones, and one that hangs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from loratui.core.running import Discovered
from loratui.engine.discovery import Discovery
from loratui.machine.running import LinuxProcesses
from tests.machine.fake_proc import FakeProc

PROCESSES = 500
LIMIT = 300  # milliseconds
TRAINER = "import os, sys; os.write(2, b'r'); sys.stdin.read()"
CONFIG = """
output_dir = "{name}"
logging_dir = "logs"
dataset_config = "data.toml"
"""
DATA = "[[datasets]]\n" + "[[datasets.subsets]]\nimage_dir = '/img'\nnum_repeats = 3\n" * 20
COLD = """
import time
from loratui.engine.discovery import Discovery
begin = time.perf_counter()
found = Discovery().look(deadline=1.0)  # as the app looks
print((time.perf_counter() - begin) * 1000, sum(bool(run.output_dir) for run in found.runs))
"""


class Hanging(LinuxProcesses):
    """One process does not give its command line until told to."""

    def __init__(self, root: Path, pid: int) -> None:
        super().__init__(root)
        self.pid, self.go = pid, threading.Event()

    def command(self, pid: int) -> tuple[str, ...]:
        if pid == self.pid:
            self.go.wait(60)
        return super().command(pid)


def discovery(folder: Path, rounds: int = 15) -> None:
    """`folder` is empty and may be written to."""
    _real(folder / "real", rounds)
    _faked(folder / "faked", rounds)


def _real(folder: Path, rounds: int) -> None:
    """Sleepers, three runs among them: redirected, behind a pipe, and one of two GPUs' ranks."""
    folder.mkdir()
    (folder / "sdxl_train_network.py").write_text(TRAINER, encoding="utf-8")
    (folder / "data.toml").write_text(DATA, encoding="utf-8")
    sleepers = [subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE) for _ in range(PROCESSES)]
    shells = []
    try:
        for name, pipe in (("a", "> a 2>&1"), ("b", "2>&1 | tee b"), ("c", "2>&1 | cat | tee c")):
            (folder / f"{name}.toml").write_text(CONFIG.format(name=name), encoding="utf-8")
            line = f"{sys.executable} sdxl_train_network.py --config_file {name} {pipe}"
            shells.append(
                subprocess.Popen(
                    ["/bin/sh", "-c", line],
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                )
            )
        found = _until(lambda seen: sum(r.log.kind != "none" for r in seen.runs) >= 3)
        _timed(f"{PROCESSES} real processes, {len(found.runs)} runs", Discovery, rounds)
        _cold(folder / "compiled", len(found.runs))
    finally:
        for child in sleepers:
            child.kill()
        for child in shells:
            if child.stdin is not None:
                child.stdin.close()
        for child in (*sleepers, *shells):
            child.wait()


def _cold(compiled: Path, runs: int) -> None:
    """The first look of a program, which loads what reads configurations."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", COLD]
    for _ in range(2):  # what is installed has been compiled before
        told = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout
    spent, named = told.split()
    _shown(
        "  the first of a program, files read",
        f"{float(spent):.0f} ms",
        good=float(spent) <= LIMIT and int(named) == runs,
    )


def _faked(folder: Path, rounds: int) -> None:
    folder.mkdir()
    fake = FakeProc(folder)
    (folder / "log").touch()
    log = str(folder / "log")
    for pid in range(2, PROCESSES + 2):
        fake.add(pid, ["python", "server.py", str(pid)], files={0: "/dev/null", 1: f"pipe:[{pid}]"})
    for pid in range(5000, 5008):
        files: dict[int, object] = {1: log, 2: log}
        files |= {fd: f"/dev/nvidia{fd}" for fd in range(3, 400)}
        fake.add(pid, ["python", "flux_train_network.py"], folder=folder, files=files)
    _timed(
        f"{PROCESSES} faked processes, 8 runs of 400 open files",
        lambda: Discovery(LinuxProcesses(folder), lambda: ()),
        rounds,
    )
    system = Hanging(folder, 50)
    finder = Discovery(system, lambda: ())
    begin = time.perf_counter()
    found = finder.look()
    spent = (time.perf_counter() - begin) * 1000
    begin = time.perf_counter()
    again = finder.look()
    later = (time.perf_counter() - begin) * 1000
    system.go.set()
    _shown(
        "one of them never answers",
        f"{spent:.0f} ms, then {later:.0f} ms",
        good=max(spent, later) <= LIMIT and len(found.runs) == len(again.runs) == 8,
    )


def _timed(name: str, make: object, rounds: int) -> None:
    """The first look of a new process's mind, later looks of one, and a look's processor time."""
    assert callable(make)
    first, later = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        make().look()
        first.append((time.perf_counter() - begin) * 1000)
    finder = make()
    finder.look()
    spent = time.process_time()
    for _ in range(rounds):
        begin = time.perf_counter()
        finder.look()
        later.append((time.perf_counter() - begin) * 1000)
    cpu = (time.process_time() - spent) * 1000 / rounds
    _shown(
        name,
        f"{statistics.median(first):.0f} ms (worst {max(first):.0f})",
        good=max(first) <= LIMIT,
    )
    _shown(
        "  and again",
        f"{statistics.median(later):.0f} ms (worst {max(later):.0f}), {cpu:.0f} ms CPU",
        good=max(later) <= LIMIT,
    )


def _shown(name: str, figure: str, *, good: bool) -> None:
    from tests.benchmarks.__main__ import show  # it may be the one that calls

    show(name, figure, f"<= {LIMIT} ms", good=good)


def _until(reached: object) -> Discovered:
    assert callable(reached)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = Discovery().look(deadline=5.0)
        if reached(found):
            return found
    raise TimeoutError(f"runs did not begin on {os.uname().nodename}")
