"""One training run as far as its log has been read: the single owner of all state about it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from loratui.core.events import (
    Checkpoint,
    Config,
    Counting,
    Ended,
    Event,
    Failure,
    LogLine,
    Metrics,
    Phase,
    Progress,
    Removed,
    Resumed,
    RunBegan,
    Sample,
)
from loratui.core.facts import (
    Card,
    ConfigValue,
    LossKind,
    Resumption,
    RunFacts,
    SavesSaid,
    Surroundings,
)
from loratui.core.findings import Verdict
from loratui.core.series import Series
from loratui.core.snapshot import EarlierRun
from loratui.engine.beside import Beside
from loratui.engine.continuation import Continuation, Former
from loratui.engine.facts import facts_of
from loratui.engine.lifecycle import Lifecycle
from loratui.engine.pace import Pace
from loratui.engine.panel import Broken, Panel
from loratui.engine.slices import slices, width
from loratui.engine.trend import Trend

if TYPE_CHECKING:
    from loratui.detectors.base import Columns
    from loratui.engine.configuration import Known
    from loratui.kb.base import KnowledgeBase

LINES = 500
"""Log lines kept for the screen."""

OPENING = 3
"""Losses by which a run is known again."""


@dataclass(slots=True)
class Course:
    """What happened last in the run's own story."""

    phase: str | None = None
    progress: Progress | None = None
    failure: Failure | None = None
    ended: Ended | None = None
    over_at: int = 0  # the step at which a failure or an end was read
    checkpoints: list[Checkpoint] = field(default_factory=list)
    samples: int = 0
    epoch: int | None = None
    epochs: int | None = None
    epoch_marks: list[int] = field(default_factory=list)


