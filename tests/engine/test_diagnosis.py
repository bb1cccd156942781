"""Every recorded run gets the finding that is right for it; healthy ones stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from loratui.core.findings import Severity
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.attach import look_at
from loratui.engine.diagnosis import diagnose
from loratui.errors import LoratuiError
from loratui.kb import load
from loratui.kb.base import KnowledgeBase
from tests.runs import RUNS, log


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return load()


def firing(run: SessionSnapshot) -> list[str]:
    return [finding.id for finding in run.findings if finding.state == "firing"]


# name, finding that stands first, the step at which the trouble begins, state
FAULTY = [
    ("ai_toolkit/crash-dataset-missing", "no-data", None, "crashed"),
    ("ai_toolkit/lr-nan", "loss-nan", 3, "finished"),
    ("diffusers/db-crash-bad-image", "bad-image", 1, "crashed"),
    ("diffusers/db-lr-nan", "loss-nan", 7, "finished"),
    ("diffusers/t2i-crash-data-dir-missing", "no-data", None, "crashed"),
    ("diffusers/t2i-crash-no-captions", "missing-captions", None, "crashed"),
    ("diffusers/t2i-killed", "killed", 173, "killed"),
    ("diffusers/t2i-lr-nan", "loss-nan", 3, "finished"),
    ("diffusers/t2i-lr-near-zero", "lr-zero", 1, "finished"),
    ("kohya/crash-bad-toml", "config-syntax", None, "crashed"),
    ("kohya/crash-no-repeats-prefix", "no-data", None, "crashed"),
    ("kohya/crash-no-repeats-prefix-terminal", "no-data", None, "crashed"),
    ("kohya/lr-nan", "loss-nan", 2, "finished"),
    ("kohya/missing-captions", "missing-captions", None, "finished"),
    ("onetrainer/crash-config-syntax", "config-syntax", None, "crashed"),
    ("onetrainer/lr-nan", "loss-nan", 2, "crashed"),
    ("diffusion_pipe/killed", "killed", 58, "killed"),
    ("diffusion_pipe/nan", "loss-nan", 41, "unknown"),
    ("diffusion_pipe/oom", "cuda-oom", None, "out of memory"),
    ("musubi_tuner/killed", "killed", 41, "killed"),
    ("musubi_tuner/nan", "loss-nan", 33, "finished"),
    ("musubi_tuner/oom", "cuda-oom", None, "out of memory"),
    ("simpletuner/killed", "killed", 77, "killed"),
    ("simpletuner/nan", "loss-nan", None, "crashed"),
    ("simpletuner/oom", "cuda-oom", None, "out of memory"),
]
HEALTHY = [
    "ai_toolkit/healthy",
    "ai_toolkit/healthy-terminal",
    "diffusers/db-healthy",
    "diffusers/t2i-healthy",
    "kohya/healthy",
    "kohya/validation",
    "onetrainer/healthy",
    "diffusion_pipe/healthy",
    "musubi_tuner/healthy",
    "simpletuner/debug",
    "simpletuner/healthy",
    "simpletuner/healthy-info",
    "simpletuner/resumed",
]


@pytest.mark.parametrize(("name", "finding", "step", "state"), FAULTY)
def test_faulty_runs(
    name: str, finding: str, step: int | None, state: str, kb: KnowledgeBase
) -> None:
    run = diagnose(log(name), kb)
    assert firing(run)[0] == finding
    assert run.status.state == state
    first = run.findings[0]
    if step is not None:
        assert first.first_step == step
    assert first.title
    assert first.summary
    assert first.symptom in kb.symptoms
    assert first.fixes
    assert all(fix.text and fix.source for fix in first.fixes)
    assert "crashed" not in firing(run)


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_stay_silent(name: str, kb: KnowledgeBase) -> None:
    run = diagnose(log(name), kb)
    assert [f.id for f in run.findings if f.severity > Severity.INFO] == []
    assert run.status.state == "finished"


def test_overfitting_cannot_be_seen_in_a_training_loss(kb: KnowledgeBase) -> None:
    run = diagnose(log("diffusers/t2i-overfit"), kb)
    assert firing(run) == ["loss-no-decrease"]  # worth knowing, no fault
    assert run.findings[0].severity == 0
    assert any("overfit" in each.question for each in run.undecided)


def test_every_recorded_run_is_judged_here() -> None:
    names = {str(p.relative_to(RUNS).with_suffix("")) for p in RUNS.rglob("*.log")}
    others = {"diffusers/t2i-overfit", "musubi_tuner/cache-latents"}
    assert names == {name for name, *_ in FAULTY} | set(HEALTHY) | others


def test_a_caching_script_is_no_run_that_went_wrong(kb: KnowledgeBase) -> None:
    run = diagnose(log("musubi_tuner/cache-latents"), kb)
    assert firing(run) == []


def test_a_patch_has_the_trainers_key_and_the_users_number(kb: KnowledgeBase) -> None:
    run = diagnose(log("ai_toolkit/lr-nan"), kb)
    lines = [line for fix in run.findings[0].fixes for line in fix.patch]
    (rate,) = [line for line in lines if line.option == "learning_rate"][:1]
    assert rate.key == "train.lr"
    assert rate.before == 10.0
    assert isinstance(rate.after, float | int)
    assert rate.after < 10.0


def test_settings_come_from_the_command_that_the_launcher_repeats(
    tmp_path: Path, kb: KnowledgeBase
) -> None:
    path = tmp_path / "oom.log"
    path.write_text(
        "steps:   0%|          | 3/2000 [00:09<2:00:00,  3.00s/it, avr_loss=0.1]\n"
        "Traceback (most recent call last):\n"
        '  File "/sd-scripts/sdxl_train_network.py", line 185, in <module>\n'
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 96.00 MiB.\n"
        "Traceback (most recent call last):\n"
        '  File "/venv/bin/accelerate", line 8, in <module>\n'
        "subprocess.CalledProcessError: Command '['python', 'sdxl_train_network.py', "
        "'--train_batch_size=4']' returned non-zero exit status 1.\n"
    )
    run = diagnose(path, kb)
    lines = [line for fix in run.findings[0].fixes for line in fix.patch]
    (size,) = [line for line in lines if line.option == "batch_size"]
    assert (size.key, size.before, size.after) == ("--train_batch_size", 4, 1)


def test_the_newest_log_of_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("x")
    (tmp_path / "console.log").write_text("y")
    assert look_at(tmp_path).name.endswith("console.log")


def test_a_folder_without_a_log_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LoratuiError) as error:
        look_at(tmp_path)
    assert "watch -" in error.value.hint
