"""What older versions, wrappers and musubi-tuner write: the same facts in other words."""

from __future__ import annotations

import math
from itertools import accumulate
from pathlib import Path

import pytest

from loratui.core.events import (
    Checkpoint,
    Config,
    Ended,
    Event,
    Failure,
    LogLine,
    Metrics,
    Phase,
    Progress,
)
from loratui.core.findings import Severity
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.diagnosis import diagnose
from loratui.kb import load
from loratui.kb.base import KnowledgeBase
from tests.runs import log, progress, read, series
from tests.trainers.rich_console import written


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return load()


def facts(events: list[Event]) -> dict[str, object]:
    return {e.option: e.value for e in events if isinstance(e, Config) and e.option}


def phases(events: list[Event]) -> list[str]:
    return [e.name for e in events if isinstance(e, Phase)]


def saved(events: list[Event]) -> list[str]:
    return [e.path for e in events if isinstance(e, Checkpoint)]


def ended(events: list[Event]) -> list[tuple[str, int | None]]:
    return [(e.how, e.code) for e in events if isinstance(e, Ended)]


def lines(events: list[Event]) -> list[str]:
    return [e.text for e in events if isinstance(e, LogLine)]


def bar(desc: str, step: int, total: int, postfix: str = "", seconds: int | None = None) -> str:
    spent = step if seconds is None else seconds
    tail = f", {postfix}" if postfix else ""
    return (
        f"\r{desc}: {step * 100 // total:3d}%|{'█' * (step * 10 // total):<10}| {step}/{total} "
        f"[{spent // 60:02d}:{spent % 60:02d}<10:00,  1.00s/it{tail}]"
    )


def twice(desc: str, total: int, values: list[float], key: str) -> str:
    """As `update` and `set_postfix` draw: each step first with the value of the one before."""
    drawn, before = bar(desc, 0, total), ""
    for step, value in enumerate(values, start=1):
        now = f"{key}={value:.3g}"
        drawn += bar(desc, step, total, before) + bar(desc, step, total, now)
        before = now
    return drawn


# sd-scripts


HEADER = """\
running training / 学習開始
  num train images * repeats / 学習画像の数×繰り返し回数: 1050
  num reg images / 正則化画像の数: 0
  num batches per epoch / 1epochのバッチ数: 525
  num epochs / epoch数: 2
  batch size per device / バッチサイズ: 2
  total train batch size (with parallel & distributed & accumulation) / 総バッチサイズ: 2
  gradient {spelling} steps / 勾配を合計するステップ数 = 4
  total optimization steps / 学習ステップ数: 1050
"""


@pytest.mark.parametrize("spelling", ["ccumulation", "accumulation"])
@pytest.mark.parametrize("key", ["loss", "avr_loss"])
def test_the_headers_and_bars_of_all_versions(spelling: str, key: str) -> None:
    """v0.2.0 wrote `gradient ccumulation`; up to v0.7.0 the running mean was called `loss`."""
    data = HEADER.format(spelling=spelling) + twice("steps", 1050, [0.2, 0.15, 0.125], key)
    data += "epoch 2/2\n"  # glued to the bar
    reader, events = read(data.encode())
    assert reader.trainer.id == "kohya"
    assert series(events, "loss") == [(1, 0.2), (2, 0.15), (3, 0.125)]
    found = facts(events)
    wanted = {
        "images_with_repeats": 1050, "steps_per_epoch": 525, "epochs": 2, "batch_size": 2,
        "gradient_accumulation": 4, "max_steps": 1050, "epoch": 2, "loss_kind": "running-mean",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_weight_norms_stand_before_the_loss() -> None:
    postfix = "Average key norm=0.12, Keys Scaled=3, loss=0.0886"
    _, events = read((HEADER + bar("steps", 3, 9, postfix)).encode() + b"\n")
    assert series(events, "loss") == [(3, 0.0886)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("saving checkpoint: out/last-000002.safetensors", "out/last-000002.safetensors"),
        ("save trained model to D:/lora/last.safetensors", "D:/lora/last.safetensors"),
        ("save trained model as StableDiffusion checkpoint to out/a.ckpt", "out/a.ckpt"),
    ],
)
def test_checkpoints_of_older_versions(text: str, path: str) -> None:
    _, events = read((HEADER + bar("steps", 3, 9, "loss=0.1") + f"{text}\nmodel saved.\n").encode())
    assert saved(events) == [path]
    assert phases(events)[-2:] == ["saving", "finished"]


