"""Speed, silence, saves and endings: what is said of them, and what must not be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Checkpoint, Ended, Failure, Removed
from loratui.core.facts import (
    ConfigValue,
    GpuReading,
    HostReading,
    Machine,
    Resumption,
    RunFacts,
    StepTime,
    Surroundings,
    TrainingConfig,
)
from loratui.core.findings import Severity
from loratui.detectors import Columns, View, detectors
from loratui.detectors.saves import Schedule, name_of
from loratui.detectors.usual import area
from loratui.engine.followers import Followers
from loratui.engine.session import Session
from loratui.kb import load
from loratui.kb.resolve import describe
from loratui.sources.tail import Tail
from tests.detectors.traces import Trace, box, card, configured, said

KB = load()
PACE = {name for name, info in KB.findings.items() if info.family == "pace"}
RTX_3090 = (StepTime("GeForce RTX 3090", 2.0, 4.0, ("sdxl",)),)
SDXL = RunFacts(trainer="kohya", family="sdxl", platform="linux")


def facts(trainer="kohya", saves="at once", per_epoch=None, epochs=None, resumed=None, **options):
    return RunFacts(trainer=trainer, saves=saves, steps_per_epoch=per_epoch, epochs=epochs,
                    resumed=resumed, config=configured(**options))  # fmt: skip


def detector(name):
    return next(found for found in detectors() if found.id == name)


def played(name, views):
    found = detector(name)
    return [found.update(view) for view in views]


def file(name, step=None):
    return Checkpoint("log", 0, f"/out/{name}", step)


# speed against the table


def paced(seconds, steps=200, family="sdxl", times=RTX_3090, trainer="kohya", key="", **options):
    config = configured(**{"batch_size": 1, "resolution": "1024,1024", **options})
    if key:
        value = replace(config.values["gradient_accumulation"], key=key)
        config = TrainingConfig({**config.values, "gradient_accumulation": value})
    return Trace(seconds=seconds, steps=steps, tick=5.0, gpus=(card(),), step_times=times,
                 facts=RunFacts(trainer=trainer, family=family, config=config))  # fmt: skip


# what, the run, severity or state, some of its numbers
SPEEDS = [
    ("far above the table", paced(9.0), Severity.WARNING, {"kind": "exact", "high": 4.0}),
    ("a little above it", paced(5.0), "clear", {}),
    ("within it", paced(3.0), "clear", {}),
    ("slow at twice the batch", paced(17.0, batch_size=2), Severity.INFO,
     {"kind": "scaled", "work": 2.0, "low": 4.0, "high": 8.0}),
    ("right for twice the batch", paced(9.0, batch_size=2), "clear", {}),
    ("right for four batches a step", paced(14.0, gradient_accumulation=4), "clear", {}),
    ("onetrainer counts batches", paced(17.0, trainer="onetrainer", gradient_accumulation=4),
     Severity.WARNING, {"kind": "exact"}),
    ("ai-toolkit's older key does as well", paced(
        17.0, trainer="ai-toolkit", gradient_accumulation=4, key="gradient_accumulation_steps"),
     Severity.WARNING, {"kind": "exact"}),
    ("a quarter of the pixels", paced(9.0, resolution=512), Severity.INFO,
     {"work": 0.25, "high": 1.0, "side": 512}),
    ("several sizes in turn", paced(4.0, trainer="ai-toolkit", resolution=[512, 768, 1024]),
     "clear", {}),
    ("another model", paced(9.0, family="flux"), "cannot-tell", {}),
    ("another card", paced(9.0, times=()), "cannot-tell", {}),
    ("blocks in system memory", paced(9.0, blocks_to_swap=10), "cannot-tell", {}),
    ("no batch size", paced(9.0, batch_size=None), "cannot-tell", {}),
    ("no resolution", paced(9.0, resolution="high"), "cannot-tell", {}),
    ("two minutes of it", paced(9.0, steps=4), "too-early", {}),
    ("long samples between", replace(paced(3.0), pause=lambda s: 90 if s % 10 == 0 else 0), "clear",
     {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("trace", "expected", "numbers"), [pytest.param(*c[1:], id=c[0]) for c in SPEEDS]
)
def test_step_slow(trace, expected, numbers):
    fired = said(verdicts := trace.run("step-slow"), "step-slow")
    if isinstance(expected, Severity):
        assert fired[0].severity is expected
        assert {name: fired[0].numbers[name] for name in numbers} == numbers
        assert fired[0].numbers["now"] == pytest.approx(trace.seconds, rel=0.1)
    else:
        assert not fired
        last = verdicts["step-slow"][-1]
        assert last.state == expected
        assert last.state == "clear" or last.reason in KB.findings["step-slow"].reasons


@pytest.mark.parametrize(
    ("value", "pairs", "expected"),
    [
        (1024, False, 1024**2),
        ("1024,1024", True, 1024**2),
        ("(832, 1216)", True, 832 * 1216),
        ([512, 1024], False, (512**2 + 1024**2) / 2),
        ("768, 1024", False, (768**2 + 1024**2) / 2),
        ("1024x1024", True, 1024**2),
        ("", False, None),
        (None, False, None),
        ([], False, None),
        (0, False, None),
        ("big", True, None),
    ],
)
def test_pixels_of_a_resolution(value, pairs, expected):
    assert area(value, pairs=pairs) == expected


# silence


def silence(seconds, phase="training", total=1000, step=340, busy=None, **more):
    """Looks every 5 s at a run that says nothing more."""
    views = []
    for quiet in range(0, seconds + 1, 5):
        slow = {"loading": 1800.0, "caching": 3600.0, "sampling": 1200.0}.get(phase, 0.0)
        machine = Machine((GpuReading(0, "card", utilisation=busy),)) if busy is not None else None
        around = Surroundings(
            machine=machine, processes=frozenset((7,)), phase=phase, quiet=float(quiet), gap=4.0,
            allowed=max(180.0, slow))  # fmt: skip
        around = replace(around, **more)
        views.append(View(step=step, total=total, now=1000.0 + quiet, around=around))
    return views


# what, looks, the last state, severity, some numbers
SILENCES = [
    ("eight minutes", silence(480), "firing", Severity.ERROR, {"minutes": 7, "phase": "training"}),
    ("four minutes", silence(240), "clear", None, {}),
    ("eight minutes of samples", silence(480, "sampling"), "clear", None, {}),
    ("half an hour of samples", silence(1800, "sampling"), "firing", Severity.ERROR, {"usual": 20}),
    ("an hour of caching", silence(3600, "caching"), "clear", None, {}),
    ("slow steps", silence(900, allowed=1500.0), "clear", None, {}),
    ("nobody knows how often it writes", silence(1700, gap=0.0), "clear", None, {}),
    ("and not even then", silence(2000, gap=0.0), "firing", Severity.ERROR, {"usual": 30}),
    ("the GPU computes", silence(480, busy=97), "firing", Severity.WARNING, {"kind": "busy"}),
    ("the GPU is idle", silence(480, busy=0), "firing", Severity.ERROR, {"kind": "idle"}),
    ("nothing proves that it lives", silence(480, quiet=None), "cannot-tell", None, {}),
    ("all steps are done", silence(3600, step=1000), "clear", None, {}),
    ("a bar that ends a step short", silence(3600, step=999), "clear", None, {}),
    ("it is finished", silence(3600, "finished"), "clear", None, {}),
    ("a start without a process", silence(3600, None, step=None, processes=None), "cannot-tell",
     None, {}),
    ("a start that hangs", silence(2400, "loading", step=None), "firing", Severity.ERROR, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("views", "state", "severity", "numbers"), [pytest.param(*c[1:], id=c[0]) for c in SILENCES]
)
def test_stalled(views, state, severity, numbers):
    last = played("stalled", views)[-1]
    assert last.state == state
    assert last.severity is severity
    assert {name: last.numbers.get(name) for name in numbers} == numbers


def test_a_crash_is_no_stall():
    views = silence(900)
    views[2] = replace(views[2], failures=[Failure("log", 0, "ValueError", "odd")])
    assert played("stalled", views)[-1].state == "clear"


def test_nobody_listened_while_the_laptop_slept():
    first, *_, last = silence(9000)
    assert played("stalled", [first, last])[-1].state == "clear"


# endings


def looks(step, total=1000, seconds=10, phase="training", **more):
    around = Surroundings(processes=frozenset((7,)), phase=phase, gone=True)
    around = replace(around, **{k: v for k, v in more.items() if hasattr(around, k)})
    rest = {k: v for k, v in more.items() if not hasattr(around, k)}
    alive = replace(around, gone=False, quiet=1.0)
    looked = [View(step=step, total=total, now=0.0, around=alive, **rest)]
    return looked + [
        View(step=step, total=total, now=float(at), around=replace(around), **rest)
        for at in range(1, seconds)
    ]


# what, looks, whether it fires, some numbers
ENDINGS = [
    ("in the middle", looks(400), True, {"kind": "gone", "step": 400, "share": 0.4}),
    ("a moment ago: the last lines are still read", looks(400, seconds=3), False, {}),
    ("the pipe has ended", looks(400, seconds=2, processes=None), True, {}),
    ("at the end", looks(1000), False, {}),
    ("a step short", looks(999), False, {}),
    ("nearly at the end", looks(985), False, {}),
    ("nobody knows how long it was", looks(400, total=None), False, {}),
    ("an exception", looks(400, failures=[Failure("log", 0, "ValueError", "")]), False, {}),
    ("the user stopped it", looks(400, ended=Ended("log", 0, "stopped")), False, {}),
    ("killed, and it says so", looks(400, ended=Ended("log", 0, "killed")), False, {}),
    ("it calls itself done", looks(400, ended=Ended("log", 0, "finished")), True,
     {"kind": "finished"}),
    ("it still lives", looks(400, gone=False, quiet=3.0), False, {}),
    ("resumed, nobody knows from where",
     looks(400, facts=RunFacts(resumed=Resumption())), False, {}),
    ("while loading", looks(None, None, phase="loading", facts=RunFacts(trainer="kohya")), True,
     {"kind": "loading"}),
    ("behind a script that only caches",
     looks(None, None, phase="caching", facts=RunFacts(trainer="kohya")), False, {}),
    ("no trainer at all", looks(None, None, phase="loading"), False, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("views", "fires", "numbers"), [pytest.param(*c[1:], id=c[0]) for c in ENDINGS]
)
def test_exited_early(views, fires, numbers):
    last = played("exited-early", views)[-1]
    assert (last.state == "firing") is fires
    assert {name: last.numbers[name] for name in numbers} == numbers
    if fires:
        done = numbers.get("kind") == "finished"
        assert last.severity is (Severity.WARNING if done else None)


def test_an_exception_that_was_survived_explains_no_end():
    views = looks(400)
    early = View(step=200, total=1000, failures=[Failure("log", 0, "OSError", "")])
    assert played("exited-early", [early, View(step=300, total=1000), *views])[-1].state == "firing"


# saves


def steps(*at, saves=(), told=None, now=0.0, **more):
    """A view for each step of `at`; a step of `saves` brings a checkpoint with it."""
    views = []
    for step in at:
        views.append(View(
            metrics={"loss": Columns([step], [0.1])}, step=step, total=more.get("total", 2000),
            told=step if told is None else told,
            checkpoints=[file(f"x-step{step:08d}.safetensors")] if step in saves else [],
            now=now, facts=more.get("facts", facts()), around=more.get("around", Surroundings()),
            ended=more.get("ended"), complete=more.get("complete", False),
        ))  # fmt: skip
    return views


EVERY = facts(save_every=200)
LATE = facts(saves="late", save_every=200, per_epoch=100)

# what, views, the last state, some numbers
MISSING = [
    ("none of two", steps(1, 200, 260, facts=EVERY), "firing",
     {"kind": "first", "due": 200, "where": "log"}),
    ("the second one", steps(1, 200, 460, facts=EVERY, saves=(200,)), "firing",
     {"kind": "late", "due": 400, "newest": "x-step00000200.safetensors"}),
    ("all of them", steps(1, 200, 400, 460, facts=EVERY, saves=(200, 400)), "clear", {}),
    ("about to be saved", steps(1, 200, 201, facts=EVERY), "too-early", {}),
    ("not due yet", steps(1, 150, facts=EVERY), "too-early", {}),
    ("no interval is set", steps(1, 1500, facts=facts()), "cannot-tell", {}),
    ("the log was cut before it", steps(220, 300, facts=EVERY), "too-early", {}),
    ("what was printed is not known", steps(1, 600, facts=LATE, told=0), "too-early", {}),
    ("what was printed is known", steps(1, 600, facts=LATE, told=500), "firing", {"due": 400}),
    ("this trainer never tells", steps(1, 600, facts=facts("simpletuner", "never", save_every=200)),
     "too-early", {}),
    ("every second epoch", steps(1, 900, told=400, facts=facts(
        saves="late", per_epoch=100, epochs=20, save_every_epochs=2)), "firing",
     {"unit": "epoch", "number": 2}),
    ("the last epoch has another name", steps(1, 2000, facts=facts(
        per_epoch=100, epochs=20, save_every_epochs=20)), "too-early", {}),
    ("the last step has another name", steps(1, 2000, facts=facts(save_every=2000)), "too-early",
     {}),
    ("never, says onetrainer", steps(1, 900, facts=facts(
        "onetrainer", save_every=10, save_every_unit="NEVER")), "cannot-tell", {}),
    ("by the clock", steps(1, 900, facts=facts(
        "onetrainer", save_every=10, save_every_unit="MINUTE")), "cannot-tell", {}),
    ("onetrainer may skip the first", steps(1, 900, facts=facts(
        "onetrainer", save_every=100, save_every_unit="STEP")), "cannot-tell", {}),
    ("onetrainer, after one", steps(1, 100, 900, saves=(100,), facts=facts(
        "onetrainer", save_every=100, save_every_unit="STEP")), "firing", {}),
    ("done without one", steps(1, 2000, facts=facts(saves="late"), complete=True), "firing",
     {"kind": "none"}),
    ("done, and its last line is still to come", steps(1, 2000, facts=facts(saves="late")),
     "cannot-tell", {}),
    ("done with one", steps(1, 2000, facts=facts(saves="late"), saves=(2000,)), "cannot-tell", {}),
    ("done, by a trainer whose words changed", steps(
        1, 2000, facts=facts("ai-toolkit", "late"), ended=Ended("log", 0, "finished")),
     "cannot-tell", {}),
    ("batches are not steps", steps(1, 100, told=400, facts=facts(
        saves="late", per_epoch=100, save_every=75, gradient_accumulation=4)), "too-early", {}),
    ("a resumed run counts anew", steps(500, 640, facts=facts(
        save_every=200, resumed=Resumption(500))), "too-early", {}),
    ("and is late then", steps(500, 760, facts=facts(
        save_every=200, resumed=Resumption(500))), "firing", {"due": 700, "number": 200}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("views", "state", "numbers"), [pytest.param(*c[1:], id=c[0]) for c in MISSING]
)
def test_checkpoint_missing(views, state, numbers):
    last = played("checkpoint-missing", views)[-1]
    assert last.state == state
    assert {name: last.numbers[name] for name in numbers} == numbers


def test_a_watched_folder_without_the_file():
    """The log never tells, the folder is watched: some minutes later it is missing."""
    quiet = facts("simpletuner", "never", save_every=200, output_path="/out")
    around = Surroundings(quiet=1.0, phase="training", watched_from=100)

    def at(now, **more):
        shown = replace(around, **more)
        return steps(260, facts=quiet, around=shown, now=now, told=-1)

    found = detector("checkpoint-missing")
    states = [found.update(view).state for now in (0.0, 100.0, 200.0) for view in at(now)]
    assert states == ["too-early", "too-early", "firing"]
    fresh = detector("checkpoint-missing")  # watched only since after it was due
    states = [fresh.update(v).state for now in (0.0, 900.0) for v in at(now, watched_from=220)]
    assert states == ["too-early", "too-early"]
    [late] = steps(260, facts=quiet, around=around, now=300.0, saves=(260,), told=-1)
    assert found.update(late).state == "clear"


def rotating(saved, removed=(), total=2000, step=None, ended=None, **options):
    """Saves one after the other, with what was removed."""
    shown = facts(options.pop("trainer", "ai-toolkit"), **options)
    views = [
        View(step=at, total=total, facts=shown, checkpoints=[file(name, at)]) for at, name in saved
    ]
    views += [View(step=step or saved[-1][0], total=total, facts=shown, ended=ended,
                   removed=[Removed("log", 0, f"/out/{name}") for name in removed])]  # fmt: skip
    return views


def numbered(*at):
    return [(step, f"x_{step:09d}.safetensors") for step in at]


def stepped(*at):
    return [(step, f"x-step{step:08d}.safetensors") for step in at]


def epochs(*at):
    return [(number * 100, f"x-{number:06d}.safetensors") for number in at]


# what, views, whether it fires, some numbers
PRUNED = [
    ("as many as are kept", rotating(numbered(250, 500, 750), save_every=250, keep_last=3), True,
     {"limit": "count", "keep": 3, "name": "x_000000250.safetensors", "oldest_step": 250,
      "next": 1000}),
    ("one less", rotating(numbered(250, 500), save_every=250, keep_last=3), False, {}),
    ("no more saves", rotating(numbered(1250, 1500, 1750), save_every=250, keep_last=3), False, {}),
    ("the run is over", rotating(numbered(250, 500, 750), save_every=250, keep_last=3,
                                 ended=Ended("log", 0, "finished")), False, {}),
    ("one was deleted", rotating(numbered(250, 500, 750), ["x_000000250.safetensors"]), True,
     {"limit": "seen", "name": "x_000000500.safetensors", "deleted": 1}),
    ("nothing is ever deleted", rotating(numbered(250, 500, 750), save_every=250), False, {}),
    ("steps that fall out", rotating(stepped(10, 20, 30, 40), step=42, trainer="kohya",
                                     save_every=10, keep_last_steps=30), True,
     {"limit": "range", "range": "30 steps", "name": "x-step00000010.safetensors", "next": 50}),
    ("steps that stay", rotating(stepped(10, 20, 30), step=32, trainer="kohya", save_every=10,
                                 keep_last_steps=30), False, {}),
    ("epochs that fall out", rotating(epochs(1, 2), step=250, trainer="kohya", per_epoch=100,
                                      epochs=20, save_every_epochs=1, keep_last_epochs=2), True,
     {"range": "2 epochs", "name": "x-000001.safetensors", "next": 300}),
    ("epochs that stay", rotating(epochs(1), step=150, trainer="kohya", per_epoch=100, epochs=20,
                                  save_every_epochs=1, keep_last_epochs=2), False, {}),
    ("backups of onetrainer", rotating(numbered(250, 500), trainer="onetrainer", keep_last=2,
                                       save_every=250, save_every_unit="STEP"), False, {}),
    ("folders", rotating(
        [(at, f"checkpoint-{at}/pytorch_lora_weights.safetensors") for at in (500, 1000)],
        trainer="diffusers", save_every=500, keep_last=2), True, {"name": "checkpoint-500"}),
    ("the same folder twice", rotating(
        [(500, "checkpoint-500/pytorch_lora_weights.safetensors"), (510, "checkpoint-500")],
        trainer="diffusers", save_every=500, keep_last=2), False, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("views", "fires", "numbers"), [pytest.param(*c[1:], id=c[0]) for c in PRUNED]
)
def test_checkpoints_pruned(views, fires, numbers):
    last = played("checkpoints-pruned", views)[-1]
    assert (last.state == "firing") is fires
    assert {name: last.numbers[name] for name in numbers} == numbers


def test_as_sd_scripts_reckons_it():
    """Against a run of sd-scripts' own rule, save after save."""
    every, last = 50, 120
    kept: list[int] = []
    found = detector("checkpoints-pruned")
    shown = facts(save_every=every, keep_last_steps=last)
    for step in range(1, 1001):
        saved, gone = [], []
        if step % every == 0 and step < 1000:
            number = step - last - 1
            number -= number % every
            saved = [file(f"x-step{step:08d}.safetensors")]
            if number in kept:
                kept.remove(number)
                gone = [Removed("log", 0, f"/out/x-step{number:08d}.safetensors")]
            kept.append(step)
        view = View(step=step, total=1000, facts=shown, checkpoints=saved, removed=gone)
        verdict = found.update(view)
        following = (step // every + 1) * every
        number = following - last - 1
        number -= number % every
        in_danger = number in kept and following < 1000
        assert (verdict.state == "firing") is in_danger, step
        if in_danger:
            assert verdict.numbers["name"] == f"x-step{number:08d}.safetensors"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/x-000004.safetensors", "x-000004.safetensors"),
        ("out\\checkpoint-500\\pytorch_lora_weights.safetensors", "checkpoint-500"),
        ("/a/epoch3/adapter_model.safetensors", "epoch3"),
        ("checkpoint-500/", "checkpoint-500"),
        ("adapter_model.safetensors", "adapter_model.safetensors"),
        ("", ""),
    ],
)
def test_names_of_checkpoints(path, name):
    assert name_of(path) == name


