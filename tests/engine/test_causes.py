"""Findings joined to a cause: which stand together, what is only a consequence, what to do."""

from __future__ import annotations

import pytest

from loratui.core.events import Checkpoint, Ended, Progress, RunBegan
from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig
from loratui.core.findings import Severity, Verdict
from loratui.engine.causes import causes_of
from loratui.engine.findings import findings_of
from loratui.engine.lifecycle import Lifecycle, Tracked
from loratui.engine.now import action_of, last_before, next_save
from loratui.engine.run import Run
from loratui.kb import load

KB = load()


def settings(**values: object) -> TrainingConfig:
    return TrainingConfig({n: ConfigValue(n, v, n, str(v)) for n, v in values.items()})


def facts(**fields: object) -> RunFacts:
    return RunFacts(**{"trainer": "kohya", **fields})  # type: ignore[arg-type]


def tracked(*names: str, at: int = 100, **numbers: object) -> dict[str, Tracked]:
    life = Lifecycle()
    for name in names:
        severity = Severity.of(KB.findings[name].severity)
        verdict = Verdict("firing", since=at, numbers=numbers)
        life.see(name, verdict, severity, at, text=False)
    return life.tracked


JOINED = [
    # what fires, what is known, the finding that stays, what it silences
    (("step-slowdown", "gpu-throttled"), facts(), "step-slowdown", "gpu-throttled"),
    (("gpu-memory-spill", "step-slowdown"), facts(platform="wsl"), "gpu-memory-spill",
     "step-slowdown"),
    (("step-slowdown", "gpu-memory-near-limit"), facts(platform="linux"), "step-slowdown",
     "gpu-memory-near-limit"),
    (("data-starved", "step-slowdown"), facts(), "data-starved", "step-slowdown"),
    (("loss-nan", "loss-diverging"), facts(), "loss-nan", "loss-diverging"),
    (("lr-zero", "loss-plateau"), facts(), "lr-zero", "loss-plateau"),
    (("host-oom", "killed"), facts(), "host-oom", "killed"),
    (("cuda-oom", "gpu-shared"), facts(), "cuda-oom", "gpu-shared"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "known", "stays", "silenced"), JOINED)
def test_joined(names: tuple[str, ...], known: RunFacts, stays: str, silenced: str) -> None:
    found = causes_of(KB, tracked(*names), known)
    assert found.silenced == {silenced: stays}
    assert found.of[stays].texts


ALONE = [
    (("step-slowdown",), facts()),
    (("gpu-throttled",), facts()),
    # of a run of another machine nobody knows the platform
    (("gpu-memory-spill", "step-slowdown"), facts()),
    (("step-slowdown", "gpu-memory-near-limit"), facts(platform="windows")),
    (("loss-nan",), facts(family="sdxl")),
    (("loss-nan",), facts(config=settings(mixed_precision="fp16"))),
    (("loss-nan",), facts(family="sdxl", config=settings(mixed_precision="bf16"))),
    (("loss-too-fast",), facts(images=200, config=settings(network_dim=64))),
    (("loss-too-fast",), facts(images=12, config=settings(network_dim=8))),
    (("loss-too-fast",), facts(config=settings(network_dim=64))),
    (("loss-nan",), facts(config=settings(learning_rate=1.0, optimizer="Prodigy"))),
]


@pytest.mark.parametrize(("names", "known"), ALONE)
def test_not_joined(names: tuple[str, ...], known: RunFacts) -> None:
    found = causes_of(KB, tracked(*names), known)
    assert not found.of
    assert not found.silenced


def test_onsets_far_apart_are_no_cause() -> None:
    both = {**tracked("loss-diverging", at=2000), **tracked("lr-jump", at=300)}
    assert not causes_of(KB, both, facts()).of
    both = {**tracked("loss-diverging", at=2000), **tracked("lr-jump", at=1900)}
    assert causes_of(KB, both, facts()).silenced == {"lr-jump": "loss-diverging"}


def test_causes_from_settings_alone() -> None:
    vae = causes_of(
        KB, tracked("loss-nan"), facts(family="sdxl", config=settings(mixed_precision="fp16"))
    )
    assert vae.of["loss-nan"].fixes[0] == "full-vae"
    few = causes_of(KB, tracked("loss-too-fast"), facts(images=12, config=settings(network_dim=64)))
    assert "12 images" in few.of["loss-too-fast"].texts[0]
    assert "64" in few.of["loss-too-fast"].texts[0]