def validation(desc: str, key: str, values: list[float], total: int | None = None) -> str:
    """The mean so far over batches and time steps, in a bar below the training bar."""
    means = [sum_ / count for count, sum_ in enumerate(accumulate(values), start=1)]
    drawn, before = "\n" + bar(desc, 0, total or len(values)) + "\x1b[A", ""
    for step, mean in enumerate(means, start=1):
        now = f"{key}={mean:.3g}, timestep={200 * step}"
        for postfix in (before, now):
            drawn += "\n" + bar(desc, step, total or len(values), postfix) + "\x1b[A"
        before = now
    return drawn


@pytest.mark.parametrize(
    ("desc", "key"),
    [("validation steps", "val_avg_loss"), ("epoch validation steps", "val_epoch_avg_loss")],
)
@pytest.mark.parametrize("size", [50, 65536])
def test_a_validation_is_one_value_and_no_training_loss(desc: str, key: str, size: int) -> None:
    data = HEADER + "".join(bar("steps", n, 9, f"avr_loss=0.{n}") for n in (1, 2, 3))
    data += validation(desc, key, [0.5, 0.3, 0.1, 0.7])
    data += "".join(bar("steps", n, 9, f"avr_loss=0.{n}") for n in (4, 5))
    data += validation(desc, key, [0.2, 0.4])
    _, events = read(data.encode(), size=size)
    assert series(events, "val_loss") == [(3, 0.4), (5, 0.3)]
    assert series(events, "loss") == [(n, n / 10) for n in range(1, 6)]
    assert phases(events) == ["training", "validating"] * 2
    assert [e.loss for e in events if isinstance(e, Progress)][-1] == 0.5


def test_two_validations_on_end_are_two_values() -> None:
    data = HEADER + bar("steps", 3, 9, "avr_loss=0.3")
    data += validation("validation steps", "val_avg_loss", [0.5, 0.3])
    data += validation("epoch validation steps", "val_epoch_avg_loss", [0.6, 0.4])
    _, events = read(data.encode())
    assert series(events, "val_loss") == [(3, 0.4), (3, 0.5)]


@pytest.mark.parametrize("rest", ["", bar("steps", 4, 9, "avr_loss=0.4")])
def test_a_validation_that_is_not_over_has_no_value(rest: str) -> None:
    """Its mean so far is over easy or hard time steps only; a quiet log flushes the reader."""
    data = HEADER + bar("steps", 3, 9, "avr_loss=0.3")
    data += validation("validation steps", "val_avg_loss", [0.5, 0.3], total=4) + rest
    _, events = read(data.encode())
    assert series(events, "val_loss") == []


@pytest.mark.parametrize("size", [77, 65536])
def test_the_bar_of_the_last_validation_is_no_result_of_the_next(size: int) -> None:
    """tqdm draws it whole once more when its variable is bound to the next bar."""
    reader, events = read(log("kohya/validation").read_bytes(), size=size)
    assert reader.trainer.id == "kohya"
    assert series(events, "val_loss") == [(20, 0.0954), (40, 0.0974), (60, 0.103)]
    assert [step for step, _ in series(events, "loss")] == list(range(1, 61))


def test_a_validation_of_nan_stays_nan() -> None:
    data = HEADER + bar("steps", 3, 9, "avr_loss=nan")
    data += validation("validation steps", "val_avg_loss", [math.nan])
    _, events = read(data.encode())
    ((step, value),) = series(events, "val_loss")
    assert step == 3
    assert math.isnan(value)


# what wraps sd-scripts


GUI = (
    "Start training LoRA Standard ...",
    "Validating lr scheduler arguments...",
    "Folder 40_zqxbot robot: 40 repeats found",
    "Folder 40_zqxbot robot: 15 images found",
    "Folder 40_zqxbot robot: 15 * 40 = 600 steps",
    "Regularization factor: 1",
    "Train batch size: 2",
    "Gradient accumulation steps: 3",
    "Epoch: 10",
    "max_train_steps (600 / 2 / 3 * 10 * 1) = 1000",
    "stop_text_encoder_training = 0",
    "lr_warmup_steps = 100",
    "Saving training config to /workspace/output/robot_20261121-061227.json...",
    "Executing command: /venv/bin/accelerate launch --num_processes 1 "
    "/workspace/a/very/long/path/to/kohya_ss/sd-scripts/sdxl_train_network.py --config_file "
    "/workspace/output/config_lora-20261121-061227.toml",
)


