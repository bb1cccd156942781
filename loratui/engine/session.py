"""Watches one run: one thread owns all state, a mailbox holds the newest snapshot."""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, Checkpoint, Metrics, Sample, SourceChange
from loratui.core.facts import HostReading, Machine, Surroundings
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.aside import Aside
from loratui.engine.feed import Action
from loratui.engine.glimpse import run_of
from loratui.engine.gpus import MachineFeed
from loratui.engine.mailbox import Mailbox
from loratui.engine.process import RunProcess
from loratui.engine.recognised import recognised
from loratui.engine.run import Run
from loratui.engine.status import Growth, allowed, status_of
from loratui.engine.usual import step_times
from loratui.sources.base import Source
from loratui.sources.tail import Tail
from loratui.trainers.reading.reader import Reader

if TYPE_CHECKING:
    from loratui.core.running import FoundRun
    from loratui.engine.configuration import Configuration
    from loratui.engine.evidence import EvidenceFolder
    from loratui.engine.followers import Followers
    from loratui.kb.base import KnowledgeBase

BUSY, IDLE = 0.05, 0.5
"""Seconds between polls of a growing and of a quiet source."""

SETTLE = 0.25
"""Seconds of quiet after which an unfinished line is read as if it had ended."""

DRAWN = 0.08
"""Seconds of quiet after which the newest draw of a bar is that step's own."""

CALM = 10.0
"""Seconds without growth after which a source counts as quiet."""

HEAD_START = 0.06
"""Seconds after the first screen in which a first key finds the processor free."""

HOST = 5.0
"""Seconds between looks at the processor, memory and disk."""

REST = 0.1
"""Seconds between rounds in which nothing but the log's growth is looked at."""

SETTLED = 3.0
"""Seconds of watching after which the run's process is looked for."""

TICK = 1.0
"""Seconds between looks at what a detector may want to know besides the log."""

PUBLISH = 0.2
"""Seconds between snapshots while a long history is read."""


Beside = tuple[bool, list[Checkpoint | Sample], list[Metrics]]
"""Whether all that was there has been read, files that were written, and series."""

Load = Callable[[Callable[[], None]], "KnowledgeBase"]


class Recorder(Protocol):
    """Keeps what was read, to be played again."""

    def batch(self, batch: Batch) -> None: ...

    def machine(self, machine: Machine, time: float) -> None: ...

    def close(self) -> None: ...