def test_a_finding_that_went_away_joins_nothing() -> None:
    both = tracked("step-slowdown", "gpu-throttled")
    both["gpu-throttled"].firing = False
    assert not causes_of(KB, both, facts()).of


def test_what_follows_from_what_follows() -> None:
    """gpu-lost silences stalled; each consequence names what stands at the root."""
    three = tracked("nan-latents", "loss-nan", "loss-diverging")
    silenced = causes_of(KB, three, facts()).silenced
    assert silenced == {"loss-nan": "nan-latents", "loss-diverging": "nan-latents"}


def a_run(step: int = 400, total: int = 1000) -> Run:
    run = Run(KB, "log")
    run.apply([RunBegan("log", 0), Progress("log", 1, step, total)], 0.0)
    return run


def fire(run: Run, name: str, since: int | None, severity: Severity | None = None) -> Tracked:
    verdict = Verdict("firing", since=since, severity=severity)
    default = Severity.of(KB.findings[name].severity)
    run.lifecycle.see(name, verdict, default, since, text=False)
    return run.lifecycle.tracked[name]


def test_causes_come_before_consequences() -> None:
    run = a_run()
    fire(run, "loss-nan", 300, Severity.CRITICAL)
    fire(run, "nan-latents", None)
    found = findings_of(run)
    assert [finding.id for finding in found] == ["nan-latents", "loss-nan"]
    assert found[0].causes
    assert found[1].silenced_by == "nan-latents"


def saved(*steps: int) -> list[Checkpoint]:
    return [Checkpoint("log", 0, f"out/robot-step{step:08d}.safetensors") for step in steps]


@pytest.mark.parametrize(
    ("step", "expected"), [(300, 200), (200, 100), (201, 200), (100, None), (None, None)]
)
def test_the_last_good_checkpoint(step: int | None, expected: int | None) -> None:
    found = last_before(saved(100, 200, 300), step, facts())
    assert (found.path if found else None) == (saved(expected)[0].path if expected else None)


def test_stop_and_use_the_last_good_one() -> None:
    run = a_run()
    run.course.checkpoints += saved(100, 200, 400)
    said = action_of(run, fire(run, "loss-nan", 300, Severity.CRITICAL))
    assert "robot-step00000200.safetensors" in said
    assert "200" in said
    assert "300" in said
    assert "00000400" not in said


def test_save_it_before_the_trainer_deletes_it() -> None:
    run = a_run()
    run.course.checkpoints += saved(200, 400)
    run.lifecycle.see(
        "checkpoints-pruned",
        Verdict("firing", since=400, numbers={"oldest": saved(200)[0].path}),
        Severity.INFO, 400, text=False,
    )  # fmt: skip
    said = action_of(run, fire(run, "loss-nan", 300, Severity.CRITICAL))
    assert said.startswith("Copy robot-step00000200.safetensors")
    late = action_of(run, fire(run, "loss-diverging", 390))
    assert late  # the newest good one is not the oldest file here
    run.course.checkpoints += saved(389)
    assert "Copy" not in action_of(run, run.lifecycle.tracked["loss-diverging"])


def test_a_run_that_is_over_is_not_stopped() -> None:
    run = a_run()
    run.apply([Ended("log", 9, "failed")], 0.0)
    known = fire(run, "loss-nan", 300, Severity.CRITICAL)
    assert action_of(run, known) == KB.actions["over"]


@pytest.mark.parametrize(
    ("known", "step", "expected"),
    [
        (facts(config=settings(save_every=250)), 400, 500),
        (facts(config=settings(save_every=250)), 500, 750),
        (facts(config=settings(save_every_epochs=2), steps_per_epoch=60), 130, 240),
        (
            facts(config=settings(save_every=1, save_every_unit="EPOCH"), steps_per_epoch=60),
            70,
            120,
        ),
        (facts(config=settings(save_every=0)), 70, None),
        (facts(config=settings(save_every=900), total_steps=1000), 950, 1000),
        (facts(), 70, None),
        (facts(config=settings(save_every=100)), None, None),
    ],
)
def test_when_it_saves_next(known: RunFacts, step: int | None, expected: int | None) -> None:
    assert next_save(known, step) == expected