def test_what_the_kohya_gui_says_first() -> None:
    reader, events = read(written(GUI, gui=True).encode())
    assert reader.trainer.id == "kohya"
    assert "Saving training config to /workspace/output/robot_20261121-061227.json..." in lines(
        events
    )
    found = facts(events)
    wanted = {"batch_size": 2, "gradient_accumulation": 3, "epochs": 10, "max_steps": 1000}
    assert {name: found[name] for name in wanted} == wanted
    keys = {e.key: e.value for e in events if isinstance(e, Config) and e.key}
    assert keys["--config_file"] == "/workspace/output/config_lora-20261121-061227.toml"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("Max train steps: 1200", 1200),
        ("Max train steps: 0. sd-scripts will therefore default to 1600. Please specify a "
         "different value if required.", None),
    ],
)  # fmt: skip
def test_a_number_of_steps_that_is_none(text: str, steps: int | None) -> None:
    data = HEADER.split("\n", 1)[0] + f"\n06:12:27-128000 INFO     {text}\n"
    _, events = read(data.encode())
    assert facts(events).get("max_steps") == steps


FLUXGYM = """\
[2024-09-14 13:44:05] [INFO] Running bash "/workspace/fluxgym/outputs/robot/train.sh"
[2024-09-14 13:44:05] [INFO]
[2024-09-14 13:44:21] [INFO] INFO     create LoRA for FLUX all blocks: 304    lora_flux.py:593
[2024-09-14 13:44:21] [INFO] running training / 学習開始
[2024-09-14 13:44:21] [INFO]   num epochs / epoch数: 16
[2024-09-14 13:44:21] [INFO]   total optimization steps / 学習ステップ数: 960
"""


def test_the_log_view_of_fluxgym() -> None:
    data = FLUXGYM + "".join(
        f"[2024-09-14 13:44:{30 + step}] [INFO] "
        + bar("steps", step, 960, f"avr_loss=0.{step}")[1:]
        + "\n"
        for step in range(1, 9)
    )
    data += "[2024-09-14 13:50:00] [INFO] saving checkpoint: outputs/robot/robot.safetensors\n"
    data += "[2024-09-14 13:50:01] [ERROR] Command exited with code 1\n"
    data += "[2024-09-14 13:50:01] [INFO] Runner: <LogsViewRunner nb_logs=127 exit_code=1>\n"
    reader, events = read(data.encode())
    assert reader.trainer.id == "kohya"
    assert (progress(events).step, progress(events).total) == (8, 960)
    assert series(events, "loss") == [(step, step / 10) for step in range(1, 9)]
    assert facts(events)["epochs"] == 16
    assert saved(events) == ["outputs/robot/robot.safetensors"]
    assert ended(events) == [("failed", 1)]


def test_streams_that_a_wrapper_names() -> None:
    data = "".join(
        f"[08:03:{40 + step}] [STDERR] " + bar("steps", step, 96, f"avr_loss=0.{step}")[1:] + "\n"
        for step in range(1, 9)
    )
    _, events = read(data.encode())
    assert series(events, "loss") == [(step, step / 10) for step in range(1, 9)]


def test_lora_easy_training_scripts() -> None:
    data = written(["Loading settings from runtime_store/config.toml..."], file="train_util.py")
    reader, events = read(data.encode())
    assert reader.trainer.id == "kohya"
    assert lines(events) == ["Loading settings from runtime_store/config.toml..."]


# text behind a bar that is padded with blanks


@pytest.mark.parametrize("blanks", [0, 1, 7, 12, 25])
def test_a_line_behind_a_padded_bar(blanks: int) -> None:
    drawn = bar("steps", 3, 9, "avr_loss=0.3") + " " * blanks
    _, events = read(f"{drawn}NaN found in latents, replacing with zeros\n".encode())
    assert lines(events) == ["NaN found in latents, replacing with zeros"]


@pytest.mark.parametrize("blanks", [0, 5])
def test_a_record_without_a_time_behind_a_padded_bar(blanks: int) -> None:
    drawn = bar("steps", 3, 9, "avr_loss=0.3") + " " * blanks
    data = (
        f"{drawn}                    INFO     epoch is incremented.             train_util.py:784\n"
        "                             current_epoch: 1, epoch: 2\n"
    )
    _, events = read(data.encode())
    assert lines(events) == ["epoch is incremented. current_epoch: 1, epoch: 2"]


# musubi-tuner


