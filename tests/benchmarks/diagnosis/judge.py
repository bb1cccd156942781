"""Shows cases to loratui through its own doors and says what it made of them.

The doors: `file` (`engine.diagnosis.diagnose` on a log or run folder), `cli` (the command),
`pieces` (the bytes of the log through a source, a small part of the run at a time, so that it is
known when a finding fired) and `live` (a session over files that grow, with a clock that is moved
by hand).
"""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from loratui.core.clock import ManualClock
from loratui.core.events import Batch, SourceChange
from loratui.core.facts import GpuReading, HostReading, Machine
from loratui.core.findings import Finding, Severity
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.attach import look_at
from loratui.engine.configuration import Configuration
from loratui.engine.diagnosis import diagnose, read_all
from loratui.engine.followers import opened
from loratui.engine.session import SETTLE, Session
from loratui.kb import load
from loratui.kb.base import KnowledgeBase
from tests.benchmarks.diagnosis.make import tables
from tests.benchmarks.diagnosis.make.effects import TICK
from tests.benchmarks.diagnosis.make.runs import HEALTHY
from tests.benchmarks.diagnosis.make.story import Made, Mark, Reading

PIECES = 80
"""Parts of the run in which a log is shown; half as many where no delay is asked for."""

ROUNDS = 60
"""Looks at a run that grows."""

LOG = "console.log"


@dataclass(frozen=True, slots=True)
class Fired:
    """A finding as loratui gave it."""

    id: str
    severity: int
    first: int | None
    fired: int | None
    state: str


@dataclass(slots=True)
class Outcome:
    """What became of one case. `delay` is in steps after `there`, None where it is not known."""

    key: str
    id: str
    format: str
    level: float
    door: str
    steps: int
    found: bool = False
    delay: int | None = None
    slack: int = 0
    why: str = ""
    note: str = ""
    fired: list[Fired] = field(default_factory=list)

    @property
    def loud(self) -> list[str]:
        """Findings of severity warning or worse."""
        return [f.id for f in self.fired if f.severity >= Severity.WARNING]


@cache
def knowledge() -> KnowledgeBase:
    return load()


_judged = 0


def _tidy() -> None:
    """A session freezes all that there is, the leftovers of those before it included."""
    global _judged
    _judged += 1
    if _judged % 100 == 0:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def judge(made: Made) -> Outcome:
    """Show the case; whatever goes wrong on the way is a miss, with the reason."""
    outcome = Outcome(
        made.key, made.id, made.format, made.level, made.door, made.steps, note=made.note
    )
    outcome.slack = made.slack
    try:
        with tempfile.TemporaryDirectory(prefix="diagnosis-") as name:
            outcome.fired = _show(made, Path(name))
    except Exception as error:  # the benchmark goes on; the case counts as missed
        outcome.why = f"raised {type(error).__name__}: {error}"
        return outcome
    finally:
        _tidy()
    if made.id != HEALTHY:
        _compare(made, outcome)
    return outcome