def test_saves_that_are_left():
    assert Schedule(facts(save_every=100), 1000).left(450) == 6
    assert Schedule(facts(per_epoch=100, save_every_epochs=2), 1000).left(450) == 3
    assert Schedule(facts(), 1000).left(450) is None
    assert Schedule(facts(save_every=100), 1000).following(990) is None


# resuming

RESUMED = [
    ("ai-toolkit does it alone", facts("ai-toolkit", resumed=Resumption(800, "a")), True),
    ("simpletuner by default", facts("simpletuner", resumed=Resumption(800), seed=1), True),
    ("simpletuner, options not known", facts("simpletuner", resumed=Resumption(800)), True),
    ("simpletuner when asked", facts("simpletuner", resumed=Resumption(8), resume="latest"), False),
    ("kohya when asked", facts("kohya", resumed=Resumption(800), resume="/state"), False),
    ("kohya, by an option not seen", facts("kohya", resumed=Resumption(800)), False),
    ("although it was refused", facts("generic", resumed=Resumption(800), resume=False), True),
    ("nothing was resumed", facts("ai-toolkit"), False),
]


@pytest.mark.parametrize(
    ("known", "fires"), [pytest.param(*c[1:], id=c[0]) for c in RESUMED]
)  # fmt: skip
def test_resumed_silently(known, fires):
    last = played("resumed-silently", [View(step=810, total=2000, facts=known)])[-1]
    assert (last.state == "firing") is fires
    if fires:
        assert last.numbers["left"] == 1200
        assert last.severity is Severity.INFO


