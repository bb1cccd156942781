"""One session over a growing file: what the status says, and what it may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Batch
from loratui.core.facts import GpuReading, HostReading, Machine
from loratui.engine.feed import Action
from loratui.engine.session import SETTLE, Session
from loratui.kb import load
from loratui.sources.tail import Tail


def bar(step: int, total: int = 100, loss: str = "0.1", clock: int | None = None) -> str:
    seconds = step if clock is None else clock
    return (
        f"\rsteps:  1%|▌ | {step}/{total} [{seconds // 60:02d}:{seconds % 60:02d}<36:53,  "
        f"1.00it/s, avr_loss={loss}]"
    )


def bars(first: int, last: int, **more: object) -> str:
    return "".join(bar(step, **more) for step in range(first, last + 1))  # type: ignore[arg-type]


class Watched:
    """A session driven by hand over a file that the test writes."""

    def __init__(self, path: Path, text: str = "", *, knowledge: bool = True) -> None:
        self.path = path
        path.write_text(text, encoding="utf-8")
        self.clock = ManualClock(1000.0)
        self.session = Session(
            Tail(path, self.clock), (lambda _: load()) if knowledge else None, clock=self.clock
        )

    def begin(self) -> Watched:
        self.session.prepare()
        return self.round()

    def round(self, seconds: float = 0.0) -> Watched:
        self.clock.advance(seconds)
        while self.session.step():
            pass
        self.clock.advance(SETTLE + 0.01)
        self.session.step()
        return self

    def write(self, text: str, seconds: float = 1.0) -> Watched:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)
        return self.round(seconds)

    @property
    def now(self):
        return self.session.latest()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "console.log"


def test_the_end_is_seen_before_the_history(log: Path) -> None:
    watched = Watched(log, bars(1, 50, loss="0.25"))
    watched.session.glance()
    assert (watched.now.status.step, watched.now.status.total) == (50, 100)
    assert watched.now.status.loss == 0.25
    assert watched.now.status.history == 0.0
    assert not watched.now.series


def test_history_then_growth(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    assert watched.now.status.history is None
    assert watched.now.status.state == "unknown"
    watched.write(bar(51))
    assert (watched.now.status.state, watched.now.status.step) == ("training", 51)
    assert watched.now.status.rate == pytest.approx(1.0)
    assert watched.now.status.eta == pytest.approx(49.0)


def test_an_old_log_is_unknown_and_never_stalled(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    watched.round(100_000.0)
    assert watched.now.status.state == "unknown"


def test_stalled_needs_growth_that_was_seen(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin().write(bar(51)).write(bar(52))
    watched.round(120.0)
    assert watched.now.status.state == "training"
    watched.round(120.0)
    assert watched.now.status.state == "stalled"
    watched.write(bar(53))
    assert watched.now.status.state == "training"


def test_silence_while_sampling_is_normal(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin().write(bar(51))
    watched.write("\ngenerating sample images at step / サンプル: 51\n")
    watched.round(900.0)
    assert watched.now.status.state == "sampling"
    assert watched.now.status.advice == "wait"


def test_finished_when_all_steps_are_done(log: Path) -> None:
    watched = Watched(log, bars(1, 100)).begin()
    assert watched.now.status.state == "finished"
    assert watched.now.status.eta is None


def test_crash_and_out_of_memory(log: Path) -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
    watched = Watched(log, bars(1, 50)).begin()
    watched.write(f"\n{trace}ValueError: something odd\n")
    assert watched.now.status.state == "crashed"
    assert [f.id for f in watched.now.findings if f.state == "firing"] == ["crashed"]
    other = Watched(log.with_name("other.log"), bars(1, 50)).begin()
    other.write(f"\n{trace}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.\n")
    assert other.now.status.state == "out of memory"
    assert other.now.findings[0].id == "cuda-oom"
    assert other.now.findings[0].fixes


def test_training_that_goes_on_after_a_traceback(log: Path) -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: odd\n'
    watched = Watched(log, bars(1, 50)).begin().write(f"\n{trace}").write(bars(51, 90))
    assert watched.now.status.state == "training"
    assert all(f.state == "resolved" for f in watched.now.findings if f.id == "crashed")


def test_the_last_run_of_a_log_is_the_subject(log: Path) -> None:
    oom = (
        '\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n'
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.\n"
    )
    start = "2026-11-21 06:18:31 INFO     Using v1 tokenizer                strategy_sd.py:26\n"
    watched = Watched(log, bars(1, 40) + oom + start + bars(1, 9, total=200)).begin()
    assert watched.now.status.step == 9
    assert watched.now.findings == ()
    assert [(e.step, e.total) for e in watched.now.earlier] == [(40, 100)]


def test_truncated_while_watched(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    log.write_text(bars(1, 3, total=7), encoding="utf-8")
    watched.round(1.0)
    assert (watched.now.status.step, watched.now.status.total) == (3, 7)
    assert any("emptied" in why for _, why in watched.now.unread)
    assert watched.now.series["loss"].count <= 3


def test_deleted_while_watched(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    log.unlink()
    watched.round(1.0)
    assert any("deleted" in why for _, why in watched.now.unread)
    assert watched.now.status.step == 50
    log.write_text(bars(1, 60), encoding="utf-8")
    watched.round(1.0)
    assert watched.now.status.step == 60
    assert watched.now.unread == ()


def test_nothing_new_is_the_same_object(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    before = watched.now
    watched.round(3.0)
    assert watched.now is before


def test_revisions_say_what_changed(log: Path) -> None:
    watched = Watched(log, bars(1, 50)).begin()
    before = dict(watched.now.revisions)
    watched.write("\nsome text\n")
    after = watched.now.revisions
    assert after["log"] != before["log"]
    assert after["series"] == before["series"]


def test_acknowledge_and_tick(log: Path) -> None:
    watched = Watched(log, bars(1, 30, loss="nan")).begin()
    assert watched.now.findings[0].id == "loss-nan"
    watched.session.send(Action("acknowledge", "loss-nan"))
    watched.round()
    assert watched.now.findings[0].acknowledged


class Gpus:
    """Machine readings that the test sets."""

    def __init__(self) -> None:
        self.machine = Machine()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def host(self) -> HostReading | None:
        return HostReading(cpu=12.0, cores=8)

    def latest(self) -> Machine:
        return self.machine


def test_machine_readings_come_with_the_snapshot(log: Path) -> None:
    log.write_text(bars(1, 5), encoding="utf-8")
    gpus, clock = Gpus(), ManualClock(5.0)
    session = Session(Tail(log, clock), None, machine=gpus, clock=clock)
    session.prepare()
    session.step()
    before = session.latest().revisions.get("machine", 0)
    gpus.machine = Machine((GpuReading(0, "card", utilisation=97),))
    clock.advance(1.0)
    session.step()
    assert session.latest().machine is gpus.machine
    assert session.latest().host == HostReading(cpu=12.0, cores=8)
    assert session.latest().revisions["machine"] == before + 1


class Kept:
    """A recorder that the test can look into."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []

    def batch(self, batch: Batch) -> None:
        self.batches.append(batch.data)

    def machine(self, machine: Machine, time: float) -> None: ...

    def close(self) -> None: ...