class Session:
    """A `Feed` over one source.

    `load` reads the knowledge base, in the session's thread, and calls what it is given now and
    then, so that a key that was pressed meanwhile is answered first.
    """

    def __init__(
        self,
        source: Source,
        load: Load | None,
        *,
        path: str = "",
        machine: MachineFeed | None = None,
        recorder: Recorder | None = None,
        clock: Clock | None = None,
        followers: Followers | None = None,
        configuration: Configuration | None = None,
        process: RunProcess | None = None,
        evidence: EvidenceFolder | None = None,
        platform: str = "",
        find_process: Callable[[], FoundRun | None] | None = None,
    ) -> None:
        self.source = source
        self._process = process
        self._evidence = evidence
        self._platform = platform
        self._finder = Aside(find_process) if find_process is not None else None
        self._ticked = float("-inf")
        self._watched: int | None = None
        self._configuration = configuration
        self._configured: tuple[str, int] | None = None
        self._followed: int | None = None  # the run whose files are followed, by its offset
        self._followers = followers
        self._load = load
        self._machine = machine
        self._recorder = recorder
        self._clock = clock or SystemClock()
        self._reader = Reader(source.name)
        self._run = Run(None, source.name)
        self._growth = Growth(first=self._clock.now())
        self._acknowledged: set[str] = set()
        self._notes: list[tuple[str, str]] = []
        self._actions: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._history = threading.Event()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._mailbox = Mailbox(path or source.name)
        self._flushed = True
        self._glanced = False
        self._published = 0.0
        self._round = float("-inf")
        self._aside: Aside[Beside] | None = None
        self._host_at = float("-inf")
        self._host_reading: HostReading | None = None
        self._way_until = 0.0
        self._last_data: float | None = None
        self.ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def changed(self) -> threading.Condition:
        """Notified whenever a new snapshot lies in the mailbox, and at the end."""
        return self._mailbox.changed

    # the Feed

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="session", daemon=True)
        self._thread.start()

    def read_history(self) -> None:
        self._history.set()

    def latest(self) -> SessionSnapshot:
        return self._mailbox.latest

    def send(self, action: Action) -> None:
        self._actions.put(action)
        self._wake.set()

    def give_way(self, seconds: float) -> None:
        self._way_until = time.monotonic() + seconds

    def _breathe(self) -> None:
        """Let the screen have the processor: a moment always, longer after a key."""
        time.sleep(0.0002)
        while (left := self._way_until - time.monotonic()) > 0 and not self._stopping.is_set():
            time.sleep(min(left, 0.02))

    def stop(self) -> None:
        self._stopping.set()
        self._history.set()
        self._wake.set()
        if self._machine is not None:
            self._machine.stop()
        if self._recorder is not None:
            self._recorder.close()
        for aside in (self._aside, self._finder):
            if aside is not None:
                aside.close()
        if self._followers is not None:
            self._followers.close()

    # the thread

    def _watch(self) -> None:
        self.glance()
        self._history.wait()
        if self._stopping.wait(HEAD_START):
            return
        self._breathe()
        self.prepare()
        if self._machine is not None:  # only now: NVML may take seconds to begin
            self._machine.start()
        while not self._stopping.is_set():
            grew = self.step()
            quiet = self._clock.now() - (self._last_data or self._growth.first)
            if grew and self.source.share() is not None:
                self._breathe()  # a long history: no waiting but for the screen
                continue
            self._wake.wait(BUSY if quiet < CALM else IDLE)
            self._wake.clear()

    def glance(self) -> None:
        """Read the end of a file that is there, so that the status stands before the history."""
        if not isinstance(self.source, Tail):
            return
        batch = self.source.glance()
        if batch is None or not batch.data:
            return
        run = run_of(batch)
        status = status_of(run, self._growth, self._clock.now(), 0.0)
        self._glanced = True
        self._mailbox.put_status(replace(status, note=""), run)

    def prepare(self) -> None:
        """Load the knowledge base and with it the detectors."""
        kb = None
        try:
            kb = self._load(self._breathe) if self._load is not None else None
        except Exception as error:  # watching without advice is better than not watching
            self._notes.append(("knowledge base", f"not usable: {type(error).__name__}: {error}"))
        self._run = Run(kb, self.source.name)
        gc.freeze()  # the knowledge base stays: no collection need look through it again
        gc.set_threshold(20_000)  # a chunk of a log makes a thousand rows that go together
        if kb is not None:
            self._notes += [(problem.where, problem.text) for problem in kb.problems]

    def step(self) -> bool:
        """One round: read what is new, let it be judged, publish. True if there was new data."""
        now = self._clock.now()
        grew = False
        items = self.source.poll()
        if not items and self._rests(now):
            return False
        self._round = now
        for item in items:
            if isinstance(item, Batch):
                grew = True
                self._read(item, now)
            else:
                self._changed(item, now)
        if not grew:
            self._settle(now)
        if self._followers is not None and self.source.share() is None:
            grew = self._follow(self._followers, now) or grew
        if self.source.share() is None:
            self._configure()
            self._tick(now)
        self._act()
        if self.source.over() and self._flushed:
            self._growth.over = True
        share = self.source.share()
        if share is None or now - self._published >= PUBLISH or not grew:
            self._published = now
            self.publish(now)
        if self._growth.over and self._flushed and not self.ended.is_set():
            with self._mailbox.changed:
                self.ended.set()
                self._mailbox.changed.notify_all()
        return grew

    def _rests(self, now: float) -> bool:
        """Whether there is nothing to do but to wait: many logs are watched at once."""
        if now - self._round >= REST or now < self._round or not self._actions.empty():
            return False
        waits = self._last_data is None or now - self._last_data < DRAWN
        return (self._flushed or waits) and self.source.share() is None and not self.source.over()

    def drain(self) -> None:
        """Read everything that is there, as if the source were over, and publish once."""
        while True:
            items = self.source.poll()
            now = self._clock.now()
            for item in items:
                if isinstance(item, Batch):
                    self._read(item, now)
                else:
                    self._changed(item, now)
            if not items:
                break
        self._run.apply(self._reader.flush(), self._clock.now())
        self._configure()
        while self._followers is not None and self._followers.left:
            self._run.follow(self._followers.poll(self._clock.now()), self._clock.now())
        self._run.conclude(self._clock.now())
        self._growth.over = True
        self.publish(self._clock.now())

    def _follow(self, followers: Followers, now: float) -> bool:
        """What the files beside the log have to say, once the log itself has been read."""
        if self._aside is None:
            self._aside = Aside(self._look_beside)
        if self._run.begun != self._followed and not self._aside.busy:
            if self._followed is not None:
                followers.renew()
            self._followed = self._run.begun
        answer = self._aside.ask()
        if answer is None:
            return False
        caught_up, written, metrics = answer
        if written:
            self._run.written(written, now)
        if followers.void:
            followers.void = False
            self._run.forget_followed()
        if not metrics:
            return False
        if caught_up:
            self._lives(now)
        self._last_data = now
        self._run.follow(metrics, now)
        return True

    def _look_beside(self) -> Beside:
        """In a thread of its own, for the folder may be on a mount that hangs."""
        followers = self._followers
        assert followers is not None
        caught_up = followers.share() is None
        return caught_up, followers.files_written(), followers.poll(self._clock.now())

    def _tick(self, now: float) -> None:
        """Once a second, what is known of the run besides its log."""
        if now - self._ticked < TICK or self._run.kb is None:
            return
        self._ticked = now
        growth, run = self._growth, self._run
        self._find_process(now)
        if self._process is not None and not self._process.alive():
            growth.gone = True
        live = growth.seen is not None and not growth.over and not growth.gone
        machine = self._machine.latest() if self._machine is not None else None
        run.look(
            self._platform,
            Surroundings(
                machine=machine if machine is not None and machine.gpus else None,
                host=self._host(now),
                processes=self._process.ranks if self._process is not None else None,
                phase=run.course.phase,
                quiet=now - growth.seen if live and growth.seen is not None else None,
                gap=growth.gap,
                allowed=allowed(run, growth),
                gone=growth.gone,
                watched_from=self._watched_from(),
                step_times=step_times(self._run.kb, machine.gpus if machine is not None else ()),
            ),
            now,
        )

    def _find_process(self, now: float) -> None:
        """Once: whose output the log is. It waits until the first keys have been answered."""
        if self._finder is None or now - self._growth.first < SETTLED:
            return
        found = self._finder.ask()
        if self._finder.busy:
            return
        self._finder.close()
        self._finder = None
        if found is not None:
            self._process = RunProcess(found.pid, found.started, found.ranks)
            if self._machine is not None and found.gpu_indices:
                self._machine.narrow(found.gpu_indices)

    def _watched_from(self) -> int | None:
        """The step since when checkpoints in the run's output folder would have been seen."""
        followers, run = self._followers, self._run
        if followers is None:
            return None
        if self._watched is None and followers.watches(run.facts.config.get("output_path")):
            progress = run.course.progress
            self._watched = progress.step if progress is not None else 0
        return self._watched

    def _configure(self) -> None:
        """Read the configuration once it is known whose it is, and again for another run."""
        run, files = self._run, self._configuration
        if files is None or run.kb is None:
            return
        trainer = run.facts.trainer
        if trainer == "unknown":
            if isinstance(self.source, Tail) or self._configured is not None:
                return
            trainer = files.trainer()
        if (trainer, run.begun) == self._configured:
            return
        self._configured = (trainer, run.begun)
        try:
            known = files.read(run.kb, trainer, run.facts.name)
        except Exception as error:  # a file of the user's must not end the watching
            said = f"not understood: {type(error).__name__}: {error}"
            self._notes.append(("configuration", said))
            return
        self._notes += known.problems
        run.configure(known, trainer, self._clock.now())

    def _read(self, batch: Batch, now: float) -> None:
        if self._recorder is not None:
            self._recorder.batch(batch)
        if batch.fresh:
            self._lives(now)
        self._last_data = now
        self._flushed = False
        self._run.apply(self._reader.feed(batch), now)

    def _lives(self, now: float) -> None:
        """The run has just given a sign of life."""
        growth = self._growth
        if growth.seen is not None and self._run.course.phase == "training":
            growth.gap = max(growth.gap, now - growth.seen)
        growth.seen = now

    def _settle(self, now: float) -> None:
        if self._flushed:
            return
        quiet = now - self._last_data if self._last_data is not None else SETTLE
        if quiet < SETTLE and not self.source.over():
            if quiet >= DRAWN:
                self._run.apply(self._reader.flush_bar(), now)
            return
        self._flushed = True
        self._run.apply(self._reader.flush(), now)

    def _changed(self, change: SourceChange, now: float) -> None:
        self._run.apply(self._reader.flush(), now)
        self._flushed = True
        if change.kind in ("truncated", "replaced"):
            self._reader = Reader(self.source.name)
            kb, earlier = self._run.kb, self._run.earlier
            self._run = Run(kb, self.source.name)
            self._run.earlier = earlier
            self._mailbox.forget()
        if change.kind == "end":
            self._growth.over = self._growth.gone = True
            self._ticked = float("-inf")  # nobody may look again in a second
        elif change.detail:
            self._notes = [note for note in self._notes if note[0] != change.source]
            if change.kind != "back":
                self._notes.append((change.source, change.detail))

    def _act(self) -> None:
        while True:
            try:
                action = self._actions.get_nowait()
            except queue.Empty:
                return
            self._acknowledged ^= {action.target}
            self._run.revisions["findings"] += 1

    # publishing

    def publish(self, now: float) -> None:
        """Put a new snapshot into the mailbox if anything has changed."""
        old, share = self._mailbox.latest, self.source.share()
        status = status_of(self._run, self._growth, now, share)
        if self._glanced and share is not None:
            # the end of the log, seen at once, stays until the history has caught up with it
            status = replace(old.status, history=share)
        machine = self._machine.latest() if self._machine is not None else old.machine
        if self._recorder is not None and machine is not old.machine:
            self._recorder.machine(machine, now)
        host = self._host(now)
        seen = frozenset(self._acknowledged)
        notes = [*self._notes, *(self._followers.problems if self._followers else ())]
        if share is None:
            notes += recognised(self._reader.seen, self._run, over=self._growth.over)
        evidence = self._evidence
        if evidence is not None and evidence.problem:
            notes.append(("evidence", evidence.problem))
        kept = dict(evidence.kept) if evidence is not None else {}
        self._mailbox.put(self._run, status, machine, host, tuple(notes), seen, kept)
        if evidence is not None:
            evidence.keep(self._mailbox.latest, now)

    def _host(self, now: float) -> HostReading | None:
        if self._machine is not None and now - self._host_at >= HOST:
            self._host_at = now
            self._host_reading = self._machine.host()
        return self._host_reading