# the whole way: a log, a session, a machine


class Around:
    """A machine that the test sets."""

    def __init__(self, reading: GpuReading) -> None:
        self.reading = reading

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def latest(self) -> Machine:
        return Machine((self.reading,), "1")

    def host(self) -> HostReading:
        return HostReading(20.0, 8, 10 * 2**30, 64 * 2**30, 3 * 2**30, "/out")


class Process:
    """A process that the test ends."""

    ranks = frozenset((7,))

    def __init__(self) -> None:
        self.lives = True

    def alive(self) -> bool:
        return self.lives


def bar(step, total=1000, seconds=2):
    at = step * seconds
    return (f"\rsteps:  1%|▌ | {step}/{total} [{at // 60:02d}:{at % 60:02d}<36:53,  "
            f"1.00it/s, avr_loss=0.1]")  # fmt: skip


class Watched:
    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.process = path, ManualClock(1000.0), Process()
        path.write_text("".join(bar(step) for step in range(1, 51)), encoding="utf-8")
        card = GpuReading(0, "NVIDIA GeForce RTX 3090", utilisation=95, memory_used=2**33,
                          memory_total=24 * 2**30)  # fmt: skip
        self.session = Session(
            Tail(path, self.clock), lambda _: KB, machine=Around(card), clock=self.clock,
            followers=Followers([], path, self.clock), process=self.process,  # type: ignore[arg-type]
        )  # fmt: skip
        self.session.prepare()
        self.wait(1)

    def wait(self, seconds: float, each: float = 5.0) -> Watched:
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            self.clock.advance(min(each, until - self.clock.now()))
            while self.session.step():
                pass
        return self

    def go_on(self, first: int, last: int) -> Watched:
        for step in range(first, last + 1):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(bar(step))
            self.wait(2, 2)
        return self

    @property
    def findings(self) -> dict[str, object]:
        return {finding.id: finding for finding in self.session.latest().findings}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "console.log")