def test_everything_read_is_recorded(log: Path) -> None:
    log.write_text(bars(1, 5), encoding="utf-8")
    kept = Kept()
    session = Session(Tail(log), None, recorder=kept)
    session.prepare()
    session.step()
    assert b"".join(kept.batches) == log.read_bytes()


def test_a_detector_that_raises_is_switched_off(log: Path) -> None:
    watched = Watched(log, bars(1, 5))
    watched.session.prepare()
    run = watched.session._run
    detector = run.panel._detectors[0]

    def fail(view: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    detector.update = fail  # type: ignore[method-assign,assignment]
    watched.round()
    assert [broken.id for broken in run.broken] == [detector.id]
    assert "broken on purpose" in run.broken[0].trace
    assert watched.now.status.step == 5


def test_the_thread_reads_and_ends(log: Path) -> None:
    log.write_text(bars(1, 50), encoding="utf-8")
    session = Session(Tail(log), None)
    session.start()
    session.read_history()
    with session.changed:
        assert session.changed.wait_for(lambda: "loss" in session.latest().series, timeout=20)
    session.stop()
    assert session._thread is not None
    session._thread.join(timeout=10)
    assert not session._thread.is_alive()


@pytest.mark.parametrize("text", ["", "\n\n", "just words\n", "\x1b[2J[/foo] [bold]\n"])
def test_logs_without_any_step(log: Path, text: str) -> None:
    watched = Watched(log, text).begin()
    assert watched.now.status.step is None
    assert watched.now.findings == ()
