"""diffusion-pipe: DeepSpeed's lines, a run without a bar and without a total."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from loratui.core.events import (
    Checkpoint,
    Config,
    Ended,
    Event,
    Failure,
    LogLine,
    Phase,
    Progress,
    RunBegan,
)
from loratui.engine.diagnosis import diagnose
from loratui.kb import load
from tests.runs import RUNS, log, progress, read, series

OURS = sorted(path.stem for path in (RUNS / "diffusion_pipe").glob("*.log"))
OTHERS = sorted(path for path in RUNS.glob("*/*.log") if path.parent.name != "diffusion_pipe")


def line(step: int, loss: float | str = 0.1, seconds: float = 3.0, more: str = "") -> str:
    return f"steps: {step} loss: {loss} {more}iter time (s): {seconds:.3f} samples/sec: 1.333\n"


def rate(step: int, lr: str) -> str:
    return (
        "[2025-09-04 15:18:01,200] [INFO] [logging.py:107:log_dist] [Rank 0] "
        f"step={step}, skipped=0, lr={lr}, mom=[0.0]\n"
    )


def phases(events: list[Event]) -> list[str]:
    return [e.name for e in events if isinstance(e, Phase)]


def ended(events: list[Event]) -> list[tuple[str, int | None]]:
    return [(e.how, e.code) for e in events if isinstance(e, Ended)]


# whose it is


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("size", [700, 65536])
def test_its_logs_are_known(name: str, size: int) -> None:
    reader, events = read(log(f"diffusion_pipe/{name}").read_bytes(), size=size)
    assert reader.trainer.id == "diffusion-pipe"
    facts = {e.option: e.value for e in events if isinstance(e, Config)}
    assert facts["loss_kind"] == "raw"


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_other_logs_are_not_taken_for_it(path: Path) -> None:
    reader, _ = read(path.read_bytes())
    assert reader.trainer.id != "diffusion-pipe"


@pytest.mark.parametrize(
    "text",
    [
        "steps: 4 loss: 0.5 lr: 1e-4",
        "[2025-09-04 15:18:01,200] [INFO] [real_accelerator.py:260:get_accelerator] Setting "
        "ds_accelerator to cuda (auto detect)",
        "deepspeed --num_gpus=1 finetune.py --deepspeed ds.json --config x",
        "TRAINING COMPLETE!",
        "Started new epoch: 2",
    ],
)
def test_other_users_of_deepspeed(text: str) -> None:
    reader, _ = read(f"{text}\n".encode())
    assert reader.trainer.id == "unknown"


# steps


@pytest.mark.parametrize(
    ("name", "steps"), [("healthy", 100), ("nan", 80), ("oom", 63), ("killed", 58)]
)
@pytest.mark.parametrize("size", [700, 65536])
def test_steps(name: str, steps: int, size: int) -> None:
    _, events = read(log(f"diffusion_pipe/{name}").read_bytes(), size=size)
    newest = progress(events)
    assert (newest.step, newest.total, newest.epochs) == (steps, None, None)
    assert [step for step, _ in series(events, "loss")] == list(range(1, steps + 1))
    assert [step for step, _ in series(events, "lr")] == list(range(1, steps + 1))
    assert not [e for e in events if isinstance(e, LogLine) and "iter time" in e.text]


def test_values_are_as_printed() -> None:
    _, events = read(log("diffusion_pipe/healthy").read_bytes())
    loss, lr = dict(series(events, "loss")), dict(series(events, "lr"))
    assert [loss[step] for step in (1, 2, 25, 41, 100)] == [0.0434, 0.0966, 0.0917, 0.0693, 0.1575]
    assert (lr[1], lr[20], lr[100]) == (pytest.approx(1e-6), 2e-5, 2e-5)
    assert (progress(events).loss, progress(events).lr) == (loss[100], 2e-5)


def test_the_clock_adds_up_what_each_line_states() -> None:
    _, events = read(log("diffusion_pipe/healthy").read_bytes())
    clock = dict(series(events, "elapsed"))
    assert clock[1] == 14.9
    assert (clock[100] - clock[10]) / 90 == pytest.approx(3.42, abs=0.01)


def test_a_line_for_every_tenth_step_counts_ten_times() -> None:
    data = "".join(line(step, seconds=3.0) for step in (10, 20, 30))
    _, events = read(data.encode())
    assert series(events, "elapsed") == [(10, 3.0), (20, 33.0), (30, 63.0)]


@pytest.mark.parametrize(
    ("shown", "value"),
    [("[1.5968e-07]", 1.5968e-07), ("[2e-05, 1e-06]", 2e-05), ("0.0001", 1e-4), ("[0.0]", 0.0)],
)
def test_the_rate_of_the_first_group(shown: str, value: float) -> None:
    _, events = read((line(1) + rate(0, "[9.0]") + rate(2, shown) + line(2)).encode())
    assert series(events, "lr") == [(2, value)]
    assert progress(events).lr == value


def test_losses_of_parts_are_not_the_loss() -> None:
    _, events = read(line(3, 0.5, more="video_loss: 0.3000 audio_loss: 0.2000 ").encode())
    assert series(events, "loss") == [(3, 0.5)]


def test_nan_stays_nan() -> None:
    _, events = read(log("diffusion_pipe/nan").read_bytes())
    assert next(step for step, value in series(events, "loss") if math.isnan(value)) == 41


@pytest.mark.parametrize("text", ["steps: none loss: 0.1", "resumed at step=12, skipped it"])
def test_lines_that_state_no_step(text: str) -> None:
    _, events = read((line(1) + text + "\n").encode())
    assert series(events, "loss") == [(1, 0.1)]
    assert [e.text for e in events if isinstance(e, LogLine)] == [text]


# what else it says


def test_phases_settings_and_checkpoints() -> None:
    _, events = read(log("diffusion_pipe/healthy").read_bytes())
    assert phases(events)[:5] == ["loading", "caching", "validating", "training", "validating"]
    assert phases(events)[-3:] == ["saving", "validating", "finished"]
    facts = {e.option: e.value for e in events if isinstance(e, Config)}
    assert (facts["batch_size"], facts["gradient_accumulation"]) == (1, 4)
    saved = [e.path for e in events if isinstance(e, Checkpoint)]
    assert saved == ["epoch2", "epoch4"]
    assert ended(events) == [("finished", None)]


def test_epochs_are_announced_from_the_second_on() -> None:
    _, events = read(log("diffusion_pipe/healthy").read_bytes())
    step, begins = 0, []
    for event in events:
        if isinstance(event, Progress):
            step = event.step
        elif isinstance(event, Config) and event.option == "epoch":
            begins.append((step, event.value))
    assert begins == [(25, 2), (50, 3), (75, 4)]


def test_resuming_names_the_epoch() -> None:
    data = line(4) + "Resuming training from checkpoint. Resuming at epoch: 7, step: 151\n"
    _, events = read(data.encode())
    assert [e.value for e in events if isinstance(e, Config) and e.option == "epoch"] == [7]


def test_out_of_memory_of_a_rank() -> None:
    _, events = read(log("diffusion_pipe/oom").read_bytes())
    (failure,) = [e for e in events if isinstance(e, Failure)]
    assert (failure.type, failure.rank) == ("torch.OutOfMemoryError", 0)
    assert ended(events) == [("failed", 1)]


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "finished"),
        (1, "failed"),
        (-9, "killed"),
        (-15, "killed"),
        (-2, "stopped"),
        (-11, "failed"),
    ],
)
def test_the_launchers_last_word(code: int, how: str) -> None:
    data = line(1) + (
        "[2026-09-12 15:21:20,370] [ERROR] [launch.py:341:sigkill_handler] ['python', '-u', "
        f"'train.py', '--local_rank=0', '--deepspeed'] exits with return code = {code}\n"
    )
    _, events = read(data.encode())
    assert ended(events) == [(how, code)]


def test_quitting_by_hand() -> None:
    _, events = read((line(1) + "Manually quitting\n").encode())
    assert ended(events) == [("stopped", None)]


# several runs in one log


def test_a_second_launch_is_a_new_run() -> None:
    data = log("diffusion_pipe/killed").read_bytes()
    _, events = read(data + data)
    (began,) = [e for e in events if isinstance(e, RunBegan)]
    at = (data + data).index(b"Unable to find hostfile", len(data))
    assert len(data) <= began.offset <= at


def test_steps_that_go_back_are_a_new_run() -> None:
    data = line(8) + line(9) + line(10) + line(1)
    _, events = read(data.encode())
    assert [e.offset for e in events if isinstance(e, RunBegan)] == [data.rindex("steps: 1 ")]
    assert series(events, "elapsed")[-1] == (1, 3.0)


def test_a_checkpoint_that_is_loaded_again_within_a_launch_is_none() -> None:
    _, events = read((line(8) + line(8) + line(9)).encode())
    assert not [e for e in events if isinstance(e, RunBegan)]


# the whole way


def test_a_run_without_a_total_has_a_status() -> None:
    run = diagnose(log("diffusion_pipe/healthy"), load())
    status = run.status
    assert (status.step, status.total, status.eta, status.epoch) == (100, None, None, 4)
    assert status.rate == pytest.approx(1 / 3.42, rel=0.02)
    assert status.state == "finished"
    assert run.findings == ()
