"""Ten runs watched at once, and one run of a million steps: processor and memory."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.benchmarks.logs import bar, write_log

RUNS, STEPS_A_SECOND = 10, 2
SETTLING, MEASURED = 8.0, 30.0
"""Seconds before the measurement, and of it."""


def watched(folder: Path) -> dict[str, float]:
    """Share of a core that watching RUNS growing logs takes, all detectors asked."""
    return _child("watch", folder)


def long_run(folder: Path, steps: int) -> dict[str, float]:
    """Megabytes of the process while a log of `steps` is read: after a quarter, and at the end."""
    return _child("read", folder, str(steps))


def _child(what: str, folder: Path, *more: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.many", what, str(folder), *more]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(found.stdout)
    return result


def _write(paths: list[Path], stop: threading.Event) -> None:
    """What ten trainers do meanwhile, in a process of its own."""
    draw = random.Random(1)
    step = 1000
    while not stop.wait(1 / STEPS_A_SECOND):
        step += 1
        for path in paths:
            loss = 0.1 * 2 ** draw.gauss(0, 0.5)
            with path.open("ab") as file:
                file.write((bar(step, 10_000, loss) + bar(step, 10_000, loss)).encode())


def _watch(folder: Path) -> dict[str, float]:
    from loratui.engine.session import Session
    from loratui.kb import load
    from loratui.sources.tail import Tail

    paths = [write_log(folder / f"run{at}.log", 1000) for at in range(RUNS)]
    base = load()
    sessions = [Session(Tail(path), lambda _: base) for path in paths]
    writer = os.fork()
    if writer == 0:
        _write(paths, threading.Event())
    try:
        for session in sessions:
            session.start()
            session.read_history()
        time.sleep(SETTLING)
        before, begun = time.process_time(), time.perf_counter()
        time.sleep(MEASURED)
        share = (time.process_time() - before) / (time.perf_counter() - begun)
        steps = [session.latest().status.step or 0 for session in sessions]
    finally:
        os.kill(writer, 9)
        os.waitpid(writer, 0)
    for session in sessions:
        session.stop()
    return {"share": share, "least": min(steps), "most": max(steps)}


def _read(folder: Path, steps: int) -> dict[str, float]:
    from loratui.engine.session import Session
    from loratui.kb import load
    from loratui.sources.tail import Tail

    log = write_log(folder / "million.log", steps)
    session = Session(Tail(log), lambda _: load())
    session.prepare()
    found: dict[str, float] = {"begin": _memory()}
    while session.step() or session.source.share() is not None:
        share = session.source.share()
        if "quarter" not in found and share is not None and share > 0.25:
            found["quarter"] = _memory()
    found["end"] = _memory()
    found["steps"] = session.latest().status.step or 0
    found["most"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _memory() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    place = Path(sys.argv[2])
    print(json.dumps(_watch(place) if sys.argv[1] == "watch" else _read(place, int(sys.argv[3]))))