def test_a_run_that_hangs(watched: Watched) -> None:
    watched.go_on(51, 70)
    assert "stalled" not in watched.findings
    watched.wait(200)
    assert "stalled" not in watched.findings
    watched.wait(200)
    found = watched.findings["stalled"]
    assert "6 minutes" in found.summary  # type: ignore[attr-defined]
    revision = watched.session.latest().revisions["findings"]
    watched.wait(30, 1)
    assert watched.session.latest().revisions["findings"] <= revision + 1


def test_a_process_that_is_gone(watched: Watched) -> None:
    watched.go_on(51, 60)
    watched.process.lives = False
    watched.wait(2, 1)
    assert "exited-early" not in watched.findings
    watched.wait(5, 1)
    found = watched.findings["exited-early"]
    assert "step 60 of 1000 (6%)" in found.summary  # type: ignore[attr-defined]
    assert watched.session.latest().status.state == "crashed"


def test_a_traceback_that_comes_last(watched: Watched) -> None:
    watched.go_on(51, 60)
    with watched.path.open("a", encoding="utf-8") as file:
        file.write('\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n'
                   "ValueError: something odd\n")  # fmt: skip
    watched.process.lives = False
    watched.wait(30, 1)
    assert "exited-early" not in watched.findings
    assert "crashed" in watched.findings


