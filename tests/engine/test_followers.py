"""One run from several files: the better value wins, and nothing is said twice."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Metrics
from loratui.engine.attach import beside, look_at
from loratui.engine.beside import Beside
from loratui.engine.diagnosis import diagnose
from loratui.engine.followers import Followers
from loratui.engine.run import Run
from loratui.errors import LoratuiError
from loratui.kb import load
from loratui.trainers.tags import series_of

KB = load()
FOLDERS = Path(__file__).parent.parent / "fixtures" / "folders"


def copied(tmp_path: Path, name: str) -> Path:
    """A recorded run folder with the same time on all its files."""
    folder = tmp_path / name
    shutil.copytree(FOLDERS / name, folder)
    for path in folder.rglob("*"):
        os.utime(path, (1_795_241_400, 1_795_241_400))
    return folder


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("loss/current", "loss"), ("loss/average", "mean_loss"), ("loss/epoch", "epoch_loss"),
        ("loss/epoch_average", "epoch_loss"), ("lr/unet", "lr"), ("lr/group0", ""),
        ("lr/textencoder 1 ", "lr_text_encoder"), ("lr/d*lr/unet", "effective_lr"),
        ("loss/train_step", "loss"), ("smooth_loss/train_step", "mean_loss"),
        ("lr/transformer_lora", "lr"), ("lr/text_encoder_1_lora", "lr_text_encoder"),
        ("loss/validation_step/total_average", "val_loss"), ("train/loss", "loss"),
        ("train/epoch_loss", "epoch_loss"), ("validation_set/loss", "val_loss"),
        ("loss/loss", "loss"), ("learning_rate", "lr"), ("train_loss", "loss"),
        ("eval_loss", "val_loss"), ("train/grad_norm", "grad_norm"), ("grad_norm", "grad_norm"),
        ("loss/validation/step_average", "val_loss"), ("lr-AdamW", "lr"),
        ("metrics/train_loss", "loss"), ("metrics/learning_rate", "lr"),
        ("samples/image", ""), ("ema_decay", ""), ("loss_scale", ""), ("regularisation_loss", ""),
    ],
)  # fmt: skip
def test_what_a_tag_means(tag: str, name: str) -> None:
    assert series_of(tag) == name


def test_the_raw_loss_replaces_the_printed_mean(tmp_path: Path) -> None:
    run = diagnose(copied(tmp_path, "kohya-healthy"), KB)
    assert run.facts.trainer == "kohya"
    assert run.facts.loss_kind == "raw"
    assert run.series["loss"].count == 72
    assert run.series["mean_loss"].count == 72
    assert run.series["lr"].count == 72
    assert run.series["epoch_loss"].count < 72
    assert run.status.state == "finished"
    assert not [f for f in run.findings if f.severity >= 1]
    # the console's clock is not forgotten when the loss changes hands
    assert run.series["loss"].last != pytest.approx(run.series["mean_loss"].last, abs=1e-9)


def test_the_console_alone_says_what_it_can() -> None:
    run = diagnose(FOLDERS / "kohya-healthy" / "console.log", KB)
    assert "loss" in run.series


def test_a_nan_is_dated_by_the_steps_own_loss(tmp_path: Path) -> None:
    run = diagnose(copied(tmp_path, "kohya-lr-nan"), KB)
    (nan,) = [f for f in run.findings if f.id == "loss-nan"]
    assert nan.first_step == 2
    assert run.facts.loss_kind == "raw"


def test_each_step_of_the_console_stays_the_consoles(tmp_path: Path) -> None:
    run = diagnose(copied(tmp_path, "onetrainer-healthy"), KB)
    assert run.status.step == run.status.total
    assert run.series["lr"].count > 0  # only the events have it
    assert not [f for f in run.findings if f.severity >= 1]


def test_events_alone_are_a_run(tmp_path: Path) -> None:
    folder = copied(tmp_path, "kohya-healthy")
    (folder / "console.log").unlink()
    run = diagnose(folder, KB)
    assert run.status.step == 72
    assert run.series["loss"].count == 72
    assert not [f for f in run.findings if f.severity >= 1]


def test_events_of_another_time_are_not_this_runs(tmp_path: Path) -> None:
    folder = copied(tmp_path, "kohya-healthy")
    for path in folder.rglob("events*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert beside(folder / "console.log") == []
    run = diagnose(folder, KB)
    assert run.facts.loss_kind == "running-mean"


def test_beside_a_log_alone_several_runs_are_none(tmp_path: Path) -> None:
    folder = copied(tmp_path, "kohya-healthy")
    assert len(beside(folder / "console.log")) == 1
    events = next(folder.rglob("events*"))
    other = folder / "other" / "network_train"
    other.mkdir(parents=True)
    shutil.copy2(events, other)
    assert beside(folder / "console.log") == []


def test_of_several_runs_the_last_is_followed(tmp_path: Path) -> None:
    folder = copied(tmp_path, "kohya-healthy")
    events = next(folder.rglob("events*"))
    older = folder / "logs" / "20200101000000" / "network_train"
    older.mkdir(parents=True)
    shutil.copy2(events, older / "events.out.tfevents.1577836800.host.1.0")
    assert beside(look_at(folder).log, folder) == [events.parent]


@pytest.mark.parametrize("name", ["metrics.csv", "training_metrics.jsonl", "trainer_state.json"])
def test_a_table_alone_is_a_run(tmp_path: Path, name: str) -> None:
    values = [0.2 - 0.0005 * step for step in range(100)]
    if name.endswith("csv"):
        text = "step,train_loss,lr\n" + "".join(f"{s},{v},0.0001\n" for s, v in enumerate(values))
    elif name.endswith("jsonl"):
        text = "".join(
            json.dumps({"step": s, "train_loss": v, "learning_rate": 1e-4}) + "\n"
            for s, v in enumerate(values)
        )
    else:
        rows = [{"step": s, "loss": v, "learning_rate": 1e-4} for s, v in enumerate(values)]
        text = json.dumps({"log_history": rows, "max_steps": 100})
    (tmp_path / name).write_text(text)
    for path in (tmp_path / name, tmp_path):
        run = diagnose(path, KB)
        assert run.status.step == 99
        assert run.series["loss"].count == 100
        assert run.series["lr"].last == pytest.approx(1e-4)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(LoratuiError, match="TensorBoard"):
        look_at(tmp_path)


def test_files_that_come_later_are_noticed(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)
    log = tmp_path / "train.log"
    log.write_text("x")
    followers = Followers([], log, clock)
    assert followers.poll(clock.now()) == []  # looked for at the first poll: nothing yet
    place = tmp_path / "logs"
    place.mkdir()
    shutil.copy2(next((FOLDERS / "kohya-healthy").rglob("events*")), place)
    for path in (log, *place.iterdir()):
        os.utime(path, (2000, 2000))
    clock.advance(60)
    found: list[Metrics] = []
    for _ in range(20):
        found += followers.poll(clock.now())
    assert any(event.name == "loss/current" for event in found)
    followers.close()


def event(name: str, source: str = "logs/events.1", step: int = 1, value: float = 0.1) -> Metrics:
    return Metrics(source, 0, name, [step], [value])


def test_the_first_tag_of_a_series_keeps_it() -> None:
    rule = Beside()
    assert rule.name_of(event("lr/unet"), {}, "raw") == "lr"
    assert rule.name_of(event("lr/transformer"), {}, "raw") == ""
    assert rule.name_of(event("lr/unet", "logs/events.2"), {}, "raw") == "lr"
    assert rule.name_of(event("lr/unet", "elsewhere/events.3"), {}, "raw") == ""


def test_a_mean_gives_way_and_a_raw_loss_does_not() -> None:
    assert Beside().name_of(event("loss/current"), {"loss"}, "running-mean") == "loss"
    assert Beside().name_of(event("loss/current"), {"loss"}, "raw") == ""
    rule = Beside()
    rule.name_of(event("loss/current"), {"loss"}, "running-mean")
    assert rule.takes_over("running-mean")
    assert not rule.takes_over("running-mean")
    assert rule.console("loss") == "mean_loss"
    assert rule.console("lr") == "lr"


def test_nan_of_a_file_is_a_nan(tmp_path: Path) -> None:
    rows = "".join(f"{s},{'nan' if s > 60 else 0.1}\n" for s in range(100))
    (tmp_path / "metrics.csv").write_text("step,train_loss\n" + rows)
    run = diagnose(tmp_path, KB)
    assert math.isnan(run.series["loss"].last or 0.0)
    assert [f.id for f in run.findings][:1] == ["loss-nan"]
    assert run.findings[0].first_step == 61


def test_another_run_in_the_same_log_has_files_of_its_own(tmp_path: Path) -> None:
    folder = copied(tmp_path, "kohya-healthy")
    followers = Followers([], folder / "console.log", ManualClock(0.0), folder)
    followers.poll(0.0)
    (first,) = followers.files
    later = folder / "logs" / "20261121070000" / "network_train"
    later.mkdir(parents=True)
    events = next(folder.rglob("events*"))
    shutil.copy2(events, later / "events.out.tfevents.1795250000.host.1.0")
    followers.poll(1.0)
    assert followers.files == [first]
    followers.renew()
    followers.poll(2.0)
    assert [file.name for file in followers.files] == [str(later)]
    followers.close()


def test_what_a_rewritten_file_said_before_does_not_count() -> None:
    run = Run(KB, "log")
    steps = list(range(1, 101))
    run.follow([Metrics("m.csv", 0, "train_loss", steps, [math.nan] * 100)], 0.0)
    assert run.lifecycle.tracked["loss-nan"].firing
    run.forget_followed()
    assert "loss" not in run.series
    run.follow([Metrics("m.csv", 0, "train_loss", steps, [0.1 + s / 9999 for s in steps])], 1.0)
    assert run.series["loss"].count == 100
    assert "loss-nan" not in run.lifecycle.tracked
