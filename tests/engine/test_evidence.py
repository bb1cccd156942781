"""What is kept when a finding fires: once, under the run's key, with what surrounds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.engine import evidence
from loratui.engine.evidence import EvidenceFolder
from loratui.engine.session import Session
from loratui.kb import load
from loratui.sources.tail import Tail
from tests.engine.test_session import bars
from tests.runs import log


def watch(path: Path, root: Path) -> Session:
    clock = ManualClock(1_700_000_000.0)
    session = Session(
        Tail(path, clock), lambda _: load(), clock=clock, evidence=EvidenceFolder(root)
    )
    session.prepare()
    for _ in range(6):
        while session.step():
            pass
        clock.advance(1.0)
    return session


def files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.json")) if root.exists() else []


def test_a_finding_is_kept_with_what_surrounds_it(tmp_path: Path) -> None:
    session = watch(log("ai_toolkit/lr-nan"), tmp_path / "evidence")
    kept = files(tmp_path / "evidence")
    assert "loss-nan.json" in [path.name for path in kept]
    found = json.loads((kept[0].parent / "loss-nan.json").read_text("utf-8"))
    assert found["schema"] == "loratui.evidence/1"
    assert found["run"]["trainer"] == "ai-toolkit"
    assert found["finding"]["id"] == "loss-nan"
    assert found["series"]["loss"]["values"]
    assert len(found["series"]["loss"]["steps"]) == len(found["series"]["loss"]["values"])
    assert found["log"]
    assert found["settings"]["learning_rate"]["value"]
    assert session.latest().kept["loss-nan"] == str(kept[0].parent / "loss-nan.json")
    assert not list((tmp_path / "evidence").rglob("*.part"))


def test_a_healthy_run_leaves_nothing(tmp_path: Path) -> None:
    watch(log("kohya/healthy"), tmp_path / "evidence")
    assert files(tmp_path / "evidence") == []


def test_what_was_kept_first_stays(tmp_path: Path) -> None:
    """Watching the same log again does not write over what stood there when it happened."""
    root = tmp_path / "evidence"
    watch(log("ai_toolkit/lr-nan"), root)
    before = {path: path.stat().st_mtime_ns for path in files(root)}
    assert before
    watch(log("ai_toolkit/lr-nan"), root)
    assert {path: path.stat().st_mtime_ns for path in files(root)} == before


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file")
    session = watch(log("ai_toolkit/lr-nan"), tmp_path / "evidence")
    said = [why for place, why in session.latest().unread if place == "evidence"]
    assert len(said) == 1
    assert "evidence of findings is not kept" in said[0]
    assert session.latest().findings


def test_old_runs_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RUNS", 2)
    root = tmp_path / "evidence"
    for number in range(4):
        path = tmp_path / f"run{number}.log"
        text = "running training / 学習開始\n" + bars(1, 40) + bars(41, 90, loss="nan")
        path.write_text(text, "utf-8")
        watch(path, root)
    assert len(list(root.iterdir())) == 2
