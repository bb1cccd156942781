"""A log of nobody known says what was read of it and how to help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from loratui.cli import main
from loratui.core.clock import SystemClock
from loratui.engine.diagnosis import diagnose
from loratui.engine.recognised import ENOUGH, recognised
from loratui.engine.run import Run
from loratui.kb import load
from loratui.trainers.reading.seen import Seen
from tests.runs import log, read

KB = load()


def bars(desc: str, postfix: str, steps: int = 30, total: int = 480) -> str:
    return "".join(
        f"\r{desc}:  5%|▌ | {n}/{total} [00:{n:02d}<01:35,  1.00it/s, {postfix.format(n=n)}]"
        for n in range(1, steps)
    )


def notes(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "train.log"
    path.write_text(text)
    return dict(diagnose(path, KB, clock=SystemClock()).unread)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (bars("Training", "train_loss=0.{n}, lr=2e-5"),
         ["A progress bar 'Training' with loss and lr is read: 480 steps"]),
        (bars("", "loss=0.{n}").replace("\r: ", "\r"), ["A progress bar with loss is read"]),
        ("".join(f"step {n}/50 - loss: 0.{n} lr: 1e-4\n" for n in range(1, 20)),
         ["Lines that name a step with loss and lr are read: 50 steps"]),
        ("".join(f"step {n} loss: 0.{n}\n" for n in range(1, 20)),
         ["Lines that name a step with loss are read; a progress bar"]),
    ],
)  # fmt: skip
def test_an_unknown_trainer_says_what_is_read(tmp_path: Path, text: str, parts: list[str]) -> None:
    said = notes(tmp_path, f"hello\n{text}\n")["unknown trainer"]
    assert all(part in said for part in parts), said
    assert "give the whole log" in said
    assert "CONTRIBUTING.md" in said


def test_a_log_without_any_step_says_where_bars_go(tmp_path: Path) -> None:
    text = "hello\nloading\n" + "\rFetching 3 files: 100%|███| 3/3 [00:01<00:00, 2.0it/s]\n" * 2
    said = notes(tmp_path, text + "done\n")
    assert list(said) == ["no steps"]
    assert "in 3 lines; only bars of something else: 'Fetching 3 files'" in said["no steps"]
    assert "2>&1 | tee" in said["no steps"]


def test_a_known_trainer_whose_bars_were_lost(tmp_path: Path) -> None:
    """`| tee` without `2>&1` keeps what is printed and loses bars and log lines."""
    text = "running training / 学習開始\n  num epochs / epoch数: 2\n\nepoch 1/2\n\nepoch 2/2\n"
    text += "\nsaving checkpoint: out/robot.safetensors\n"
    said = notes(tmp_path, text)
    assert "No progress bar with a loss" in said["no steps"]


@pytest.mark.parametrize(
    "name",
    [
        "kohya/healthy", "ai_toolkit/healthy", "onetrainer/healthy", "diffusers/t2i-healthy",
        "kohya/crash-bad-toml", "ai_toolkit/crash-dataset-missing", "musubi_tuner/cache-latents",
        "onetrainer/crash-config-syntax", "diffusers/t2i-killed", "simpletuner/debug",
    ],
)  # fmt: skip
def test_real_logs_need_no_such_note(name: str) -> None:
    assert diagnose(log(name), KB).unread == ()


def test_a_crash_before_the_first_step_explains_itself(tmp_path: Path) -> None:
    text = 'hello\nTraceback (most recent call last):\n  File "x.py", line 1, in f\nKeyError: 1\n'
    assert notes(tmp_path, text) == {}


def told(text: str, over: bool) -> list[tuple[str, str]]:
    reader, events = read(text.encode())
    run = Run(KB, "log")
    run.apply(events, 0.0)
    return recognised(reader.seen, run, over=over)


def test_a_log_that_is_still_written_is_given_time() -> None:
    assert told("hello\n" * (ENOUGH - 1), False) == []
    ((_, early),) = told("hello\n" * ENOUGH, False)
    ((_, later),) = told("hello\n" * (ENOUGH + 99), False)
    assert early == later  # nothing is painted anew for each line
    assert told("hello\n", True) != []


def test_without_a_knowledge_base_or_a_line_nothing_is_said() -> None:
    assert recognised(Seen(lines=9), Run(None, "log"), over=True) == []
    assert recognised(Seen(), Run(KB, "log"), over=True) == []


def test_the_next_run_in_a_log_is_looked_at_anew() -> None:
    text = bars("steps", "avr_loss=0.{n}") + bars("steps", "avr_loss=0.{n}", 3)
    reader, _ = read(f"x\n{text}".encode())
    assert (reader.seen.lines, list(reader.seen.fields)) == (0, ["elapsed", "loss"])


def test_diagnose_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("hello\n")
    result = CliRunner().invoke(main, ["diagnose", str(path)])
    assert "note: no steps: No progress bar" in " ".join(result.output.split())
    result = CliRunner().invoke(main, ["diagnose", "--json", str(path)])
    (note,) = json.loads(result.output)["unread"]
    assert note["path"] == "no steps"
    assert "2>&1" in note["why"]
