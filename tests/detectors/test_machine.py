"""What detectors say of the machine around a run, and what they must not say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from loratui.core.events import Checkpoint
from loratui.core.facts import (
    GpuProcess,
    GpuReading,
    HostReading,
    Machine,
    RunFacts,
    StepTime,
    Surroundings,
)
from loratui.core.findings import Severity
from loratui.detectors import View, detectors
from loratui.kb import load
from tests.detectors.traces import (
    GIB,
    OWN,
    Trace,
    box,
    card,
    configured,
    healthy,
    loud,
    said,
)

KB = load()
MACHINE = {name for name, info in KB.findings.items() if info.family == "machine"}
WATCHERS = {
    *MACHINE,
    *(name for name, info in KB.findings.items() if info.family == "pace"),
    "exited-early",
}
WINDOWS = RunFacts(platform="windows", family="sdxl", trainer="kohya",
                   config=configured(batch_size=1, resolution="1024,1024"))  # fmt: skip
LINUX = replace(WINDOWS, platform="linux")
RTX_4090 = (StepTime("GeForce RTX 4090", 1.0, 3.0, ("sdxl",)),)


def run(seconds=1.5, steps=1000, **more):
    """A plain healthy run of 25 minutes with one GPU; `more` changes it."""
    more.setdefault("gpus", (card(),))
    more.setdefault("host", box())
    more.setdefault("facts", LINUX)
    return Trace(seconds=seconds, steps=steps, tick=5.0, **more)


def half(before, after):
    """A value for the first half of the run and one for the second."""
    return lambda m: before if m.done < 0.5 else after


def rising(first, last, since=0.0):
    return lambda m: first + (last - first) * max(0.0, m.done - since) / (1.0 - since)


def stairs(first, each, times):
    return lambda m: first + each * sum(m.done >= at for at in times)


THERMAL = ("thermal (software)",)
SLOW_HALF = lambda done: 1.0 if done < 0.5 else 2.0  # noqa: E731

# id, what, the run, whether it fires, some of its numbers
CASES = [
    ("gpu-throttled", "heat halves the clock",
     run(gpus=(card(clock=half(2700, 1500), throttle=half((), THERMAL)),)), True,
     {"kind": "heat", "reasons": "thermal (software)", "best": 2700}),
    ("gpu-throttled", "heat that costs nothing",
     run(gpus=(card(clock=half(2700, 2600), throttle=half((), THERMAL)),)), False, {}),
    ("gpu-throttled", "hot, and no reason given",
     run(gpus=(card(temperature=92, throttle=lambda m: ()),)), False, {}),
    ("gpu-throttled", "the hardware protects itself, clocks not told",
     run(gpus=(card(clock=lambda m: None, throttle=half((), ("hardware slowdown",))),)), True,
     {"kind": "hardware"}),
    ("gpu-throttled", "the hardware flickers",
     run(gpus=(card(throttle=lambda m: ("hardware slowdown",) if m.pick.random() < .1 else ()),)),
     False, {}),
    ("gpu-throttled", "power brake from the start",
     run(gpus=(card(clock=lambda m: 900, throttle=lambda m: ("hw power brake",)),)), True,
     {"kind": "hardware", "best": None}),
    ("gpu-throttled", "a laptop at its power cap all the time",
     run(gpus=(card(clock=lambda m: 1300,
                    throttle=lambda m: ("power cap", "thermal (software)")),)), False, {}),
    ("gpu-throttled", "somebody halves the power limit",
     run(steps=1600, slow=SLOW_HALF,
         gpus=(card(clock=half(2700, 1300), throttle=lambda m: ("power cap",)),)), True,
     {"kind": "power"}),
    ("gpu-throttled", "a lower power limit that costs no time",
     run(steps=1600, gpus=(card(clock=half(2700, 1300), throttle=lambda m: ("power cap",)),)),
     False, {}),
    ("gpu-throttled", "idle clocks while sampling",
     run(pause=lambda step: 400 if step == 500 else 0,
         gpus=(card(clock=lambda m: 2700 if not m.paused else 210),)), False, {}),
    ("gpu-throttled", "not told", run(gpus=(lambda m: replace(card()(m), throttle=None),)), False,
     {}),
    ("gpu-memory-near-limit", "full", run(gpus=(card(used=lambda m: 23.6),)), True,
     {"used": 23.6, "total": 24.0}),
    ("gpu-memory-near-limit", "room left", run(gpus=(card(used=lambda m: 22.6),)), False, {}),
    ("gpu-memory-near-limit", "full only while sampling",
     run(pause=lambda step: 60 if step % 100 == 0 else 0,
         gpus=(card(used=lambda m: 23.8 if m.phase == "sampling" else 20.0),)), False, {}),
    ("gpu-memory-growing", "a leak", run(steps=2400, gpus=(card(used=rising(10, 30)),)), True, {}),
    ("gpu-memory-growing", "a leak too slow to matter",
     run(steps=2400, gpus=(card(used=rising(10, 14)),)), False, {}),
    ("gpu-memory-growing", "stairs in the first epoch",
     run(steps=2400, gpus=(card(used=stairs(10, 1.5, [.01, .03, .05, .08, .09, .1, .12])),)), False,
     {}),
    ("gpu-memory-growing", "one jump", run(steps=2400, gpus=(card(used=half(10, 23)),)), False, {}),
    ("gpu-memory-growing", "up while sampling, and back",
     run(steps=2400, pause=lambda step: 60 if step % 100 == 0 else 0,
         gpus=(card(used=lambda m: 14 + (m.done * 9 if m.phase == "sampling" else 0)),)), False,
     {}),
    ("gpu-memory-spill", "full, then slow", run(facts=WINDOWS, slow=SLOW_HALF, steps=1600,
     gpus=(card(used=half(21, 23.8)),)), True, {"kind": "slowed"}),
    ("gpu-memory-spill", "the same on Linux", run(facts=LINUX, slow=SLOW_HALF, steps=1600,
     gpus=(card(used=half(21, 23.8)),)), False, {}),
    ("gpu-memory-spill", "full and fast", run(facts=WINDOWS, gpus=(card(used=lambda m: 23.8),)),
     False, {}),
    ("gpu-memory-spill", "slow with room left", run(facts=WINDOWS, slow=SLOW_HALF, steps=1600,
     gpus=(card(used=lambda m: 20),)), False, {}),
    ("gpu-memory-spill", "full and far too slow from the start",
     run(12.0, 200, facts=WINDOWS, step_times=RTX_4090, gpus=(card(used=lambda m: 23.8),)), True,
     {"kind": "slow", "ratio": 4.0}),
    ("gpu-memory-spill", "full, slow from the start, and nothing to compare with",
     run(12.0, 200, facts=WINDOWS, gpus=(card(used=lambda m: 23.8),)), False, {}),
    ("gpu-unused", "the processor trains",
     run(20.0, 60, gpus=(card(use=lambda m: 0, used=lambda m: .3),)), True, {"use": 0}),
    ("gpu-unused", "idle, but the model is on it",
     run(20.0, 60, gpus=(card(use=lambda m: 0),)), False, {}),
    ("gpu-unused", "the process is not on this machine",
     run(20.0, 60, processes=None, gpus=(card(use=lambda m: 0, used=lambda m: .3),)), False, {}),
    ("gpu-unused", "which GPU is not known",
     run(20.0, 60, gpus=tuple(card(use=lambda m: 0, used=lambda m: .3, index=i) for i in (0, 1))),
     False, {}),
    ("gpu-unused", "its second GPU works", run(20.0, 60, own=True, gpus=(
        card(use=lambda m: 0, used=lambda m: .3), card(index=1))), False, {}),
    ("gpu-unused", "utilisation is not told",
     run(20.0, 60, gpus=(card(use=lambda m: None, used=lambda m: .3),)), False, {}),
    ("gpu-shared", "a large one", run(gpus=(card(others=(GpuProcess(9, "comfy", 8 * GIB),)),)),
     True, {"pid": 9, "name": "comfy", "memory": 8.0, "kind": "costs"}),
    ("gpu-shared", "one of some size", run(gpus=(card(others=(GpuProcess(9, None, 2 * GIB),)),)),
     True, {"kind": "small"}),
    ("gpu-shared", "a desktop", run(gpus=(card(others=(GpuProcess(9, "Xorg", GIB // 2),)),)), False,
     {}),
    ("gpu-shared", "memory is not told", run(gpus=(card(others=(GpuProcess(9, "python", None),)),)),
     False, {}),
    ("gpu-shared", "the run's second rank", run(processes=frozenset((OWN, 9)),
     gpus=(card(others=(GpuProcess(9, "python", 8 * GIB),)),)), False, {}),
    ("gpu-shared", "the run's own is not listed", run(processes=frozenset((1,)),
     gpus=(card(others=(GpuProcess(9, "python", 8 * GIB),)),)), False, {}),
    ("gpu-shared", "the run's processes are not known", run(processes=None,
     gpus=(card(others=(GpuProcess(9, "python", 8 * GIB),)),)), False, {}),
    ("gpu-lost", "lost, and no step more",
     run(stops_at=500, after=60, gone=True, gpus=(card(lost=lambda m: m.step >= 500),)), True,
     {"gpu": "GPU 0 (NVIDIA GeForce RTX 4090)"}),
    ("gpu-lost", "steps go on", run(gpus=(card(lost=lambda m: m.step >= 500),)), False, {}),
    ("gpu-lost", "another of the box",
     run(stops_at=500, after=60, gone=True, gpus=(card(), card(index=1, lost=half(False, True)))),
     False, {}),
    ("gpu-lost", "for a moment", run(gpus=(card(lost=lambda m: 700 < m.at < 708),)), False, {}),
    ("host-memory-growing", "a leak", run(steps=2400, host=box(used=rising(20, 80))), True,
     {"total": 64.0}),
    ("host-memory-growing", "a cache that fills in the first epoch",
     run(steps=2400, host=box(used=lambda m: 20 + 40 * min(1.0, m.done / .12))), False, {}),
    ("host-memory-growing", "enough to the end", run(steps=2400, host=box(used=rising(20, 50))),
     False, {}),
    ("host-memory-growing", "another machine",
     run(steps=2400, processes=None, gpus=(), host=box(used=rising(20, 80))), False, {}),
    ("disk-low", "a few GB", run(host=box(free=lambda m: 3.2)), True,
     {"kind": "little", "free": 3.2}),
    ("disk-low", "nothing", run(host=box(free=lambda m: .4)), True, {"kind": "full"}),
    ("disk-low", "less than a document asks for", run(host=box(free=lambda m: 30)), True,
     {"kind": "rule", "free": 30}),
    ("disk-low", "enough", run(host=box(free=lambda m: 60)), False, {}),
    ("disk-low", "another disk", run(
        host=box(free=lambda m: 1, path="/root"),
        facts=replace(LINUX, config=configured(output_path="/data/out"))), False, {}),
    ("disk-low", "full for a moment", run(host=box(free=lambda m: 1 if 500 < m.at < 515 else 90)),
     False, {}),
    ("data-starved", "all cores are busy",
     run(gpus=(card(use=lambda m: int(m.pick.choice([0, 3, 40, 95]))),),
         host=box(cpu=lambda m: 96)), True, {"kind": "cpu", "cpu": 96}),
    ("data-starved", "two loading processes and the main one",
     run(gpus=(card(use=lambda m: int(m.pick.choice([0, 3, 40, 95]))),),
         host=box(cpu=lambda m: 18.0, cores=16),
         facts=replace(LINUX, config=configured(workers=2))), True, {"workers": 2}),
    ("data-starved", "the disk is slow",
     run(gpus=(card(use=lambda m: int(m.pick.choice([0, 3, 40, 95]))),),
         host=box(disk=lambda m: 60)), True, {"kind": "disk", "disk": 60}),
    ("data-starved", "idle, and nobody busy",
     run(gpus=(card(use=lambda m: int(m.pick.choice([0, 3, 40, 95]))),)), False, {}),
    ("data-starved", "a small job on a busy box",
     run(gpus=(card(use=lambda m: 40),), host=box(cpu=lambda m: 96)), False, {}),
    ("data-starved", "blocks are swapped",
     run(gpus=(card(use=lambda m: int(m.pick.choice([0, 3, 40, 95]))),),
         host=box(cpu=lambda m: 96), facts=replace(LINUX, config=configured(blocks_to_swap=18))),
     False, {}),
    ("data-starved", "long samples that nobody announces",
     run(announced=False, pause=lambda step: 120 if step % 50 == 0 else 0, steps=600,
         gpus=(card(use=lambda m: 0 if m.paused else 97),), host=box(cpu=lambda m: 96)), False, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "trace", "fires", "numbers"),
    [pytest.param(c[0], *c[2:], id=f"{c[0]}: {c[1]}") for c in CASES],
)
def test_case(name, trace, fires, numbers):
    fired = said(trace.run(name), name)
    assert bool(fired) is fires, [dict(verdict.numbers) for verdict in fired]
    if fires:
        first = fired[0]
        assert {key: first.numbers.get(key) for key in numbers} == numbers
        assert first.evidence
        summary = KB.findings[name].summary
        assert summary


def test_each_finding_of_the_machine_fires_and_stays_quiet():
    for name in MACHINE:
        assert {case[3] for case in CASES if case[0] == name} == {True, False}, name


def test_severities():
    def first(name, trace):
        return said(trace.run(name), name)[0].severity

    shared = [card(others=(GpuProcess(9, "x", size * GIB),)) for size in (2, 8)]
    assert first("gpu-shared", run(gpus=(shared[0],))) is Severity.INFO
    assert first("gpu-shared", run(gpus=(shared[1],))) is Severity.WARNING
    for free, severity in ((30, Severity.INFO), (3, Severity.WARNING), (0.4, Severity.ERROR)):
        assert first("disk-low", run(host=box(free=lambda m, free=free: free))) is severity


def test_the_disk_against_the_checkpoints_to_come():
    facts = replace(LINUX, config=configured(save_every=100))
    shown = {}
    for free in (2.0, 6.0, 30.0):
        trace = run(facts=facts, host=box(free=lambda m, free=free: free),
                    saves_at=lambda step: ("a.safetensors",) if step % 100 == 0 else (),
                    size=GIB)  # fmt: skip
        trace = replace(trace, stops_at=450, gone=True)
        verdict = said(trace.run("disk-low"), "disk-low")
        shown[free] = verdict[-1] if verdict else None
    assert shown[2.0].numbers["kind"] == "rest"
    assert shown[6.0].numbers["saves"] == 6
    assert shown[6.0].numbers["need"] == 6.0
    assert shown[30.0].numbers["kind"] == "rule"  # until the first checkpoint has shown its size
    kept = replace(facts, config=configured(save_every=100, keep_last=2))
    trace = run(facts=kept, host=box(free=lambda m: 6.0), size=GIB,
                saves_at=lambda step: ("a.safetensors",) if step % 100 == 0 else ())  # fmt: skip
    assert trace.run("disk-low")["disk-low"][-1].state == "clear"


def test_a_finding_keeps_its_numbers_for_a_while():
    """Nothing is news that is seen every second: the same object comes back until it is old."""
    trace = run(gpus=(card(used=lambda m: 23.5 + 0.3 * m.pick.random()),))
    fired = said(trace.run("gpu-memory-near-limit"), "gpu-memory-near-limit")
    assert 10 < len(fired) < 30  # of 300 looks in 25 minutes


def test_readings_of_old_are_none():
    quiet = run(gpus=(card(used=lambda m: 23.9),), note=lambda at: "the driver is silent")
    assert not said(quiet.run("gpu-memory-near-limit"), "gpu-memory-near-limit")


def test_a_sleeping_laptop_heard_nothing():
    """Two looks an hour apart: neither the one nor the other held for the time between them."""
    for detector in detectors():
        if detector.id not in WATCHERS:
            continue
        verdict = None
        for at in (1000.0, 1001.0, 9000.0, 9001.0, 9002.0):
            around = Surroundings(
                machine=Machine((GpuReading(0, "x", utilisation=0, memory_used=24 * GIB,
                                            memory_total=24 * GIB, clock=300, clock_max=3000,
                                            throttle=("thermal (hardware)",)),)),
                host=HostReading(96.0, 8, 60 * GIB, 64 * GIB, 400 * GIB),
                processes=frozenset((1,)), phase="training",
                quiet=0.0 if at < 2000 else at - 1001.0, gap=1.0, allowed=180.0,
            )  # fmt: skip
            verdict = detector.update(View(step=50, total=1000, now=at, around=around))
        assert verdict is not None
        assert verdict.state != "firing", detector.id


HOSTILE = [
    Surroundings(),
    Surroundings(machine=Machine()),
    Surroundings(machine=Machine((GpuReading(0),)), host=HostReading(), quiet=1e9, phase="odd"),
    Surroundings(
        machine=Machine((GpuReading(0, memory_used=0, memory_total=0, clock=0, clock_max=0,
                                    utilisation=0, throttle=(), processes=()),) * 3, own=True),
        host=HostReading(0.0, 0, 0, 0, 0, "", 0.0), processes=frozenset(), quiet=0.0,
        phase="training", gap=math.inf, allowed=math.nan, watched_from=0,
    ),
    Surroundings(
        machine=Machine((GpuReading(0, utilisation=100, memory_used=2**70, memory_total=1,
                                    throttle=("reason 0x800",)),)),
        host=HostReading(1e9, 1, 2**70, 1, -1, "\0", math.nan), quiet=0.0, phase="training",
        gone=True, step_times=(StepTime("", 0.0, 0.0, ("sdxl",), 1, 1),),
    ),
]  # fmt: skip
SETTINGS = [
    {},
    {"save_every": 0, "save_every_epochs": 0, "batch_size": 0, "resolution": "", "workers": -3},
    {"save_every": math.nan, "keep_last": math.inf, "resolution": [], "batch_size": math.inf},
    {"save_every": "often", "resolution": "big", "batch_size": "auto", "output_path": 7,
     "gradient_accumulation": -1, "resume": [], "keep_last_steps": -5},
    {"save_every": 1, "save_every_epochs": 1, "keep_last_epochs": 0, "keep_last_steps": 0,
     "resolution": (0, 0), "batch_size": True, "save_every_unit": "EPOCH"},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=range(len(SETTINGS)))
@pytest.mark.parametrize("around", HOSTILE, ids=range(len(HOSTILE)))
def test_survives(around, settings):
    for trainer in ("unknown", "kohya", "onetrainer"):
        facts = RunFacts(trainer=trainer, family="sdxl", config=configured(**settings),
                         steps_per_epoch=1, platform="windows", saves="late")  # fmt: skip
        for detector in detectors():
            if detector.id not in WATCHERS:
                continue
            for at, step in ((0.0, None), (5.0, 0), (10.0, 7), (4.0, 3), (1e12, 10**9), (20.0, 9)):
                view = View(
                    facts=facts, step=step, total=10, told=step, now=at,
                    around=replace(around),
                    checkpoints=[Checkpoint("", 0, "", None, 0), Checkpoint("", 0, "/", 5)],
                )  # fmt: skip
                verdict = detector.update(view)
                assert verdict.state in {"firing", "clear", "too-early", "cannot-tell"}


RUNS = 30
"""Runs of half an hour to two and a half hours; several hundred more were tried once."""


@pytest.mark.parametrize("begin", range(0, RUNS, 10))
def test_healthy_machines_stay_silent(begin):
    for seed in range(begin, begin + 10):
        fired = healthy(seed).run(*WATCHERS)
        assert not loud(fired, lambda name: KB.findings[name].severity), seed
        told = {name for name in fired if said(fired, name)}
        assert told <= {"checkpoints-pruned", "gpu-memory-near-limit"}, seed
