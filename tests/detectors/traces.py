"""Runs with a machine around them, second by second: what detectors of pace and machine are shown.

A `Trace` holds what a healthy run and its box do; a test changes one thing in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from loratui.core.events import Checkpoint, Ended, Removed
from loratui.core.facts import (
    ConfigValue,
    GpuProcess,
    GpuReading,
    HostReading,
    Machine,
    RunFacts,
    StepTime,
    Surroundings,
    TrainingConfig,
)
from loratui.core.findings import Severity, Verdict
from loratui.detectors import Columns, Detector, View, detectors

GIB = 2**30
OWN = 4242

Gpu = Callable[["Moment"], GpuReading]
Host = Callable[["Moment"], HostReading]


def configured(**options: object) -> TrainingConfig:
    return TrainingConfig(
        {name: ConfigValue(name, value, name, str(value), "c.toml", 1)
         for name, value in options.items()}
    )  # fmt: skip


@dataclass(slots=True)
class Moment:
    """Where a run is: `at` seconds after its start, `done` the share of its steps."""

    at: float
    step: int
    phase: str
    done: float
    paused: bool
    pick: random.Random


def _never(step: int) -> tuple[str, ...]:
    return ()


@dataclass(slots=True)
class Trace:
    """A run of `steps` steps and what is around it.

    `pause` gives the seconds that the trainer does something else for after a step; it says so in
    the log where `announced`. `slow` multiplies the time of a step. `tick` is the time between two
    looks.
    """

    seed: int = 1
    steps: int = 2000
    seconds: float = 1.5
    slow: Callable[[float], float] = lambda done: 1.0
    pause: Callable[[int], float] = lambda step: 0.0
    announced: bool = True
    loading: float = 60.0
    after: float = 0.0
    gpus: tuple[Gpu, ...] = ()
    own: bool = False
    host: Host | None = None
    processes: frozenset[int] | None = frozenset((OWN,))
    facts: RunFacts = field(default_factory=RunFacts)
    saves_at: Callable[[int], tuple[str, ...]] = field(default=_never)
    size: int | None = None
    removes_at: Callable[[int], tuple[str, ...]] = lambda step: ()
    watched_from: int | None = None
    step_times: tuple[StepTime, ...] = ()
    stops_at: int | None = None
    gone: bool = False
    note: Callable[[float], str] = lambda at: ""
    tick: float = 4.0
    elapsed: bool = True

    def views(self) -> Iterator[View]:
        """What a detector is shown, one after the other."""
        pick = random.Random(self.seed)
        total, facts = self.steps, replace(self.facts, total_steps=self.steps)
        now, step, clock, gap = 1000.0, 0, 0.0, 1.0
        busy_until, next_step = now + self.loading, now + self.loading
        last_sign, phase, paused = now, "loading", False
        end = self.stops_at if self.stops_at is not None else total
        over_at: float | None = None
        told = 0
        while over_at is None or now < over_at + self.after:
            now += self.tick
            steps: list[int] = []
            times: list[float] = []
            saved: list[str] = []
            gone: list[str] = []
            pauses: list[int] = []
            while step < end and next_step <= now:
                step += 1
                share = step / total
                paused = False
                clock += self.seconds * self.slow(share)
                steps.append(step)
                times.append(float(int(clock)))
                saved += self.saves_at(step)
                if step == total and self.saves_at is not _never:
                    saved.append("/workspace/out/x.safetensors")
                gone += self.removes_at(step)
                if phase == "training":
                    gap = max(gap, next_step - last_sign)
                last_sign = next_step
                rest = self.pause(step)
                if rest:
                    pauses += [step] if self.announced else []
                    clock += rest
                    busy_until = next_step + rest
                    paused = True
                jitter = pick.uniform(0.9, 1.1)
                next_step += self.seconds * self.slow(share) * jitter + rest
            if steps:
                phase = "training"
            if paused and now < busy_until and self.announced:
                phase = "sampling"
            elif phase == "sampling" and now >= busy_until:
                phase = "training"
            resting = paused and now < busy_until
            if step >= end and over_at is None:
                over_at = now
            moment = Moment(now - 1000.0, step, phase, step / total, resting, pick)
            told = step
            if steps:
                metrics = {"elapsed": Columns(steps, times)} if self.elapsed else {}
                metrics["loss"] = Columns(steps, [0.1] * len(steps))
                yield self._view(facts, now, step, told, metrics, saved, gone, pauses,
                                 self._around(moment, now, last_sign, gap, over=False))  # fmt: skip
            around = self._around(moment, now, last_sign, gap, over=over_at is not None)
            yield self._view(facts, now, step, told, {}, (), (), (), around)

    def _view(self, facts, now, step, told, metrics, saved, gone, pauses, around) -> View:
        return View(
            metrics=metrics,
            pauses=pauses,
            checkpoints=[Checkpoint("log", 0, path, None, self.size) for path in saved],
            removed=[Removed("log", 0, path) for path in gone],
            facts=facts,
            step=step if step else None,
            total=self.steps if step else None,
            told=told if facts.saves != "never" and step else None,
            now=now,
            around=around,
            ended=Ended("log", 0, "finished") if self.steps == step and not self.gone else None,
        )

    def _around(self, moment: Moment, now, last_sign, gap, *, over: bool) -> Surroundings:
        machine = None
        if self.gpus:
            readings = tuple(gpu(moment) for gpu in self.gpus)
            machine = Machine(readings, "1", note=self.note(moment.at), own=self.own)
        slow = {"loading": 1800.0, "sampling": 1200.0}.get(moment.phase, 0.0)
        gone = over and self.gone
        return Surroundings(
            machine=machine,
            host=self.host(moment) if self.host is not None else None,
            processes=self.processes,
            phase=moment.phase,
            quiet=None if gone else now - last_sign,
            gap=gap,
            allowed=max(180.0, 5 * gap, slow),
            gone=gone,
            watched_from=self.watched_from,
            step_times=self.step_times,
        )

    def run(self, *only: str) -> dict[str, list[Verdict]]:
        """Show everything to the detectors; every verdict that fired, by id, and the last one."""
        found: list[Detector] = [d for d in detectors() if not only or d.id in only]
        fired: dict[str, list[Verdict]] = {detector.id: [] for detector in found}
        last: dict[str, Verdict] = {}
        for view in self.views():
            timed = not view.metrics
            for detector in found:
                if timed and not detector.timed:
                    continue
                verdict = detector.update(view)
                if verdict.state == "firing" and verdict is not last.get(detector.id):
                    fired[detector.id].append(verdict)
                last[detector.id] = verdict
        for name, verdict in last.items():
            if verdict.state != "firing":
                fired[name].append(verdict)
        return fired


def loud(fired: dict[str, list[Verdict]], default: Callable[[str], str]) -> dict[str, object]:
    """What was said at severity warning or above, with its numbers."""
    return {
        name: [dict(verdict.numbers) for verdict in verdicts if _is_loud(verdict, default(name))]
        for name, verdicts in fired.items()
        if any(_is_loud(verdict, default(name)) for verdict in verdicts)
    }


def _is_loud(verdict: Verdict, word: str) -> bool:
    severity = verdict.severity if verdict.severity is not None else Severity.of(word)
    return verdict.state == "firing" and severity >= Severity.WARNING


def said(fired: dict[str, list[Verdict]], name: str) -> list[Verdict]:
    return [verdict for verdict in fired[name] if verdict.state == "firing"]


# parts of a machine


def card(
    *,
    name: str = "NVIDIA GeForce RTX 4090",
    total: float = 24.0,
    used: Callable[[Moment], float] = lambda m: 14.0,
    use: Callable[[Moment], int | None] | None = None,
    clock: Callable[[Moment], int | None] | None = None,
    highest: int = 3105,
    throttle: Callable[[Moment], tuple[str, ...]] | None = None,
    others: tuple[GpuProcess, ...] = (),
    index: int = 0,
    lost: Callable[[Moment], bool] = lambda m: False,
    temperature: int = 68,
) -> Gpu:
    """A GPU as a function of the moment; memory in GiB."""

    def read(m: Moment) -> GpuReading:
        if lost(m):
            return GpuReading(index, name, lost=True, note="gone")
        works = m.phase == "training" and not m.paused
        idle = int(m.pick.uniform(0, 100)) if m.paused else 0  # samples are made on it, too
        busy = use(m) if use else (int(m.pick.uniform(88, 100)) if works else idle)
        pace = clock(m) if clock else int(m.pick.gauss(0.86, 0.01) * highest)
        memory = used(m) * GIB if m.phase != "loading" else GIB
        reasons = throttle(m) if throttle else ("power cap",) if m.pick.random() < 0.5 else ()
        return GpuReading(
            index,
            name,
            utilisation=busy,
            memory_used=int(memory),
            memory_total=int(total * GIB),
            temperature=temperature,
            power=400.0,
            power_limit=450.0,
            clock=pace,
            clock_max=highest,
            throttle=reasons if works else ("idle",),
            processes=(GpuProcess(OWN, "python", int(memory)), *others),
        )

    return read


def box(
    *,
    cpu: Callable[[Moment], float | None] = lambda m: 22.0,
    cores: int = 16,
    used: Callable[[Moment], float] = lambda m: 18.0,
    total: float = 64.0,
    free: Callable[[Moment], float] = lambda m: 300.0,
    disk: Callable[[Moment], float | None] = lambda m: 1.0,
    path: str = "/workspace/out",
) -> Host:
    """A host as a function of the moment; memory and disk in GiB."""

    def read(m: Moment) -> HostReading:
        return HostReading(
            cpu=cpu(m),
            cores=cores,
            memory_used=int(used(m) * GIB),
            memory_total=int(total * GIB),
            disk_free=int(free(m) * GIB),
            disk_path=path,
            disk_wait=disk(m),
        )

    return read


# healthy runs, each of another kind


def healthy(seed: int) -> Trace:
    """One healthy run of many kinds; the seed chooses everything about it."""
    pick = random.Random(seed * 7919)
    seconds = pick.choice([0.4, 1.2, 2.5, 6.0, 15.0])
    hours = pick.uniform(0.5, 2.5)
    steps = max(120, int(hours * 3600 / seconds))
    per_epoch = max(10, int(steps / pick.choice([5, 10, 20, 40])))
    every = pick.choice([per_epoch, 250, 500, 1000])
    sampling, rest = pick.choice([0, 100, 250, per_epoch]), pick.uniform(10, 150)
    between = pick.choice([0.0, 0.0, 3.0, 8.0])
    saving = pick.uniform(0, 20)
    keep = pick.choice([None, 3, 5])
    size = int(pick.uniform(0.02, 0.9) * GIB)
    # each image size is met for the first time in the first epoch, or a little later
    met = [pick.expovariate(2.5) * per_epoch / steps for _ in range(pick.randrange(4, 25))]
    many = sorted(met + [pick.random() for _ in range(pick.randrange(4))])

    def pause(step: int) -> float:
        wait = between if step % per_epoch == 0 else 0.0
        wait += saving if step % every == 0 else 0.0
        return wait + (rest if sampling and step % sampling == 0 else 0.0)

    def path(step: int) -> str:
        return f"/workspace/out/x-step{step:08d}.safetensors"

    def saves(step: int) -> tuple[str, ...]:
        return (path(step),) if step % every == 0 else ()

    def removes(step: int) -> tuple[str, ...]:
        old = step - every * (keep or 0)
        return (path(old),) if keep and step % every == 0 and old > 0 else ()

    level = pick.uniform(0.4, 0.98)

    def memory(total: float) -> Callable[[Moment], float]:
        """The allocator's stairs: each new image size may take one more block."""
        climb = min(0.99, level + 0.1) - level
        saw = pick.choice([0.0, 0.0, 0.06])

        def used(m: Moment) -> float:
            steps_up = sum(m.done >= at for at in many) / len(many)
            extra = saw if m.phase == "sampling" else 0.0
            return total * min(0.995, level + climb * steps_up + extra + m.pick.gauss(0, 0.001))

        return used

    cpu = pick.choice([8.0, 25.0, 60.0, 97.0])
    settled = pick.uniform(0.3, 0.8)
    leak = pick.uniform(0.0, 0.02)  # of what is left, over the whole run
    swing = pick.choice([0.0, 0.0, 0.1])
    ram = pick.choice([16.0, 64.0, 256.0])

    def main_memory(m: Moment) -> float:
        filled = settled * min(1.0, 0.6 + 0.4 * m.step / per_epoch) + leak * m.done
        return ram * min(0.99, filled + (swing if m.phase == "sampling" else 0.0)
                         + m.pick.gauss(0, 0.004))  # fmt: skip

    kind = pick.choice(["desktop", "laptop", "server", "mig", "cold room", "dim"])
    gpus: tuple[Gpu, ...] = _cards(kind, pick, memory)
    known = pick.random() < 0.7
    watched = pick.choice([None, 0])
    config = configured(
        save_every=every, batch_size=1, resolution=1024, workers=pick.choice([0, 2, 8]),
        output_path="/workspace/out", **({"keep_last": keep} if keep else {}),
    )  # fmt: skip
    facts = RunFacts(
        trainer=pick.choice(["kohya", "ai-toolkit", "diffusers", "simpletuner", "musubi-tuner"]),
        family=pick.choice(["sdxl", "flux", None]),
        steps_per_epoch=per_epoch,
        epochs=steps // per_epoch,
        config=config,
        saves=pick.choice(["at once", "never"]),
        platform=pick.choice(["linux", "windows", ""]),
    )
    return Trace(
        seed=seed,
        steps=steps,
        seconds=seconds,
        pause=pause,
        announced=pick.random() < 0.7,
        after=pick.choice([0.0, 1200.0]),
        gpus=gpus,
        own=known or len(gpus) == 1,
        host=box(
            cpu=lambda m: min(100.0, max(0.0, m.pick.gauss(cpu, 6))),
            cores=pick.choice([4, 16, 64]),
            used=main_memory,
            total=ram,
            free=lambda m: 400.0 - m.step // every * size / GIB,
            disk=lambda m: max(0.0, m.pick.gauss(6, 5)),
        ),
        processes=frozenset((OWN,)) if known else None,
        facts=facts,
        saves_at=saves if facts.saves != "never" or watched is not None else _never,
        removes_at=removes,
        size=size if pick.random() < 0.5 else None,
        watched_from=watched,
        note=lambda at: "old" if 900 < at < 930 else "",
        tick=5.0 if steps * seconds > 3600 else 3.0,
    )


