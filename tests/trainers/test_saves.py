"""Checkpoints that trainers say they write, and old ones that they say they delete."""

from __future__ import annotations

import pytest

from loratui.core.events import Checkpoint, Event, Failure, LogLine, Phase, Removed
from tests.runs import log, read, series

# a line by which each trainer is known, so that its words are understood
KNOWN = {
    "kohya": "running training / 学習開始",
    "musubi-tuner": "INFO:musubi_tuner.training.trainer_base:preparing accelerator",
    "ai-toolkit": "Running 1 job\n# Running job: robot",
    "onetrainer": "Clearing cache directory x! You can disable this if you want to continue",
    "simpletuner": "[RANK 0] 2026-09-12 11:30:10,000 [INFO] (SimpleTuner) Starting",
    "diffusion-pipe": "Intermediate metadata is not cached. Enumerating all files.\n"
    "[CACHE] Initializing",
    "diffusers": "08/23/2026 10:15:02 - INFO - __main__ - ***** Running training *****",
    "unknown": "",
}


def events_of(trainer: str, text: str) -> list[Event]:
    reader, events = read(f"{KNOWN[trainer]}\n{text}\n".encode())
    assert reader.trainer.id == trainer
    return events


def saved(events: list[Event]) -> list[str]:
    return [e.path for e in events if isinstance(e, Checkpoint)]


def gone(events: list[Event]) -> list[str]:
    return [e.path for e in events if isinstance(e, Removed)]


@pytest.mark.parametrize(
    ("trainer", "text", "paths"),
    [
        # train_network.py:1316; hv_train.py:995
        ("kohya", "removing old checkpoint: out/a, b-000002.safetensors",
         ["out/a, b-000002.safetensors"]),
        # library/train_util.py:5904, 5928 (full fine-tuning)
        ("kohya", "2026-11-21 06:12:27 INFO     removing old checkpoint:       train_util.py:5904\n"
         "                             /workspace/output/robot-000002.ckpt",
         ["/workspace/output/robot-000002.ckpt"]),
        ("kohya", "removing old model: out/robot-step00000800", ["out/robot-step00000800"]),
        ("musubi-tuner", "removing old checkpoint: out/robot-step00000500.safetensors",
         ["out/robot-step00000500.safetensors"]),
        # BaseSDTrainProcess.py:482
        ("ai-toolkit", "Removing old save: /out/robot/robot_000000250.safetensors",
         ["/out/robot/robot_000000250.safetensors"]),
        # utils/checkpoint_manager.py:218; trainer.py:6544
        ("simpletuner", "[RANK 0] 2026-09-12 11:31:16,000 [DEBUG] "
         "(simpletuner.helpers.utils.checkpoint_manager) Removing checkpoints: checkpoint-20, "
         "checkpoint-40", ["checkpoint-20", "checkpoint-40"]),
        ("simpletuner", "[RANK 0] 2025-09-12 11:31:16,000 [DEBUG] (SimpleTuner) removing "
         "checkpoints: checkpoint-20", ["checkpoint-20"]),
        # train_dreambooth_lora_sdxl.py:1889
        ("diffusers", "08/23/2026 10:15:02 - INFO - __main__ - removing checkpoints: "
         "checkpoint-100, checkpoint-200", ["checkpoint-100", "checkpoint-200"]),
    ],
)  # fmt: skip
def test_old_checkpoints_that_are_deleted(trainer: str, text: str, paths: list[str]) -> None:
    events = events_of(trainer, text)
    assert gone(events) == paths
    assert saved(events) == []


@pytest.mark.parametrize(
    ("trainer", "text"),
    [
        ("kohya", "removing old state: out/robot-000002-state"),  # to go on from, not to use
        ("ai-toolkit", "Removing parent model"),
        ("diffusers", "08/23/2026 10:15:02 - INFO - __main__ - 3 checkpoints already exist, "
         "removing 1 checkpoints"),
        ("simpletuner", "[RANK 0] 2026-09-12 11:31:16,000 [DEBUG] (SimpleTuner) 3 checkpoints "
         "exist, removing 1 checkpoints"),
        ("onetrainer", "Could not delete old rolling backup workspace/run/backup/a"),
        ("unknown", "removing old checkpoint: x.safetensors"),
    ],
)  # fmt: skip
def test_lines_that_delete_no_checkpoint(trainer: str, text: str) -> None:
    assert gone(events_of(trainer, text)) == []


