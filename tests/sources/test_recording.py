"""Recordings: written, read back, replayed at their own pace; and standard input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Batch, SourceChange
from loratui.core.facts import GpuProcess, GpuReading, Machine
from loratui.engine.demo import names, open_demo
from loratui.errors import LoratuiError
from loratui.sources.recording import Header, Replay, Writer, read
from loratui.sources.stdin import Pipe

GPU = GpuReading(
    0,
    "NVIDIA GeForce RTX 4090",
    utilisation=0,
    throttle=("power cap",),
    processes=(GpuProcess(7, "python", 5),),
    capability=(8, 9),
)


def make(path: Path, *, simulated: bool = True) -> Path:
    writer = Writer(path, Header("name", "a title", "made here", simulated))
    writer.data(0.0, "höre".encode())
    writer.machine(0.5, Machine((GPU,), "580", "13.0"))
    writer.data(1.0, b"\xff\xfe half")
    writer.data(3.0, b"end")
    writer.close()
    return path


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    found = read(make(tmp_path / name))
    assert found.header == Header("name", "a title", "made here", True)
    assert [entry for _, entry in found.entries if isinstance(entry, bytes)] == [
        "höre".encode(),
        b"\xff\xfe half",
        b"end",
    ]
    (machine,) = [entry for _, entry in found.entries if isinstance(entry, Machine)]
    assert machine.simulated
    assert machine.gpus == (GPU,)
    assert found.length == 3.0


def test_replay_keeps_the_pace(tmp_path: Path) -> None:
    clock = ManualClock(100.0)
    replay = Replay(read(make(tmp_path / "run.jsonl")), 2.0, clock)
    assert [b.data for b in replay.poll() if isinstance(b, Batch)] == ["höre".encode()]
    assert replay.poll() == []
    clock.advance(0.5)
    batches = [b for b in replay.poll() if isinstance(b, Batch)]
    assert [(b.data, b.offset, b.time, b.fresh) for b in batches] == [
        (b"\xff\xfe half", 5, 1.0, True)
    ]
    assert replay.machine.gpus == (GPU,)
    clock.advance(1.0)
    items = replay.poll()
    assert [i.kind for i in items if isinstance(i, SourceChange)] == ["end"]
    assert replay.over()


def test_speed_zero_gives_everything_at_once(tmp_path: Path) -> None:
    replay = Replay(read(make(tmp_path / "run.jsonl")), 0.0, ManualClock())
    assert len([b for b in replay.poll() if isinstance(b, Batch)]) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1"),
        ("{}", "line 1: no loratui.recording/1 header"),
        ('{"schema": "loratui.recording/1"}\n{"t": 0', "line 2"),
        ("no json", "line 1"),
    ],
)
def test_a_broken_recording_names_file_and_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(content)
    with pytest.raises(LoratuiError) as error:
        read(path)
    assert said in error.value.message
    assert str(path) in error.value.message


def test_shipped_demos_can_be_read() -> None:
    assert {"healthy", "nan", "crash"} <= set(names())
    for name in names():
        recording = open_demo(name)
        assert recording.header.simulated_gpu
        assert recording.header.title
        assert 1 < recording.length < 600


def test_unknown_demo_names_those_there_are() -> None:
    with pytest.raises(LoratuiError, match="no demo 'nope'") as error:
        open_demo("nope")
    assert "healthy" in error.value.hint


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"first ")
    pipe = Pipe(reading, clock=ManualClock(1.0))
    os.write(writing, b"second")
    os.close(writing)
    pipe._thread.join(timeout=10)
    items = pipe.poll()
    assert b"".join(i.data for i in items if isinstance(i, Batch)) == b"first second"
    assert [i.kind for i in items if isinstance(i, SourceChange)] == ["end"]
    assert pipe.over()
    os.close(reading)
