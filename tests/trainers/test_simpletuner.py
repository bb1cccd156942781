"""SimpleTuner: its bar, its coloured console, its debug.log."""

from __future__ import annotations

from collections.abc import Iterable

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
    Sample,
)
from tests.runs import RUNS, log, progress, read, series

OURS = sorted(path.stem for path in (RUNS / "simpletuner").glob("*.log"))
OTHERS = sorted(path for path in RUNS.glob("*/*.log") if path.parent.name != "simpletuner")


def facts(events: Iterable[Event]) -> dict[str, object]:
    return {e.option: e.value for e in events if isinstance(e, Config) and e.option}


def phases(events: Iterable[Event]) -> list[str]:
    return [e.name for e in events if isinstance(e, Phase)]


def ended(events: Iterable[Event]) -> list[str]:
    return [e.how for e in events if isinstance(e, Ended)]


def bar(desc: str, step: int, total: int, clock: str, postfix: str = "") -> str:
    return f"\r{desc}:  1%|▌         | {step}/{total} [{clock}<36:53,  1.46s/it{postfix}]"


# whose it is


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("size", [700, 65536])
def test_its_logs_are_known(name: str, size: int) -> None:
    reader, events = read(log(f"simpletuner/{name}").read_bytes(), size=size)
    assert reader.trainer.id == "simpletuner"
    assert facts(events)["trainer"] == "simpletuner"
    assert facts(events)["loss_kind"] == "raw"


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_other_logs_are_not_taken_for_it(path: object) -> None:
    reader, _ = read(path.read_bytes())  # type: ignore[attr-defined]
    assert reader.trainer.id != "simpletuner"


