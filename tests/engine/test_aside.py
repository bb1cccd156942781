"""A question that hangs holds nobody up, and its answer is not lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Checkpoint, Metrics, Sample
from loratui.engine.aside import Aside
from loratui.engine.followers import Followers
from loratui.engine.session import Session
from loratui.sources.tail import Tail
from tests.engine.test_session import bars


def test_an_answer_comes_at_once() -> None:
    asked = Aside(lambda: 7, patience=10.0)
    assert [asked.ask(), asked.ask()] == [7, 7]
    assert not asked.busy
    asked.close()


def test_a_late_answer_is_taken_later() -> None:
    gate = threading.Event()
    asked: list[int] = []

    def slow() -> int:
        asked.append(1)
        gate.wait()
        return 7

    question = Aside(slow, patience=0.01)
    assert [question.ask(), question.ask()] == [None, None]
    assert question.busy
    gate.set()
    found = None
    for _ in range(1000):
        found = found or question.ask()
        if found:
            break
    assert found == 7
    assert len(asked) == 1  # nobody asked again while it hung
    question.close()


def test_what_it_raises_is_raised_to_who_asks() -> None:
    def broken() -> int:
        raise OSError(5, "Input/output error")

    question = Aside(broken, patience=10.0)
    with pytest.raises(OSError, match="Input/output"):
        question.ask()
    with pytest.raises(OSError, match="Input/output"):
        question.ask()
    question.close()


class Stalled(Followers):
    """Files beside the log on a mount that does not answer until `gate` is opened."""

    gate = threading.Event()

    def poll(self, now: float) -> list[Metrics]:
        self.gate.wait()
        return super().poll(now)

    def files_written(self) -> list[Checkpoint | Sample]:
        self.gate.wait()
        return super().files_written()


def test_the_log_is_read_while_its_folder_hangs(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("running training / 学習開始\n" + bars(1, 20), "utf-8")
    clock = ManualClock(1000.0)
    followers = Stalled([], log, clock, tmp_path)
    session = Session(Tail(log, clock), None, clock=clock, followers=followers)
    session.prepare()
    for _ in range(4):
        session.step()
        clock.advance(1.0)
    with log.open("a", encoding="utf-8") as file:
        file.write(bars(21, 40))
    for _ in range(4):
        session.step()
        clock.advance(1.0)
    assert session.latest().status.step == 40
    Stalled.gate.set()
    session.stop()