def test_what_is_known_of_the_machine_reaches_the_findings(watched: Watched) -> None:
    watched.go_on(51, 80)
    found = watched.findings["disk-low"]
    assert found.summary == "Only 3.0 GB are free at /out: room for a few checkpoints."  # type: ignore[attr-defined]


# what holds for all of them


def test_each_finding_of_pace_fires_and_stays_quiet():
    tables = {
        "step-slow": [isinstance(case[2], Severity) for case in SPEEDS],
        "stalled": [case[2] == "firing" for case in SILENCES],
        "exited-early": [case[2] for case in ENDINGS],
        "checkpoint-missing": [case[2] == "firing" for case in MISSING],
        "checkpoints-pruned": [case[2] for case in PRUNED],
        "resumed-silently": [case[2] for case in RESUMED],
    }
    assert set(tables) | {"step-slowdown", "data-starved"} == PACE | {"exited-early"}
    for name, fires in tables.items():
        assert {*fires} == {True, False}, name


FILLED = {
    "stalled": [{"kind": kind, "minutes": 8, "phase": "training", "usual": 5, "gap": None}
                for kind in ("", "busy", "idle")],
    "checkpoints-pruned": [
        {"limit": "count", "keep": 3, "name": "a", "next": 10},
        {"limit": "range", "range": "30 steps", "name": "a", "next": None},
        {"limit": "seen", "deleted": 2, "kept": 3, "name": "a", "next": 10}],
    "checkpoint-missing": [
        {"kind": "first", "where": where, "unit": unit, "number": 2, "due": 200, "every": 100,
         "step": 260, "newest": None, "folder": "/out"}
        for where in ("log", "folder") for unit in ("step", "epoch")],
}  # fmt: skip