def test_the_end_of_a_log_is_enough() -> None:
    data = log("simpletuner/healthy").read_bytes()
    reader, events = read(data[len(data) // 2 :])
    assert reader.trainer.id == "simpletuner"
    assert (progress(events).step, progress(events).total) == (120, 120)


@pytest.mark.parametrize(
    "desc", ["Steps", "Epoch 1/2", "Epoch 1, Steps", "steps", "Epoch 1/2 validation Steps"]
)
def test_bars_that_are_not_its_own(desc: str) -> None:
    reader, _ = read(bar(desc, 3, 9, "00:03", ", lr=0.1, avg=1").encode())
    assert reader.trainer.id != "simpletuner"


# the bar


@pytest.mark.parametrize(
    ("name", "first", "last", "total", "epochs"),
    [
        ("healthy", 1, 120, 120, 3),
        ("healthy-info", 1, 100, 100, 2),
        ("resumed", 61, 120, 120, 3),
        ("nan", 1, 71, 120, 3),
        ("oom", 1, 64, 120, 3),
        ("killed", 1, 77, 150, 3),
        ("debug", 1, 80, 80, 2),
    ],
)
@pytest.mark.parametrize("size", [700, 65536])
def test_steps(name: str, first: int, last: int, total: int, epochs: int, size: int) -> None:
    _, events = read(log(f"simpletuner/{name}").read_bytes(), size=size)
    newest = progress(events)
    assert (newest.step, newest.total, newest.epochs) == (last, total, epochs)
    assert [step for step, _ in series(events, "loss")] == list(range(first, last + 1))
    assert [step for step, _ in series(events, "lr")] == list(range(first, last + 1))


def test_each_step_has_its_own_loss_and_rate() -> None:
    """The bar is drawn three times a step: by its description, by the step, by the postfix."""
    _, events = read(log("simpletuner/healthy").read_bytes())
    loss, rate = dict(series(events, "loss")), dict(series(events, "lr"))
    assert [loss[step] for step in (1, 2, 50, 51, 120)] == [0.229, 0.248, 0.0625, 0.0964, 0.0497]
    assert [rate[step] for step in (1, 2, 9, 10, 120)] == [1e-5, 2e-5, 9e-5, 1e-4, 1e-4]


@pytest.mark.parametrize("size", [300, 65536])
def test_the_epoch_stands_in_the_description(size: int) -> None:
    """It begins before the first draw that names it, however much is read at once."""
    _, events = read(log("simpletuner/healthy").read_bytes(), size=size)
    step, begins, seen = 0, [], set()
    for event in events:
        if isinstance(event, Progress):
            step = event.step
            seen.add((event.epoch, event.epochs))
        elif isinstance(event, Config) and event.option == "epoch":
            begins.append((step, event.value))
    assert begins == [(50, 2), (100, 3)]
    assert seen == {(1, 3), (2, 3), (3, 3)}


def test_the_clock_of_the_bar_gives_the_speed() -> None:
    _, events = read(log("simpletuner/healthy").read_bytes())
    clock = dict(series(events, "elapsed"))
    assert (clock[100] - clock[10]) / 90 == pytest.approx(1.46, abs=0.02)


def test_other_values_of_the_bar_are_not_the_loss() -> None:
    postfix = (
        ", a_loss=9.1, a_w=0.5, lr=1.02, prodigy_d=1.02, prodigy_effective_lr=1.02, "
        "step_loss=0.25, v_loss=7.3"
    )
    _, events = read(bar("Epoch 1/2.5, Steps", 3, 9, "00:04", postfix).encode() + b"\n")
    assert series(events, "loss") == [(3, 0.25)]
    assert series(events, "lr") == [(3, 1.02)]
    assert series(events, "prodigy_d") == series(events, "effective_lr") == [(3, 1.02)]
    assert {e.name for e in events if isinstance(e, Metrics)} == {
        "loss", "lr", "prodigy_d", "effective_lr", "elapsed",
    }  # fmt: skip
    assert (progress(events).epoch, progress(events).epochs) == (1, 2)


def test_validation_bars_bring_no_loss() -> None:
    data = (
        bar("Epoch 1/2, Steps", 3, 9, "00:04", ", lr=0.1, step_loss=0.25")
        + bar("Calculate validation loss (ALL)", 1, 4, "00:01")
        + bar("Evaluating batch of 1 sample", 1, 20, "00:01")
    )
    _, events = read(data.encode())
    assert series(events, "loss") == [(3, 0.25)]
    assert phases(events) == ["training", "validating"]


# its console


def test_phases_of_a_run() -> None:
    _, events = read(log("simpletuner/healthy").read_bytes())
    assert phases(events) == [
        "loading", "caching", "training", "sampling", "training", "sampling", "training",
    ]  # fmt: skip
    assert [e.step for e in events if isinstance(e, Phase) and e.name == "sampling"] == [50, 100]


def test_the_header_states_the_settings() -> None:
    _, events = read(log("simpletuner/healthy-info").read_bytes())
    found = facts(events)
    wanted = {
        "max_steps": 100, "epochs": 2, "batch_size": 2, "gradient_accumulation": 1,
        "steps_per_epoch": 50, "batches_per_epoch": 50, "learning_rate": 1e-4,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert ended(events) == ["finished"]
    assert len([e for e in events if isinstance(e, Sample)]) == 2


def test_an_older_header_is_known() -> None:
    data = (
        "2024-06-20 17:48:06,590 [INFO] (__main__) \n***** Running training *****\n"
        "-  Num batches = 229\n-  Num Epochs = 100\n  - Current Epoch = 3\n"
        "  - Instantaneous batch size per device = 27\n  - Gradient Accumulation steps = 1\n"
        "-  Total optimization steps = 22900\n"
    )
    reader, events = read(data.encode())
    assert reader.trainer.id == "simpletuner"
    assert facts(events)["max_steps"] == 22900


def test_colours_and_ranks_are_no_text() -> None:
    _, events = read(log("simpletuner/healthy-info").read_bytes())
    lines = [e.text for e in events if isinstance(e, LogLine)]
    assert not [text for text in lines if "\x1b" in text or "[RANK" in text]
    assert any(text.endswith("[INFO] Load VAE: black-forest-labs/FLUX.1-dev") for text in lines)


def test_a_resumed_run_goes_on_where_it_was() -> None:
    _, events = read(log("simpletuner/resumed").read_bytes())
    assert series(events, "loss")[0][0] == 61
    assert next(e.epoch for e in events if isinstance(e, Progress)) == 2


# debug.log


def test_debug_log_is_the_truth_where_there_is_no_bar() -> None:
    _, events = read(log("simpletuner/debug").read_bytes(), size=900)
    loss = series(events, "loss")
    assert loss[:2] == [(1, 0.10558872540333089), (2, 0.15496627289870696)]
    assert {rate for _, rate in series(events, "lr")} == {0.0002}
    epochs = {e.step: (e.epoch, e.epochs) for e in events if isinstance(e, Progress)}
    assert (epochs[40], epochs[41]) == ((1, 2), (2, 2))
    clock = dict(series(events, "elapsed"))
    assert (clock[1], clock[11] - clock[1]) == (0.0, pytest.approx(15.0, abs=0.01))
    assert not [e for e in events if isinstance(e, LogLine) and "train_loss" in e.text]


def test_debug_log_names_phases_checkpoints_and_the_end() -> None:
    _, events = read(log("simpletuner/debug").read_bytes())
    assert phases(events) == [
        "loading", "caching", "training", "saving", "sampling", "training", "saving",
    ]  # fmt: skip
    assert [e.path for e in events if isinstance(e, Checkpoint)] == [
        "/workspace/output/models/checkpoint-40",
        "/workspace/output/models",
    ]
    assert ended(events) == ["finished"]


def test_debug_log_tells_the_losses_of_each_evaluation_set() -> None:
    """The first set stands for the validation, as no mean over all of them is given."""
    _, events = read(log("simpletuner/debug").read_bytes())
    assert series(events, "val_loss") == [(40, 0.1312), (80, 0.1274)]
    assert series(events, "val_loss style-eval") == [(40, 0.2047), (80, 0.2101)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'loss/val/pooled': 0.25}", {"val_loss": 0.25}),
        ("{'loss/val/pooled': tensor(0.25, device='cuda:0')}", {"val_loss": 0.25}),
        ("{'loss/val/a b': tensor(nan)}", {"val_loss": "nan"}),
        ("{'loss/val/a': 0.1, 'loss/val/b': 0.2, 'loss/val/c': 0.3}",
         {"val_loss": 0.1, "val_loss b": 0.2, "val_loss c": 0.3}),
        ("{'chart/loss/val/a': <wandb.plot>}", {}),
        ("{'loss/val/a': <object>}", {}),
    ],
)  # fmt: skip
def test_an_evaluation_in_a_line(text: str, found: dict[str, object]) -> None:
    data = STEP.format(rank=0, step=3, loss=0.5)
    data += f"[RANK 0] 2026-09-12 11:30:16,000 [DEBUG] (SimpleTuner) Tracking information: {text}\n"
    _, events = read(data.encode())
    told = {e.name: e for e in events if isinstance(e, Metrics) and e.name.startswith("val")}
    assert {name: e.steps[0] for name, e in told.items()} == dict.fromkeys(found, 3)
    assert {name: str(e.values[0]) for name, e in told.items()} == {
        name: str(value) for name, value in found.items()
    }


STEP = (
    "[RANK {rank}] 2026-09-12 11:30:1{step},000 [DEBUG] (SimpleTuner) Step {step} of 9: "
    "loss {loss}, lr 0.0001, epoch 1/2, ema_decay_value None (EMA not in use), train_loss 0.9\n"
)


def test_the_bar_stands_above_the_same_numbers_in_lines() -> None:
    data = bar("Epoch 1/2 Steps", 0, 9, "00:00")
    data += STEP.format(rank=0, step=1, loss=0.123456)
    data += bar("Epoch 1/2, Steps", 1, 9, "00:02", ", lr=0.0001, step_loss=0.123")
    data += STEP.format(rank=0, step=2, loss=0.2)
    data += bar("Epoch 1/2, Steps", 2, 9, "00:04", ", lr=0.0001, step_loss=0.2")
    _, events = read(data.encode())
    assert series(events, "loss") == [(1, 0.123), (2, 0.2)]
    assert not [e for e in events if isinstance(e, LogLine)]


def test_only_the_first_rank_counts() -> None:
    data = "".join(
        STEP.format(rank=rank, step=step, loss=rank + step / 10)
        for step in (1, 2, 3)
        for rank in (0, 1)
    )
    _, events = read(data.encode())
    assert series(events, "loss") == [(1, 0.1), (2, 0.2), (3, 0.3)]


@pytest.mark.parametrize(
    "text",
    ["[RANK 0] Step 3 of 9 begins, loss later", "Step 3 of 9: sampling", "step_loss=0.1, lr=1"],
)
def test_lines_that_state_no_step(text: str) -> None:
    _, events = read((STEP.format(rank=0, step=1, loss=0.1) + text + "\n").encode())
    assert series(events, "loss") == [(1, 0.1)]
    assert len([e for e in events if isinstance(e, LogLine)]) == 1


# how it ends


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    _, events = read(log("simpletuner/nan").read_bytes())
    first = next(e for e in events if isinstance(e, Failure))
    assert first.type == "RuntimeError"
    assert first.message.startswith("Non-finite training loss detected (loss=nan")
    assert first.frames[-1].endswith("/simpletuner/helpers/training/trainer.py:7107 train")


def test_out_of_memory() -> None:
    _, events = read(log("simpletuner/oom").read_bytes())
    first = next(e for e in events if isinstance(e, Failure))
    assert first.type == "torch.OutOfMemoryError"
    assert progress(events).step == 64


def test_killed_by_the_system() -> None:
    _, events = read(log("simpletuner/killed").read_bytes())
    assert ended(events) == ["killed"]
    assert not [e for e in events if isinstance(e, Failure)]
