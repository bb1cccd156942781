"""Which process writes a log, and whether it still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loratui.core.clock import ManualClock
from loratui.core.facts import GpuReading, HostReading, Machine
from loratui.core.running import FoundRun, LogPlace
from loratui.engine.discovery import Discovery
from loratui.engine.process import RunProcess, writer_of
from loratui.engine.session import SETTLED, Session
from loratui.kb import load
from loratui.sources.tail import Tail
from tests.engine.test_session import bars

TRAINER = "import sys; print('running training', flush=True); sys.stdin.read()"


def run(log: Path, pid: int = 7, **fields: object) -> FoundRun:
    place = LogPlace("file", str(log), "Its output is written to this file.")
    return FoundRun(**{"pid": pid, "started": 1.0, "trainer": "kohya", "log": place, **fields})  # type: ignore[arg-type]


def test_the_writer_is_found_by_its_file(tmp_path: Path) -> None:
    log, link = tmp_path / "train.log", tmp_path / "link.log"
    log.write_text("")
    link.symlink_to(log)
    other = run(tmp_path / "other.log", 8)
    assert writer_of(link, [other, run(log)]) == run(log)
    assert writer_of(log, [other]) is None


@pytest.mark.parametrize("fields", [{"live": False}, {"foreign": True}])
def test_who_cannot_be_looked_at_is_not_the_writer(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    log = tmp_path / "train.log"
    log.write_text("")
    assert writer_of(log, [run(log, **fields)]) is None


def test_two_writers_of_one_file_are_none(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("")
    assert writer_of(log, [run(log, 7), run(log, 8)]) is None


def test_a_real_process(tmp_path: Path) -> None:
    script = tmp_path / "train_network.py"
    script.write_text(TRAINER)
    log = tmp_path / "train.log"
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=file, cwd=tmp_path
        )
    try:
        found = None
        for _ in range(200):
            found = found or writer_of(log, Discovery().look((), 2.0).runs)
            if found is not None:
                break
        assert found is not None
        assert found.pid == child.pid
        process = RunProcess(found.pid, found.started, found.ranks)
        assert process.alive()
    finally:
        child.kill()
        child.wait()
    assert not process.alive()
    assert not process.alive()


def test_a_number_that_was_given_to_another_process() -> None:
    own = psutil.Process(os.getpid())
    assert RunProcess(own.pid, own.create_time()).alive()
    assert not RunProcess(own.pid, own.create_time() - 3600).alive()


class Gpus:
    """Readings that may be narrowed to the run's own GPUs."""

    def __init__(self) -> None:
        self.own: list[int] = []

    def start(self) -> None: ...

    def latest(self) -> Machine:
        return Machine(gpus=(GpuReading(0, "NVIDIA A"),))

    def host(self) -> HostReading | None:
        return None

    def narrow(self, own: object) -> None:
        self.own = list(own)  # type: ignore[call-overload]

    def stop(self) -> None: ...


def test_the_session_learns_whose_output_it_reads(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("running training / 学習開始\n" + bars(1, 20), "utf-8")
    clock, gpus = ManualClock(1000.0), Gpus()
    asked: list[int] = []

    def find() -> FoundRun:
        asked.append(1)
        return run(log, 2**22 + 1, gpu_indices=(0,))  # no process has this number

    session = Session(
        Tail(log, clock), lambda _: load(), clock=clock, machine=gpus, find_process=find
    )
    session.prepare()
    for _ in range(3):
        session.step()
    assert not asked  # first the keys
    clock.advance(SETTLED + 1)
    for _ in range(20):
        session.step()
        clock.advance(2.0)
    assert asked == [1]
    assert gpus.own == [0]
    assert session.latest().status.state == "unknown"  # it was never seen to grow
    session.stop()