def _compare(made: Made, outcome: Outcome) -> None:
    own = next((f for f in outcome.fired if f.id == made.id), None)
    if own is None:
        others = ", ".join(f.id for f in outcome.fired)
        outcome.why = f"found {others}" if others else "found nothing"
        return
    grain = max(1, made.steps // PIECES) + 1
    early = own.fired is not None and made.begin and own.fired < made.begin - grain
    if early and own.state != "firing":
        outcome.why = f"fired at {own.fired}, before the fault began at {made.begin}, and was over"
        return
    outcome.found = True
    timed = made.there is not None and made.door in ("pieces", "live") and not early
    if timed and own.fired is not None and made.there is not None:
        outcome.delay = max(0, own.fired - made.there)


def _show(made: Made, folder: Path) -> list[Fired]:
    if made.door == "live":
        return _fired(_watched(made, folder).findings)
    if made.door == "pieces":
        kb, parts = knowledge(), PIECES // 2 if made.id == HEALTHY else PIECES
        return _fired(read_all(Session(Pieces(_cut(made, parts)), lambda _: kb)).findings)
    _lay(made, folder)
    path = folder if made.files or not made.console else folder / LOG
    if made.door == "cli":
        return _command(path)
    return _fired(diagnose(path, knowledge()).findings)


def _fired(findings: Iterable[Finding]) -> list[Fired]:
    return [Fired(f.id, int(f.severity), f.first_step, f.fired_step, f.state) for f in findings]


def _command(path: Path) -> list[Fired]:
    done = subprocess.run(
        [sys.executable, "-m", "loratui", "diagnose", "--json", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-200:]}")
    return [
        Fired(
            f["id"], int(Severity.of(f["severity"])), f["first_step"], f["fired_step"], f["state"]
        )
        for f in json.loads(done.stdout)["findings"]
    ]


def show_text(data: bytes) -> list[Fired]:
    """The findings of a log that is given whole."""
    kb = knowledge()
    try:
        return _fired(read_all(Session(Pieces([(0.0, data)]), lambda _: kb)).findings)
    finally:
        _tidy()


class Pieces:
    """A source that gives a log in parts, each with the time at which it was complete."""

    def __init__(self, parts: list[tuple[float, bytes]]) -> None:
        self.name = LOG
        self._left = parts[::-1]
        self._offset = 0

    def poll(self) -> list[Batch | SourceChange]:
        if not self._left:
            return []
        time, data = self._left.pop()
        batch = Batch(self.name, self._offset, data, time)
        self._offset += len(data)
        return [batch]

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return not self._left

    def close(self) -> None:
        """Nothing is held open."""


def _cut(made: Made, parts: int) -> list[tuple[float, bytes]]:
    """The log in about so many parts, each with the time at which it was complete."""
    every = max(1, len(made.marks) // parts)
    cuts = made.marks[every - 1 :: every]
    found, begin = [], 0
    for mark in cuts:
        text = "".join(made.parts[begin : mark.parts])
        found.append((mark.time, text.encode()))
        begin = mark.parts
    last = made.marks[-1].time if made.marks else 0.0
    rest = "".join(made.parts[begin:])
    return [*found, (last, rest.encode())] if rest else found


def _lay(made: Made, folder: Path, *, empty: bool = False) -> None:
    """Write the run folder: complete, or as it is before the first step."""
    for name, data in made.files.items():
        _append(folder / name, data)
    if made.console:
        (folder / LOG).write_bytes(b"" if empty else made.text.encode())
    for name, pieces in made.growing.items():
        _grow(folder / name, [p for p in pieces if not empty or p[0] == 0])
    for _step, name in () if empty else made.saved:
        _append(folder / name, b"weights" * 64)


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def _grow(path: Path, pieces: tables.Pieces) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".db":
        tables.insert(path, pieces)
    else:
        _append(path, b"".join(data for _, data in pieces))


class Box:
    """GPU and host as the case says they were."""

    def __init__(self, made: Made, clock: ManualClock) -> None:
        self._readings = made.readings
        self._card, self._clock, self._begin = made.card, clock, clock.now()
        self._machine = Machine()
        self._at = -1

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def _reading(self) -> Reading | None:
        time = self._clock.now() - self._begin
        while self._at + 1 < len(self._readings) and self._readings[self._at + 1].time <= time:
            self._at += 1
        return self._readings[self._at] if self._at >= 0 else None

    def latest(self) -> Machine:
        reading = self._reading()
        if reading is None:
            return self._machine
        now = self._clock.now()
        if now != self._machine.time:
            gpu = GpuReading(
                0,
                name=self._card,
                uuid="GPU-1",
                utilisation=round(reading.gpu),
                memory_used=14 << 30,
                memory_total=24 << 30,
                temperature=66,
                power=180.0 + reading.gpu,
                power_limit=450.0,
            )
            self._machine = Machine((gpu,), driver="570.86", cuda="12.8", time=now)
        return self._machine

    def host(self) -> HostReading | None:
        reading = self._reading()
        cpu = None if reading is None else reading.cpu
        return HostReading(cpu, 16, 20 << 30, 64 << 30, 400 << 30, "/workspace")


def _watched(made: Made, folder: Path) -> SessionSnapshot:
    """A session over a folder in which the run's files grow."""
    _lay(made, folder, empty=True)
    clock = ManualClock(time.time())
    begin, kb = clock.now(), knowledge()
    found = look_at(folder if made.files or not made.console else folder / LOG)
    source, followers = opened(found, clock)
    session = Session(
        source,
        lambda _: kb,
        machine=Box(made, clock) if made.readings else None,
        clock=clock,
        followers=followers,
        configuration=Configuration(found.folder),
    )
    session.prepare()
    growing = {name: list(reversed(pieces)) for name, pieces in made.growing.items()}
    saved = list(reversed(made.saved))
    log = (folder / LOG).open("ab") if made.console else None
    parts = 0
    look(session, clock, 0.0)
    for end, mark, now in _moments(made):
        for name, pieces in growing.items():
            due = []
            while pieces and pieces[-1][0] <= mark.step:
                due.append(pieces.pop())
            if due:
                _grow(folder / name, due)
        while saved and saved[-1][0] <= mark.step:
            _append(folder / saved.pop()[1], b"weights" * 64)
        if log is not None and end > parts:
            log.write("".join(made.parts[parts:end]).encode())
            log.flush()
            parts = end
        look(session, clock, begin + now - clock.now())
    if log is not None:
        log.close()
    for _ in range(3):
        look(session, clock, SETTLE * 2)
    snapshot = session.latest()
    session.stop()
    session.source.close()
    return snapshot


def _moments(made: Made) -> Iterator[tuple[int, Mark, float]]:
    """How much of the log there is, up to which step, and when: every TICK seconds where the
    machine is watched, else at parts of the run."""
    marks, last = made.marks, len(made.parts)
    if not made.readings:
        every = max(1, len(marks) // ROUNDS)
        for mark in marks[every - 1 : -1 : every]:
            yield mark.parts, mark, mark.time
        yield last, marks[-1], marks[-1].time
        return
    at, now = -1, 0.0
    end = marks[-1].time + made.silence
    while now <= end:
        while at + 1 < len(marks) and marks[at + 1].time <= now:
            at += 1
        if at >= 0:
            # what follows the last step belongs to it, but nothing follows a run that hangs
            whole = at == len(marks) - 1 and not made.silence
            yield last if whole else marks[at].parts, marks[at], now
        now += TICK
    yield marks[-1].parts if made.silence else last, marks[-1], end


def look(session: Session, clock: ManualClock, seconds: float) -> None:
    """Let time pass, then read what is there."""
    clock.advance(max(0.0, seconds - SETTLE - 0.01))
    grew = False
    while session.step():
        grew = True
    clock.advance(SETTLE + 0.01)
    if grew:
        session.step()


def write(made: Made, outcome: Outcome, target: Path) -> None:
    """Keep a case that was judged wrongly, to be studied."""
    place = target / made.key.replace(":", "_").replace("+", "-")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    _lay(made, place)
    fired = "\n".join(f"  {f}" for f in outcome.fired)
    (place / "NOTE.txt").write_text(
        f"{made.key}\nplanted {made.id} {made.note}\nbegin {made.begin} there {made.there} of "
        f"{made.steps}, log-sd {made.level}, shown as {made.door}\n"
        f"result: {outcome.why or outcome.loud or 'late'} delay {outcome.delay}\n{fired}\n",
        encoding="utf-8",
    )
