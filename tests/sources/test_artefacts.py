"""Files of a run are told once they are complete, and none that were there before."""

from __future__ import annotations

import os
from pathlib import Path

from loratui.core.clock import ManualClock
from loratui.sources.artefacts import EVERY, Artefacts


def looks(watcher: Artefacts, clock: ManualClock) -> list[str]:
    clock.advance(EVERY)
    found = watcher.poll()
    return [Path(file.path).name for file in found]


def write(path: Path, size: int, when: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (when, when))


def test_a_file_is_told_when_it_has_stopped_growing(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    watcher = Artefacts([tmp_path], 1000.0, clock)
    write(tmp_path / "a.safetensors", 10, 1001)
    assert looks(watcher, clock) == []
    write(tmp_path / "a.safetensors", 20, 1002)
    assert looks(watcher, clock) == []
    assert looks(watcher, clock) == ["a.safetensors"]
    assert looks(watcher, clock) == []
    write(tmp_path / "a.safetensors", 20, 1050)
    assert looks(watcher, clock) == []
    assert looks(watcher, clock) == ["a.safetensors"]


def test_what_is_older_than_the_run_is_not_its_own(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    watcher = Artefacts([tmp_path], 1000.0, clock)
    write(tmp_path / "old.safetensors", 10, 999)
    write(tmp_path / "deep" / "new.safetensors", 10, 1000)
    assert looks(watcher, clock) == []
    assert looks(watcher, clock) == ["new.safetensors"]


def test_looks_no_more_often_than_it_should(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    watcher = Artefacts([tmp_path], 1000.0, clock)
    write(tmp_path / "a.png", 10, 1001)
    watcher.poll()
    clock.advance(1.0)
    assert watcher.poll() == []
    assert looks(watcher, clock) == ["a.png"]


def test_folders_that_are_not_there_or_loop_are_no_crash(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    watcher = Artefacts([tmp_path, tmp_path / "gone", tmp_path], 0.0, clock)
    write(tmp_path / "empty.safetensors", 0, 1001)
    assert looks(watcher, clock) == []
    assert looks(watcher, clock) == []


def test_a_thousand_files_are_all_told(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    watcher = Artefacts([tmp_path], 0.0, clock)
    for number in range(1000):
        (tmp_path / f"{number:04}.png").write_bytes(b"x")
    told: list[str] = []
    for _ in range(6):
        told += looks(watcher, clock)
    assert told == [f"{number:04}.png" for number in range(1000)] or len(set(told)) == 1000