@pytest.mark.parametrize(
    ("name", "steps", "total"),
    [("healthy", 80, 80), ("nan", 60, 60), ("oom", 27, 80), ("killed", 41, 80)],
)
@pytest.mark.parametrize("size", [700, 65536])
def test_musubi_tuner(name: str, steps: int, total: int, size: int) -> None:
    reader, events = read(log(f"musubi_tuner/{name}").read_bytes(), size=size)
    assert reader.trainer.id == "musubi-tuner"
    assert (progress(events).step, progress(events).total) == (steps, total)
    assert [step for step, _ in series(events, "loss")] == list(range(1, steps + 1))
    found = facts(events)
    wanted = {
        "images": 30, "images_with_repeats": 40, "steps_per_epoch": 20, "batch_size": 2,
        "network_dim": 16, "network_alpha": 16.0, "max_steps": total, "loss_kind": "running-mean",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_musubi_tuners_phases_and_saves() -> None:
    _, events = read(log("musubi_tuner/healthy").read_bytes())
    assert phases(events) == [
        "loading", "training", "saving", "training", "saving", "sampling", "training", "saving",
        "training", "saving", "finished", "training",
    ]  # fmt: skip
    assert saved(events) == [
        "/workspace/output/robot-000001.safetensors",
        "/workspace/output/robot-000002.safetensors",
        "/workspace/output/robot-000003.safetensors",
        "/workspace/output/robot.safetensors",
    ]


def test_musubi_tuners_lines_are_glued_to_its_bar() -> None:
    _, events = read(log("musubi_tuner/healthy").read_bytes())
    glued = "INFO:musubi_tuner.dataset.image_video_dataset:epoch is incremented."
    assert len([text for text in lines(events) if text.startswith(glued)]) == 8


def test_musubi_tuners_last_exception() -> None:
    _, events = read(log("musubi_tuner/oom").read_bytes())
    failures = [e for e in events if isinstance(e, Failure)]
    assert [f.type for f in failures] == [
        "torch.OutOfMemoryError",
        "subprocess.CalledProcessError",
    ]
    keys = {e.key: e.value for e in events if isinstance(e, Config) and e.key}
    assert keys["--learning_rate"] == 5e-5
    _, events = read(log("musubi_tuner/killed").read_bytes())
    assert ended(events) == [("killed", None)]


@pytest.mark.parametrize("size", [90, 65536])
def test_a_caching_script_is_musubi_tuner_and_trains_nothing(size: int) -> None:
    reader, events = read(log("musubi_tuner/cache-latents").read_bytes(), size=size)
    assert reader.trainer.id == "musubi-tuner"
    assert phases(events) == ["loading", "caching"]
    assert facts(events)["images"] == 30
    assert not [e for e in events if isinstance(e, Progress | Metrics | Ended)]


def test_musubi_tuner_before_it_was_a_package() -> None:
    reader, _ = read(b"INFO:dataset.image_video_dataset:glob images in /data\n")
    assert reader.trainer.id == "musubi-tuner"


# ai-toolkit


def toolkit(last: int, total: int) -> str:
    """The postfix is drawn before the step is counted."""
    text = "Running 1 job\n# Running job: robot\n"
    for step in range(last + 1):
        postfix = f"lr: 1.0e-04 loss: {0.3 + step % 7 / 100:.3e}"
        text += bar("robot", step, total, postfix)
    return text


END = """
Saving at step 40
Saved checkpoint to /out/robot/robot.safetensors
Saved optimizer to /out/robot/optimizer.pt

========================================
Result:
 - 1 completed job
========================================
"""


@pytest.mark.parametrize("last", [39, 40])
def test_a_run_is_whole_although_the_old_bar_ends_one_short(
    last: int, tmp_path: Path, kb: KnowledgeBase
) -> None:
    path = tmp_path / "log.txt"
    path.write_text(toolkit(last, 40) + END.replace("Saving at step 40\n", ""))
    run = diagnose(path, kb)
    assert (run.status.state, run.status.step) == ("finished", last)
    assert run.findings == ()


def test_one_short_is_whole_also_without_the_result(tmp_path: Path, kb: KnowledgeBase) -> None:
    path = tmp_path / "log.txt"
    path.write_text(toolkit(39, 40) + END.split("\nSaved opt", 1)[0] + "\n")
    assert diagnose(path, kb).status.state == "finished"
    path.write_text(toolkit(39, 40))
    assert diagnose(path, kb).status.state == "unknown"


@pytest.mark.parametrize(
    ("text", "how", "code"),
    [
        ("Job process terminated with exit code 1.", "failed", 1),
        ("Job process terminated with exit code 137.", "killed", 137),
        ("Job process terminated with signal SIGTERM.", "stopped", None),
        ("Job process exited unexpectedly.", "failed", None),
        ("Job process exited unexpectedly. Last log line: robot: 12%", "failed", None),
        ("Error launching job process: spawn /venv/bin/python ENOENT", "failed", None),
        ("Error running job: something broke", "failed", None),
        ("Error running job: Job stopped", "stopped", None),
        ("Error running job: Job returning to queue", "stopped", None),
    ],
)
def test_the_last_line_of_the_web_interface(text: str, how: str, code: int | None) -> None:
    _, events = read(f"{toolkit(20, 40)}\n{text}\n".encode())
    assert ended(events)[-1] == (how, code)
    assert {each for each, _ in ended(events)} == {how}


def test_a_stop_asked_for_is_no_crash(tmp_path: Path, kb: KnowledgeBase) -> None:
    path = tmp_path / "log.txt"
    path.write_text(
        f"{toolkit(20, 40)}\nError running job: Job stopped\n\n"
        "========================================\nResult:\n - 0 completed jobs\n - 1 failure\n"
        "========================================\nTraceback (most recent call last):\n"
        '  File "/ai-toolkit/run.py", line 108, in main\n    raise e\n'
        '  File "/ai-toolkit/extensions_built_in/sd_trainer/DiffusionTrainer.py", line 162, in f\n'
        '    raise Exception("Job stopped")\nException: Job stopped\n'
        "\nJob process terminated with exit code 1.\n"
    )
    run = diagnose(path, kb)
    assert run.findings == ()
    assert run.status.state == "finished"


def test_ctrl_c_is_no_crash(tmp_path: Path, kb: KnowledgeBase) -> None:
    path = tmp_path / "train.log"
    path.write_text(
        twice("steps", 90, [0.3, 0.2, 0.1], "avr_loss") + "Traceback (most recent call last):\n"
        '  File "train_network.py", line 1762, in <module>\nKeyboardInterrupt\n'
    )
    run = diagnose(path, kb)
    assert run.findings == ()
    assert run.status.state == "finished"


# OneTrainer


def test_its_validation_bar_is_a_pause() -> None:
    data = bar("epoch", 0, 2) + "\n"
    for step in (1, 2):
        data += bar("step", step, 2, f"loss=0.{step}, smooth loss=0.15") + "\x1b[A\n"
    data += bar("validation_step", 0, 5) + bar("validation_step", 5, 5) + "\n"
    data += bar("epoch", 1, 2) + "\n"
    data += bar("step", 1, 2, "loss=0.3, smooth loss=0.16") + "\x1b[A\n"
    reader, events = read(data.encode())
    assert reader.trainer.id == "onetrainer"
    assert phases(events) == ["training", "validating", "training"]
    assert series(events, "loss") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert [e.value for e in events if isinstance(e, Config) and e.option == "epoch"] == [2]


# the recordings of these trainers, judged as a user would


@pytest.mark.parametrize(
    ("name", "finding", "step", "state"),
    [
        ("simpletuner/nan", "loss-nan", None, "crashed"),
        ("simpletuner/oom", "cuda-oom", None, "out of memory"),
        ("simpletuner/killed", "killed", 77, "killed"),
        ("diffusion_pipe/nan", "loss-nan", 41, "unknown"),
        ("diffusion_pipe/oom", "cuda-oom", None, "out of memory"),
        ("diffusion_pipe/killed", "killed", 58, "killed"),
        ("musubi_tuner/nan", "loss-nan", 33, "finished"),
        ("musubi_tuner/oom", "cuda-oom", None, "out of memory"),
        ("musubi_tuner/killed", "killed", 41, "killed"),
    ],
)
def test_faulty_recordings(
    name: str, finding: str, step: int | None, state: str, kb: KnowledgeBase
) -> None:
    run: SessionSnapshot = diagnose(log(name), kb)
    assert [f.id for f in run.findings] == [finding]
    assert run.status.state == state
    if step is not None:
        assert run.findings[0].first_step == step


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("simpletuner/healthy", "finished"),
        ("simpletuner/healthy-info", "finished"),
        ("simpletuner/resumed", "finished"),
        ("simpletuner/debug", "finished"),
        ("diffusion_pipe/healthy", "finished"),
        ("musubi_tuner/healthy", "finished"),
        ("musubi_tuner/cache-latents", "unknown"),
    ],
)
def test_healthy_recordings_stay_silent(name: str, state: str, kb: KnowledgeBase) -> None:
    run = diagnose(log(name), kb)
    assert [f.id for f in run.findings if f.severity > Severity.INFO] == []
    assert run.status.state == state
