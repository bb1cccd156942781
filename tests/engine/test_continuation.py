"""Runs that go on with an earlier one: how each trainer says it, and how far the run then is."""

from __future__ import annotations

from pathlib import Path

import pytest

from loratui.core.events import Batch, Counting, Resumed
from loratui.core.series import Series
from loratui.engine.diagnosis import diagnose
from loratui.kb import load
from loratui.trainers.reading.reader import Reader
from tests.engine.test_session import bar

HEAD = "accelerate launch train_network.py --save_state\nrunning training / 学習開始\n"
START = (
    "The following values were not passed to `accelerate launch` and had defaults used instead:\n"
)


def bars(last: int, *, total: int, loss: str = "0.1") -> str:
    """Steps 1 to `last`, each drawn twice, as sd-scripts does it."""
    return f"\rsteps:   0%|  | 0/{total} [00:00<?, ?it/s]" + "".join(
        2 * bar(step, total, loss) for step in range(1, last + 1)
    )


def resumed_events(text: str) -> list[Resumed]:
    reader = Reader("log")
    events = reader.feed(Batch("log", 0, text.encode(), 0.0)) + reader.flush()
    return [event for event in events if isinstance(event, Resumed)]


SAID = {
    "sd-scripts, by step": (
        HEAD + "resume training from local state: out/robot-step00000800-state\n",
        (800, None, "out/robot-step00000800-state"),
    ),
    "sd-scripts, by epoch": (
        HEAD + "resume training from local state: out/robot-000004-state\n",
        (None, 4, "out/robot-000004-state"),
    ),
    "sd-scripts, its own state": (
        HEAD + "load train state from out/robot-state/train_state.json: "
        "{'current_epoch': 4, 'current_step': 812}\n",
        (812, None, ""),
    ),
    "ai-toolkit": (
        "Running 1 job\nThis is ai-toolkit\n#### IMPORTANT RESUMING FROM "
        "/out/robot/robot_000001500.safetensors ####\n",
        (1500, None, "/out/robot/robot_000001500.safetensors"),
    ),
    "OneTrainer": (
        "Selected layers: 12\nGenericTrainer.py\nContinuing training from backup "
        "'ws/backup/2026-01-02_03-04-05-backup-250-10-0'...\n",
        (250, None, "ws/backup/2026-01-02_03-04-05-backup-250-10-0"),
    ),
    "diffusers": (
        "python train_dreambooth_lora_sdxl.py\nResuming from checkpoint checkpoint-500\n",
        (500, None, "checkpoint-500"),
    ),
    "SimpleTuner": (
        "[RANK 0] 2026-09-12 10:00:15,117 [INFO] (SimpleTuner) x\n"
        "[RANK 0] 2026-09-12 10:00:15,117 [INFO] Resuming from checkpoint out/checkpoint-60\n",
        (60, None, "out/checkpoint-60"),
    ),
    "diffusion-pipe": (
        "stage=0 layers=20\n[CACHE] Initializing\nStarted new epoch: 2\n"
        "Resuming training from checkpoint. Resuming at epoch: 3, step: 421\n",
        (421, None, ""),
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_trainers_say(case: str) -> None:
    text, (step, epoch, path) = SAID[case]
    said = resumed_events(text)
    assert [(event.step, event.epoch, event.path) for event in said] == [(step, epoch, path)]


@pytest.mark.parametrize(
    "line",
    [
        "Starting training",
        "resume: None",
        "Checkpoint 'latest' does not exist. Starting a new training run.",
        "No backup found, continuing without backup...",
        "--resume_from_checkpoint=latest",
    ],
)
def test_what_says_nothing_of_it(line: str) -> None:
    for head in (HEAD, "python train_dreambooth_lora_sdxl.py\n", "GenericTrainer.py\n"):
        assert not resumed_events(head + line + "\n")


def counting(text: str) -> list[Counting]:
    reader = Reader("log")
    events = reader.feed(Batch("log", 0, text.encode(), 0.0)) + reader.flush()
    return [event for event in events if isinstance(event, Counting)]


def tqdm(step: int, clock: str) -> str:
    return f"\rSteps:  10%|█  | {step}/1000 [{clock}<09:00,  1.00it/s, loss=0.1, lr=0.0001]"


def test_a_bar_that_begins_beyond_zero_proves_a_continuation() -> None:
    head = "python train_dreambooth_lora_sdxl.py\n***** Running training *****\n"
    found = counting(head + tqdm(500, "00:00") + tqdm(501, "00:01") + tqdm(502, "00:02"))
    assert [(event.first, event.proven) for event in found] == [(500, True)]
    assert not counting(tqdm(500, "08:20") + tqdm(501, "08:21"))[
        0
    ].proven  # a log cut in the middle
    assert not counting(tqdm(500, "00:00") + tqdm(501, "00:01"))[0].proven  # nothing before it


def test_a_resumed_log_counts_on(tmp_path: Path) -> None:
    """sd-scripts counts from 0 with the full total and ends early: the run is whole at its end."""
    log = tmp_path / "train.log"
    log.write_text(
        HEAD
        + "  num batches per epoch / 1epochのバッチ数: 100\n  num epochs / epoch数: 10\n"
        + "  total optimization steps / 学習ステップ数: 1000\n"
        + "resume training from local state: out/robot-step00000800-state\n"
        + bars(200, total=1000),
        "utf-8",
    )
    seen = diagnose(log, load())
    assert seen.facts.resumed is not None
    assert (seen.facts.resumed.step, seen.status.step, seen.status.total) == (800, 1000, 1000)
    assert seen.series["loss"].last_step == 1000
    assert seen.status.state == "finished"
    assert seen.status.epoch == 10


def test_a_bar_that_shows_only_what_is_left(tmp_path: Path) -> None:
    """With skip_until_initial_step the bar's length is what is left."""
    log = tmp_path / "train.log"
    log.write_text(
        HEAD
        + "  total optimization steps / 学習ステップ数: 1000\n"
        + "load train state from x.json: {'current_epoch': 8, 'current_step': 800}\n"
        + bars(100, total=200),
        "utf-8",
    )
    status = diagnose(log, load()).status
    assert (status.step, status.total) == (900, 1000)


def test_by_epoch_once_the_steps_of_an_epoch_are_known(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(
        HEAD
        + "  num batches per epoch / 1epochのバッチ数: 50\n"
        + "  total optimization steps / 学習ステップ数: 500\n"
        + "resume training from local state: out/robot-000004-state\n"
        + bars(10, total=500),
        "utf-8",
    )
    assert diagnose(log, load()).status.step == 210


def first_and_second(second: str) -> str:
    return (
        START
        + HEAD
        + "  total optimization steps / 学習ステップ数: 1000\n"
        + bars(450, total=1000)
        + "\nsaving checkpoint: out/robot-step00000400.safetensors\n"
        + START
        + HEAD
        + "  total optimization steps / 学習ステップ数: 1000\n"
        + second
    )


def test_two_runs_of_one_log_are_joined(tmp_path: Path) -> None:
    log = tmp_path / "nohup.out"
    log.write_text(
        first_and_second(
            "resume training from local state: out/robot-step00000400-state\n"
            + bars(60, total=1000, loss="0.2")
        ),
        "utf-8",
    )
    seen = diagnose(log, load())
    loss = seen.series["loss"]
    assert not seen.earlier
    assert seen.status.step == 460
    assert loss.last_step == 460
    assert loss.count == 399 + 60  # the steps 400 to 450 of the first run are not part of it
    assert [checkpoint.path for checkpoint in seen.checkpoints] == [
        "out/robot-step00000400.safetensors"
    ]


def test_two_runs_that_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    log = tmp_path / "nohup.out"
    log.write_text(first_and_second(bars(60, total=1000, loss="0.2")), "utf-8")
    seen = diagnose(log, load())
    assert [run.step for run in seen.earlier] == [450]
    assert (seen.status.step, seen.series["loss"].count) == (60, 60)
    assert not seen.checkpoints


def test_a_run_resumed_from_beyond_the_one_before(tmp_path: Path) -> None:
    """It went on with another run than the one that stands above it."""
    log = tmp_path / "nohup.out"
    log.write_text(
        first_and_second(
            "resume training from local state: other/cat-step00000700-state\n"
            + bars(60, total=1000)
        ),
        "utf-8",
    )
    seen = diagnose(log, load())
    assert len(seen.earlier) == 1
    assert (seen.status.step, seen.series["loss"].count) == (760, 60)


@pytest.mark.parametrize("until", [0, 1, 700, 5000, 10_000])
def test_a_series_up_to_a_step(until: int) -> None:
    whole, part = Series("loss"), Series("loss")
    whole.extend(range(1, 6001), [float(step % 7) for step in range(1, 6001)])
    part.extend(range(1, min(until, 6001)), [float(s % 7) for s in range(1, min(until, 6001))])
    cut = whole.until(until)
    assert abs((cut.last_step or 0) - (part.last_step or 0)) < cut.span
    assert abs(cut.count - part.count) < cut.span + 1
    before = list(whole.view().mean)
    cut.extend([until + 1], [3.0])
    assert list(whole.view().mean) == before  # the first run's own series is left alone