@pytest.mark.parametrize("name", FILLED)
def test_sentences_are_whole(name):
    texts = set()
    for numbers in FILLED[name]:
        _, summary, _ = describe(KB, name, numbers)
        assert summary[-1] == "."
        assert not set("{}[]?") & set(summary)
        texts.add(summary)
    assert len(texts) >= len(FILLED[name]) - 1


HEADINGS = ("What it sees:", "Why it matters:", "When it is wrong:", "Example:")


@pytest.mark.parametrize("found", detectors(), ids=lambda found: found.id)
def test_headings(found):
    for heading in HEADINGS:
        assert heading in (type(found).__doc__ or "")


def test_settings_may_come_late():
    """A setting that was read only now counts from now on."""
    found = detector("checkpoint-missing")
    bare = replace(facts(), config=TrainingConfig())
    for view in steps(1, 300, facts=bare):
        assert found.update(view).state == "cannot-tell"
    config = TrainingConfig({"save_every": ConfigValue("save_every", 200, "save_every")})
    [view] = steps(310, facts=replace(bare, config=config))
    assert found.update(view).state == "firing"


def test_a_busy_box_is_not_the_runs_fault():
    trace = Trace(seconds=1.5, steps=600, tick=5.0, gpus=(card(),), host=box(cpu=lambda m: 99.0))
    assert not said(trace.run("data-starved"), "data-starved")