def _cards(kind: str, pick: random.Random, memory) -> tuple[Gpu, ...]:
    desktop = GpuProcess(77, "Xorg", 400 * 2**20)
    if kind == "laptop":  # short of power and warm all the time, from the start
        return (
            card(
                name="NVIDIA GeForce RTX 4090 Laptop GPU",
                total=16.0,
                used=memory(16.0),
                clock=lambda m: int(m.pick.gauss(1450, 120)),
                throttle=lambda m: ("power cap", *(("thermal (software)",)
                                    if m.pick.random() < 0.6 else ())),
                temperature=86,
                others=(desktop,),
            ),
        )  # fmt: skip
    if kind == "server":
        return tuple(
            card(name="NVIDIA H100 80GB HBM3", total=80.0, used=memory(80.0), highest=1980,
                 throttle=lambda m: (), index=index)
            for index in range(pick.choice([1, 2, 4]))
        )  # fmt: skip
    if kind == "mig":  # no utilisation, no clocks that mean anything
        return (card(name="NVIDIA A100 MIG", total=40.0, used=memory(40.0), use=lambda m: None,
                     clock=lambda m: None),)  # fmt: skip
    if kind == "cold room":  # fast at first, a little slower once warm; the hardware flickers
        return (
            card(
                used=memory(24.0),
                clock=lambda m: int(2850 - 200 * min(1.0, 20 * m.done) + m.pick.gauss(0, 25)),
                throttle=lambda m: ("hardware slowdown",) if m.pick.random() < 0.03 else (),
                others=(desktop,),
            ),
        )
    if kind == "dim":  # a small job that does not fill the card
        return (card(used=memory(24.0), use=lambda m: int(m.pick.uniform(35, 65))),)
    return (card(used=memory(24.0), others=(desktop, GpuProcess(88, None, None))),)