class Run:
    """Takes events in order, keeps series and facts, and asks the detectors after each batch."""

    def __init__(self, kb: KnowledgeBase | None = None, source: str = "") -> None:
        self.kb = kb
        self.source = source
        self.earlier: list[EarlierRun] = []
        self.revisions = dict.fromkeys(
            ("status", "series", "findings", "log", "facts", "checklist"), 0
        )
        self.panel = Panel(kb)
        self._trainer = "unknown"
        self._loss_kind: LossKind = "unknown"
        self._saves: SavesSaid = "never"
        self._card: Card | None = None
        self._platform = ""
        self._begin(0)

    def _begin(self, offset: int) -> None:
        self.begun = offset
        self.course = Course()
        self.continuation = Continuation()
        self.series: dict[str, Series] = {}
        self.pace = Pace()
        self.panel.begin()
        self.trend = Trend()
        self.fall: tuple[int, tuple[bool | None, str]] = (-1, (None, ""))
        self.lines: deque[LogLine] = deque(maxlen=LINES)
        self.line_count = 0
        self.key = ""
        self._opening: list[float] = []
        self.beside = Beside()
        self.around = Surroundings()
        self._told = 0
        self._concluded = False
        self._told_before: int | None = None
        self._known: Known | None = None
        self._settings: dict[str, tuple[int, ConfigValue]] = {}
        self.facts = RunFacts()
        self._set_facts()

    @property
    def lifecycle(self) -> Lifecycle:
        """What has fired, and since when."""
        return self.panel.lifecycle

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """What each detector said last."""
        return self.panel.verdicts

    @property
    def broken(self) -> list[Broken]:
        """Detectors that raised and are switched off."""
        return self.panel.broken

    # events

    def apply(self, events: Sequence[Event], now: float) -> None:
        """Everything that one batch held, in order."""
        begin = 0
        for at, event in enumerate(events):
            if isinstance(event, RunBegan):
                self._batch(events[begin:at], now)
                self._next_run(event)
                begin = at + 1
        self._batch(events[begin:] if begin else events, now)

    def _next_run(self, event: RunBegan) -> None:
        progress = self.course.progress
        if progress is not None or self.course.failure is not None or self.lifecycle.tracked:
            self.earlier.append(
                EarlierRun(
                    self.facts.name,
                    progress.step if progress else None,
                    progress.total if progress else None,
                    self.begun,
                )
            )
        former = None
        if progress is not None:
            former = Former(
                self.key,
                self._trainer,
                progress.step,
                self.series,
                tuple(self.course.checkpoints),
                tuple(self.course.epoch_marks),
            )
        kept = self.lifecycle.since(event.offset)
        settings = {
            name: (offset, value)
            for name, (offset, value) in self._settings.items()
            if offset >= event.offset
        }
        lines = [line for line in self.lines if line.offset >= event.offset]
        self._begin(event.offset)
        self.continuation.former = former
        self._settings = settings
        for line in lines:
            self.lines.append(line)
        self.line_count = len(lines)
        for tracked in kept:
            tracked.first_step = tracked.fired_step = tracked.last_step = None
            self.lifecycle.tracked[tracked.id] = tracked
        for name in self.revisions:
            self.revisions[name] += 1
        self._set_facts()

    def _batch(self, events: Sequence[Event], now: float) -> None:
        if not events:
            return
        metrics: dict[str, Columns] = {}
        lines: list[LogLine] = []
        failures: list[Failure] = []
        pauses: list[int] = []
        files: list[Checkpoint | Removed] = []
        before = self.course.progress
        marks = [(-1, before.step)] if before is not None else []
        count = self.line_count
        for event in events:
            if self.continuation.base:
                event = self.continuation.moved(event, self._asked())
            if isinstance(event, Metrics):
                if name := self.beside.console(event.name):
                    self._metrics(event._replace(name=name), metrics)
            elif isinstance(event, Progress):
                self._progress(event)
                marks.append((event.offset, event.step))
            elif isinstance(event, LogLine):
                if not event.traced:
                    lines.append(event)
                self.lines.append(event)
                self.line_count += 1
            elif isinstance(event, Phase):
                self._phase(event, pauses)
            elif isinstance(event, Failure):
                failures.append(event)
                # the first is the cause; what follows is launchers reporting it
                self.course.failure = self.course.failure or event
                self._note_end()
            elif isinstance(event, Config):
                self._config(event)
            elif isinstance(event, Checkpoint):
                self.course.checkpoints.append(event)
                files.append(event)
            elif isinstance(event, Removed):
                self._removed(event)
                files.append(event)
            elif isinstance(event, Sample):
                self.course.samples += 1
            elif isinstance(event, Ended):
                self.course.ended = event
                self._note_end()
            elif isinstance(event, Resumed):
                self.continuation.hear(event)
                self._set_facts()
            elif isinstance(event, Counting):
                self._counting(event)
        if self.line_count != count:
            self.revisions["log"] += 1
        if metrics:
            self.revisions["series"] += 1
        self.revisions["status"] += 1
        self._ask(now, metrics, lines, failures, pauses, files, marks)

    def look(self, platform: str, around: Surroundings, now: float) -> None:
        """A second has passed: what is known besides the log; `platform` as in `RunFacts`."""
        self.around = around
        gpus = around.machine.gpus if around.machine is not None else ()
        # which of several cards it uses nothing tells, so they must be alike
        alike = {(gpu.name, gpu.capability, gpu.memory_total) for gpu in gpus}
        name, capability, memory = alike.pop() if len(alike) == 1 else (None, None, None)
        card = Card(name or "", capability, memory) if name or capability else None
        if (card, platform) != (self._card, self._platform):
            self._card, self._platform = card, platform
            self._set_facts()
        self._ask(now, timed=True)

    def conclude(self, now: float) -> None:
        """All that there is has been read: of a run that is over, everything that was printed."""
        progress = self.course.progress
        self._concluded = True
        self._ask(now, anew=True)
        if self.kb is not None and self.panel.conclude(progress.step if progress else None):
            self.revisions["findings"] += 1

    def follow(self, events: Sequence[Metrics], now: float) -> None:
        """Series of the same run from other files; each value is taken where it is best.

        A step's own loss replaces a mean that the console prints, and with it what was concluded
        from the mean. What the console gives as well or better stays the console's.
        """
        metrics: dict[str, Columns] = {}
        for event in events:
            name = self.beside.name_of(event, self.series, self._loss_kind)
            if not name:
                continue
            if self.continuation.base and "epoch" not in name:
                event = self.continuation.followed(event)
            if name == "wall_time":
                if self.course.progress is None or self.beside.counts:
                    self._clock(event.steps, event.values)
                continue
            if name == "loss" and self.beside.takes_over(self._loss_kind):
                self._start_over()
            self._metrics(event._replace(name=name), metrics)
            self._count(event)
        if metrics:
            self.revisions["series"] += 1
            self.revisions["status"] += 1
            self._ask(now, metrics)

    def forget_followed(self) -> None:
        """A file beside the log was written anew: what the files said is read again."""
        for name in self.beside.owners:
            self.series.pop(name, None)
        self.beside = Beside(raw=self.beside.raw, counts=self.beside.counts)
        self.panel.judge_anew()
        self.revisions["series"] += 1

    def written(self, files: Sequence[Checkpoint | Sample], now: float) -> None:
        """Files that appeared in the run's output; what the log told already is not told again."""
        known = {_file_name(known.path) for known in self.course.checkpoints}
        new: list[Checkpoint | Removed] = []
        for file in files:
            if isinstance(file, Sample):
                self.course.samples += 1
            elif _file_name(file.path) not in known:
                self.course.checkpoints.append(file)
                new.append(file)
        self.revisions["checklist"] += 1
        self._ask(now, files=new)

    def _removed(self, event: Removed) -> None:
        name = _file_name(event.path)
        kept = [known for known in self.course.checkpoints if _file_name(known.path) != name]
        self.course.checkpoints = kept

    def _start_over(self) -> None:
        """The console's loss was a mean: keep it beside, and judge each step's own from now on."""
        old = self.series.pop("loss", None)
        if old is not None:
            old.name = "mean_loss"
            self.series["mean_loss"] = old
        self._loss_kind = "raw"
        self.panel.judge_anew()
        self.trend = Trend()
        self.fall = (-1, (None, ""))
        self._set_facts()

    def _count(self, event: Metrics) -> None:
        """Without a bar the newest step of a series is how far the run is."""
        progress = self.course.progress
        if progress is not None and not self.beside.counts:
            return
        if progress is None or event.steps[-1] > progress.step:
            self.beside.counts = True
            self.course.phase = self.course.phase or "training"
            total = self.facts.total_steps
            step = event.steps[-1]
            self.course.progress = Progress(event.source, event.offset, step, total)

    def _metrics(self, event: Metrics, metrics: dict[str, Columns]) -> None:
        series = self.series.get(event.name)
        if series is None:
            series = self.series[event.name] = Series(event.name, self.facts.total_steps or 0)
        if event.name == "elapsed":
            self._clock(event.steps, event.values)
        else:
            series.extend(event.steps, event.values)
        if event.name == "loss" and not self.key:
            self._name_run(event.values)
        if self.kb is None:  # a glance: nobody asks
            return
        from loratui.detectors.base import Columns  # only now: the first screen does not wait

        known = metrics.get(event.name)
        if known is None:
            metrics[event.name] = Columns(event.steps, event.values)
        else:
            metrics[event.name] = Columns(
                [*known.steps, *event.steps], [*known.values, *event.values]
            )

    def _clock(self, steps: Sequence[int], elapsed: Sequence[float]) -> None:
        """Seconds since the bar began, or since 1970: how fast it is, and what a step takes."""
        self.pace.extend(steps, elapsed)
        ends, seconds = self.pace.stretches(steps, elapsed)
        if ends:
            known = self.series.setdefault("step_time", Series("step_time"))
            known.extend(ends, seconds)

    def _name_run(self, values: Sequence[float]) -> None:
        """Losses depend on drawn time steps: the first few tell one run of a log from another."""
        self._opening = [*self._opening, *values][:OPENING]
        if len(self._opening) == OPENING:
            said = f"{self.source}\0{self.begun}\0{self._opening}"
            self.key = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()

    def _progress(self, event: Progress) -> None:
        self.course.progress = event
        self.beside.counts = False
        if self.course.failure is not None or self.course.ended is not None:
            self._went_on(event)
        if event.epoch is not None and event.epoch != self.course.epoch:
            self._epoch(event.epoch, event.step)
        if event.epochs is not None:
            self.course.epochs = event.epochs
        if event.total is not None and event.total != self.facts.total_steps:
            self._set_facts()

    def _counting(self, event: Counting) -> None:
        """The bar begins: from what the run goes on, and with which earlier one it is joined."""
        continuation = self.continuation
        continuation.count(event, self.facts)
        if continuation.said is None:
            return
        self._set_facts()
        former = continuation.former
        restored = continuation.restored(self._trainer, event.first + continuation.base)
        if former is None or restored is None:
            return
        self.earlier.pop()
        self.series = {**restored, **self.series}
        self.key = former.key
        self.course.checkpoints = [*former.checkpoints, *self.course.checkpoints]
        at = continuation.at or 0
        self.course.epoch_marks = [mark for mark in former.epoch_marks if mark <= at]
        self._set_facts()

    def _asked(self) -> int | None:
        """The length that was asked for, as the log states it before the bar."""
        found = self._settings.get("max_steps")
        value = found[1].value if found is not None else None
        return value if isinstance(value, int) else None

    def _note_end(self) -> None:
        progress = self.course.progress
        self.course.over_at = progress.step if progress else 0

    def _went_on(self, event: Progress) -> None:
        """Steps after a failure: somebody caught it. A few may come from other ranks."""
        if event.step > self.course.over_at + 3:
            self.course.failure = None
            self.course.ended = None

    def _epoch(self, epoch: int, step: int) -> None:
        self.course.epoch = epoch
        marks = self.course.epoch_marks
        per_epoch = self.facts.epoch_steps
        if self._saves == "late" and per_epoch:  # the line may have waited in a buffer
            step = min(step, (epoch - 1) * per_epoch)
        if epoch > 1 and (not marks or step > marks[-1]):
            marks.append(step)

    def _phase(self, event: Phase, pauses: list[int]) -> None:
        self.course.phase = event.name
        if event.name != "training":
            self.pace.pause()
            if event.step is not None:
                pauses.append(event.step)

    def _config(self, event: Config) -> None:
        if event.option == "trainer":
            self._trainer = str(event.value)
        elif event.option == "loss_kind":
            if not self.beside.raw:  # a file beside the console gives each step's own
                self._loss_kind = event.value  # type: ignore[assignment]
        elif event.option == "saves":
            self._saves = event.value  # type: ignore[assignment]
        elif event.option == "epoch":
            progress = self.course.progress
            self._announced(int(str(event.value)))
            self._epoch(int(str(event.value)), progress.step if progress else 0)
            return
        name = event.option or f"key:{event.key}"
        self._settings[name] = (
            event.offset,
            ConfigValue(event.option, event.value, event.key, event.raw),
        )
        self._set_facts()

    # facts

    def configure(self, known: Known, trainer: str, now: float) -> None:
        """What the files of the configuration say; `trainer` where no log has said it."""
        self._known = known
        if trainer and self._trainer == "unknown":
            self._trainer = trainer
        self._set_facts()
        self._ask(now, anew=True)

    def _set_facts(self) -> None:
        progress = self.course.progress
        facts = facts_of(
            self._trainer,
            self._loss_kind,
            [value for _, value in self._settings.values()],
            progress.total if progress else None,
            self.course.epochs,
            self.kb,
        )
        said = self.continuation.said
        reached = self.continuation.reached
        resumed = Resumption(said.step, said.path, reached) if said is not None else None
        facts = replace(
            facts, saves=self._saves, resumed=resumed, card=self._card, platform=self._platform
        )
        if self._known is not None:
            from loratui.engine.configuration import merged

            facts = merged(facts, self._known)
        if facts != self.facts:
            self.facts = facts
            self.revisions["facts"] += 1

    def _announced(self, epoch: int) -> None:
        """A line says that an epoch begins: what was printed before it has been read by now.

        Counted in batches, as the trainer counts an epoch.
        """
        per_epoch = self.facts.steps_per_epoch
        if per_epoch:
            self._told = max(self._told, (epoch - 1) * per_epoch)

    def _told_up_to(self) -> int | None:
        progress = self.course.progress
        if progress is None:
            return None
        done = self.course.phase == "finished" or (
            progress.total is not None and progress.step >= progress.total
        )
        over = self.course.ended is not None or (
            done and (self._concluded or self._saves != "late")
        )
        return progress.step if over or self._saves == "at once" else self._told

    def _ask(
        self,
        now: float,
        metrics: dict[str, Columns] | None = None,
        lines: Sequence[LogLine] = (),
        failures: Sequence[Failure] = (),
        pauses: Sequence[int] = (),
        files: Sequence[Checkpoint | Removed] = (),
        marks: Sequence[tuple[int, int]] = (),
        *,
        timed: bool = False,
        anew: bool = False,
    ) -> None:
        if self.kb is None:
            return
        from loratui.detectors.base import View

        progress = self.course.progress
        step = progress.step if progress else None
        total = progress.total if progress else None
        around = self.around
        told, self._told_before = self._told_before, self._told_up_to()
        *earlier, (_, newest) = slices(metrics or {}, width(step, total))
        changed = False
        for last, part in earlier:
            here = [pause for pause in pauses if pause <= last]
            pauses = [pause for pause in pauses if pause > last]
            changed |= self.panel.ask(
                View(part, (), (), here, facts=self.facts, step=last, total=total, told=told,
                     now=now, around=around)
            )  # fmt: skip
        view = View(
            metrics=newest,
            lines=lines,
            failures=failures,
            pauses=pauses,
            checkpoints=[file for file in files if isinstance(file, Checkpoint)],
            removed=[file for file in files if isinstance(file, Removed)],
            facts=self.facts,
            step=step,
            total=total,
            told=self._told_before,
            now=now,
            ended=self.course.ended,
            around=around,
            marks=marks,
            complete=self._concluded,
        )
        if self.panel.ask(view, timed=timed, anew=anew) or changed:
            self.revisions["findings"] += 1

    # small questions

    def loss(self) -> float | None:
        """The newest loss, NaN included."""
        progress = self.course.progress
        if progress is not None and progress.loss is not None:
            return progress.loss
        series = self.series.get("loss")
        return series.last if series is not None else None


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