@pytest.mark.parametrize(
    ("trainer", "text", "paths"),
    [
        ("kohya", "saving checkpoint: out/robot-000001.safetensors",
         ["out/robot-000001.safetensors"]),
        ("musubi-tuner", "saving checkpoint: out/robot.safetensors", ["out/robot.safetensors"]),
        ("ai-toolkit", "Saving at step 50\nSaved checkpoint to /out/robot/robot_000000050."
         "safetensors\nSaved optimizer to /out/robot/optimizer.pt",
         ["/out/robot/robot_000000050.safetensors"]),
        # GenericTrainer.py:493, 871
        ("onetrainer", "Saving workspace/run/save/2026-01-01_10-00-00-save-300-2-50.safetensors",
         ["workspace/run/save/2026-01-01_10-00-00-save-300-2-50.safetensors"]),
        ("onetrainer", "Saving models/model.safetensors", ["models/model.safetensors"]),
        # accelerate accelerator.py (save_state), in debug.log and with SIMPLETUNER_LOG_LEVEL=INFO
        ("simpletuner", "[RANK 0] 2026-09-12 11:31:16,000 [INFO] (accelerate.accelerator) Saving "
         "current state to /workspace/out/checkpoint-40", ["/workspace/out/checkpoint-40"]),
        ("simpletuner", "[RANK 0] 2026-09-12 11:31:16,000 [INFO] Saving current state to "
         "/workspace/out/checkpoint-40-rolling-tmp", ["/workspace/out/checkpoint-40-rolling"]),
        ("diffusion-pipe", "Saving model to directory epoch2", ["epoch2"]),
        ("diffusers", "08/23/2026 10:15:02 - INFO - __main__ - Saved state to "
         "/out/checkpoint-80", ["/out/checkpoint-80"]),
    ],
)  # fmt: skip
def test_checkpoints_that_are_written(trainer: str, text: str, paths: list[str]) -> None:
    events = events_of(trainer, text)
    assert saved(events) == paths
    assert "saving" in [e.name for e in events if isinstance(e, Phase)]
    assert gone(events) == []


@pytest.mark.parametrize(
    ("trainer", "text"),
    [
        ("onetrainer", "Creating Backup workspace/run/backup/2026-01-01_10-00-00-backup-300-2-50"),
        ("kohya", "saving state at epoch 2"),
        ("ai-toolkit", "Could not save optimizer"),
    ],
)
def test_what_is_kept_to_go_on_from_is_no_checkpoint(trainer: str, text: str) -> None:
    assert saved(events_of(trainer, text)) == []


# errors that a trainer survives


TRACEBACK = """\
Traceback (most recent call last):
  File "/app/modules/trainer/GenericTrainer.py", line 265, in __sample_loop
    self.model_sampler.sample(
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.95 GiB.
"""
CHAIN = (
    """\
Traceback (most recent call last):
  File "/app/x.py", line 1, in f
KeyError: 'x'

During handling of the above exception, another exception occurred:

"""
    + TRACEBACK
)


@pytest.mark.parametrize(
    ("trainer", "before", "behind"),
    [
        ("onetrainer", "", "Error during sampling, proceeding without sampling\n"),
        ("onetrainer", "", "Error during loading the sample definition file, proceeding without "
         "sampling\n"),
        ("onetrainer", "", "Could not save backup. Check your disk space!\n"),
        ("simpletuner", "[RANK 0] 2026-09-12 11:31:16,000 [ERROR] (root) Validation run failed at "
         "step 40: CUDA out of memory\n", "[RANK 0] 2026-09-12 11:31:17,000 [INFO] (x) on\n"),
        ("ai-toolkit", "", "Error processing image: /data/a.png\nboom\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("error", [TRACEBACK, CHAIN], ids=["one", "chain"])
def test_an_error_that_the_run_survives_is_a_line(
    trainer: str, before: str, behind: str, error: str
) -> None:
    events = events_of(trainer, before + error + behind)
    assert not [e for e in events if isinstance(e, Failure)]
    told = [
        e.text for e in events if isinstance(e, LogLine) and e.level == "error" and not e.traced
    ]
    assert any("OutOfMemoryError: CUDA out of memory" in text for text in told)


@pytest.mark.parametrize("error", [TRACEBACK, CHAIN], ids=["one", "chain"])
@pytest.mark.parametrize("behind", ["", "Could not delete partial backup\n", "and so on\n"])
def test_the_same_error_ends_the_run_where_nothing_says_so(error: str, behind: str) -> None:
    events = events_of("onetrainer", error + behind)
    names = [e.type for e in events if isinstance(e, Failure)]
    assert names == (["KeyError"] if error is CHAIN else []) + ["torch.OutOfMemoryError"]


def test_what_is_said_before_counts_for_the_next_error_alone() -> None:
    before = "[RANK 0] 2026-09-12 11:31:16,000 [ERROR] (root) Validation run failed at step 40: x\n"
    text = before + TRACEBACK + "and on it goes\n" + TRACEBACK
    assert len([e for e in events_of("simpletuner", text) if isinstance(e, Failure)]) == 1


def test_real_runs_keep_their_checkpoints() -> None:
    for name, count in (
        ("kohya/healthy", 6),
        ("ai_toolkit/healthy", 4),
        ("diffusers/db-healthy", 4),
    ):
        events = read(log(name).read_bytes())[1]
        assert len(saved(events)) == count, name
        assert gone(events) == []
        assert series(events, "loss")
