"""Canned snapshots and a feed that hands them out, for tests and for looking at screens."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from loratui.core.advice import Fix, PatchLine
from loratui.core.events import LogLine
from loratui.core.facts import GpuProcess, GpuReading, Machine, RunFacts
from loratui.core.findings import Evidence, Finding, Severity, Undecided
from loratui.core.series import Series
from loratui.core.snapshot import Checklist, ChecklistItem, SessionSnapshot, Status
from loratui.engine.feed import Action

GIB = 2**30
SECTIONS = ("status", "facts", "series", "findings", "checklist", "log", "machine")

GPU = GpuReading(
    index=0,
    name="NVIDIA GeForce RTX 4090",
    utilisation=97,
    memory_used=22 * GIB,
    memory_total=24 * GIB,
    temperature=71,
    power=402.4,
    power_limit=450.0,
    clock=1980,
    clock_max=2520,
    memory_clock=10501,
    fan=62,
    throttle=("power cap",),
    throttle_share={"power cap": 0.71},
    processes=(GpuProcess(4242, "python", 21 * GIB),),
)


def series(name: str, values, start: int = 1):
    """A view of a series with one value a step."""
    made = Series(name)
    made.extend(range(start, start + len(values)), values)
    return made.view()


def losses(count: int, rise_from: int | None = None, nan_from: int | None = None) -> list[float]:
    """A noisy loss that falls, and then rises or is NaN."""
    rng = random.Random(7)
    values = []
    for step in range(count):
        level = 0.11 + 0.1 * math.exp(-step / (count / 6))
        if rise_from is not None and step > rise_from:
            level *= math.exp((step - rise_from) / 300)
        value = level * math.exp(rng.gauss(0, 0.3))
        values.append(math.nan if nan_from is not None and step >= nan_from else value)
    return values


def snapshot(**fields) -> SessionSnapshot:
    """A snapshot in which every section has revision 1."""
    return SessionSnapshot(revisions=dict.fromkeys(SECTIONS, 1), **fields)


def log_lines(*texts: str) -> tuple[LogLine, ...]:
    levels = {"WARN": "warning", "ERRO": "error", "Trac": "error", "torc": "error"}
    return tuple(
        LogLine("train.log", at * 100, text, levels.get(text[:4], ""))
        for at, text in enumerate(texts)
    )


LOG = log_lines(
    "prepare optimizer, data loader etc.",
    "use 8-bit AdamW optimizer | {}",
    "running training",
    "epoch 1/10",
    "WARNING No caption file found for 3 images",
    "saving checkpoint: maya-000001.safetensors",
    "epoch 2/10",
    "saving checkpoint: maya-000002.safetensors",
    "epoch 3/10",
    "saving checkpoint: maya-000003.safetensors",
    "epoch 4/10",
)
FACTS = RunFacts(
    name="maya_char", trainer="kohya", family="sdxl", loss_kind="raw", total_steps=3400, epochs=10
)
CHECKLIST = Checklist(
    "after-epoch-1",
    "After epoch 1",
    (
        ChecklistItem("fell", "loss fell from the start", "done", "0.19 → 0.11"),
        ChecklistItem("saved", "checkpoint saved", "done", "maya-000001"),
        ChecklistItem("memory", "no out-of-memory", "done"),
        ChecklistItem("features", "samples show some features", "manual"),
        ChecklistItem("artifacts", "no extreme artifacts", "open", "needs samples"),
    ),
)
UNDECIDED = (
    Undecided("overfitting", "cannot-tell", "overfitting", "no validation loss; look at samples"),
)
HALVE = Fix(
    "halve-lr",
    "Halve the learning rate",
    "config",
    verify="the loss stays under 0.07 for 300 steps after the restart",
    source="LoRA Training Guide, loss curves",
    patch=(PatchLine("learning_rate", "unet_lr", 2e-4, 1e-4, "config.toml", 12),),
)
DIVERGING = Finding(
    "loss-diverging",
    Severity.ERROR,
    "firing",
    first_step=1010,
    fired_step=1100,
    last_step=1240,
    confidence=0.97,
    title="Loss is diverging",
    summary="rose 2.4× over 230 steps; noise explains 1.3×",
    evidence=(Evidence("series", "best 0.059 at step 700, now 0.142"),),
    symptom="loss-rises",
    fixes=(
        HALVE,
        Fix("earlier", "Use an earlier checkpoint", "minutes", cost="the steps since then"),
        Fix("clip", "Clip gradients at 1.0", "config", caveat="hides the cause, does not cure it"),
    ),
)
SLOWER = Finding(
    "step-slowdown",
    Severity.WARNING,
    "firing",
    first_step=1180,
    confidence=0.9,
    title="Steps are 1.6× slower",
    summary="GPU clock held by power limit 71 % of the time",
    symptom="slow-steps",
    fixes=(Fix("limit", "Raise the limit or accept 1.2 it/s", "minutes"),),
)


def healthy() -> SessionSnapshot:
    return snapshot(
        path="train.log",
        facts=FACTS,
        status=Status(
            "training", 1240, 3400, 4, 10, rate=1.93, eta=1120.0, loss=0.112, trend=0, lr=1e-4
        ),
        series={
            "loss": series("loss", losses(1240)),
            "lr": series("lr", [1e-4 * min(1, s / 100) for s in range(1240)]),
        },
        undecided=(
            *UNDECIDED,
            Undecided("loss-plateau", "too-early", "a plateau", "needs 6 blocks, has 4"),
        ),
        checked=31,
        checklist=CHECKLIST,
        log=LOG,
        log_count=len(LOG),
        machine=Machine((GPU,), "580.65", "13.0", simulated=True),
        epoch_marks=(340, 680, 1020),
    )


def rich() -> SessionSnapshot:
    """A run that gives every kind of series."""
    base = healthy()
    raw = losses(1240)
    validation = Series("val_loss")
    validation.extend(range(100, 1241, 100), [0.2 - 0.006 * at for at in range(12)])
    mean = [sum(raw[max(0, at - 340) : at + 1]) / min(at + 1, 341) for at in range(1240)]
    return replace(
        base,
        series={
            **base.series,
            "grad_norm": series("grad_norm", [value * 4 for value in losses(1240)]),
            "epoch_loss": series("epoch_loss", [0.21, 0.16, 0.13]),
            "mean_loss": series("mean_loss", mean),
            "val_loss": validation.view(),
            "val_loss t250": series("val_loss t250", [0.1, 0.09]),
            "lr_text_encoder": series("lr_text_encoder", [5e-5] * 1240),
        },
    )


def diverging() -> SessionSnapshot:
    base = healthy()
    return replace(
        base,
        status=replace(base.status, loss=0.142, trend=1),
        series={"loss": series("loss", losses(1240, rise_from=1010)), "lr": base.series["lr"]},
        findings=(DIVERGING, SLOWER),
        undecided=UNDECIDED,
        machine=replace(base.machine, simulated=False),
    )


def broken() -> SessionSnapshot:
    """The loss is NaN from step 812 on."""
    base = healthy()
    finding = Finding(
        "loss-nan",
        Severity.CRITICAL,
        "firing",
        first_step=812,
        title="Loss is NaN",
        summary="every step since 812 has no number for a loss; the weights are lost",
        symptom="training-nan",
        fixes=(Fix("stop", "Stop; restart from the last checkpoint before step 812", "minutes"),),
    )
    return replace(
        base,
        status=replace(base.status, loss=math.nan, advice="stop"),
        series={"loss": series("loss", losses(1240, nan_from=812))},
        findings=(finding,),
    )


def out_of_memory() -> SessionSnapshot:
    base = healthy()
    finding = Finding(
        "cuda-oom",
        Severity.CRITICAL,
        "firing",
        first_step=3,
        title="The GPU ran out of memory",
        summary="Tried to allocate 2.00 GiB; 1.1 GiB of 24 GiB was free",
        symptom="crash-oom",
        fixes=(Fix("batch", "Halve the batch size", "config"),),
    )
    return replace(
        base,
        status=Status("out of memory", 3, 3400, 1, 10, loss=0.21, advice="stop"),
        series={"loss": series("loss", losses(3))},
        findings=(finding,),
        undecided=(),
        log=log_lines(
            *(entry.text for entry in LOG[:3]),
            "Traceback (most recent call last):",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a "
            "total capacity of 23.65 GiB of which 1.10 GiB is free.",
        ),
        log_count=5,
        machine=Machine(note="No NVIDIA driver was found on this machine."),
        epoch_marks=(),
    )


def empty() -> SessionSnapshot:
    return SessionSnapshot()


def waiting() -> SessionSnapshot:
    return snapshot(path="runs/maya/train.log")


def loading() -> SessionSnapshot:
    return replace(
        healthy(),
        status=Status("caching", advice="wait", usual="1 to 10 min"),
        series={},
        epoch_marks=(),
    )


HOSTILE = (
    "[bold]x[/bold] [/foo] [@click=app.quit]q[/] \x1b[31mred\x1b[0m \x07 ⚠ 日本語のファイル名 " * 3
)


def hostile() -> SessionSnapshot:
    """Markup, escapes, wide characters and endless names everywhere."""
    base = diverging()
    finding = replace(
        DIVERGING, title=HOSTILE, summary=HOSTILE, fixes=(replace(HALVE, text=HOSTILE),)
    )
    return replace(
        base,
        path="/data/[/x]/" + "very-long-" * 30,
        facts=replace(FACTS, name="[/run]" + "長い名前" * 30, family="[b]odd"),
        findings=(finding,),
        undecided=(Undecided("x", "cannot-tell", HOSTILE, HOSTILE),),
        checklist=Checklist("x", "[/title]", (ChecklistItem("x", HOSTILE, "open", HOSTILE),)),
        log=log_lines(HOSTILE, "x" * 5000, "a\tb\rc", "\u202eright to left"),
        log_count=4,
        machine=Machine((replace(GPU, name=HOSTILE, note=HOSTILE),)),
        unread=(("[/y].log", HOSTILE),),
    )


STATES = {
    "healthy": healthy,
    "rich": rich,
    "diverging": diverging,
    "nan": broken,
    "oom": out_of_memory,
    "empty": empty,
    "waiting": waiting,
    "loading": loading,
    "hostile": hostile,
}


class FakeFeed:
    """Hands out whatever snapshot it holds and notes what it was asked."""

    def __init__(self, first: SessionSnapshot | None = None) -> None:
        self.snapshot = first if first is not None else healthy()
        self.calls: list[str] = []
        self.actions: list[Action] = []

    def start(self) -> None:
        self.calls.append("start")

    def give_way(self, seconds: float) -> None: ...

    def read_history(self) -> None:
        self.calls.append("read_history")

    def latest(self) -> SessionSnapshot:
        return self.snapshot

    def send(self, action: Action) -> None:
        self.actions.append(action)

    def stop(self) -> None:
        self.calls.append("stop")

    def change(self, **fields) -> None:
        """The next snapshot, with the revisions of these fields raised."""
        revisions = dict(self.snapshot.revisions)
        for name in fields:
            if name in revisions:
                revisions[name] += 1
        self.snapshot = replace(self.snapshot, revisions=revisions, **fields)
