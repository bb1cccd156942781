"""A run of each trainer goes through the commands: diagnosed, and watched from a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from loratui.cli import main
from tests.trainers.cases import CASES, OTHER, console


@pytest.mark.parametrize("trainer", CASES)
def test_diagnose(trainer: str, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(console(trainer))
    result = CliRunner().invoke(main, ["diagnose", "--json", str(path)])
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    (subject,) = report["subjects"]
    case = CASES[trainer]
    assert (subject["trainer"], subject["step"]) == (trainer, case.step)
    assert subject["total_steps"] == case.total
    assert report["facts"]["loss"] == pytest.approx(float(case.loss), rel=0.01)
    assert report["verdict"] == "ok"
    assert [note["path"] for note in report["unread"]] == (
        ["unknown trainer"] if trainer == OTHER else []
    )
    text = CliRunner().invoke(main, ["diagnose", str(path)]).output
    assert trainer in text
    assert f"loss {case.loss}" in text


@pytest.mark.parametrize("trainer", CASES)
def test_watch_without_a_screen(trainer: str) -> None:
    command = [sys.executable, "-m", "loratui", "watch", "-", "--headless", "--json"]
    done = subprocess.run(command, input=console(trainer), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    told = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert {event["schema"] for event in told} == {"loratui.event/1"}
    last = told[-1]
    assert (last["kind"], last["step"]) == ("end", CASES[trainer].step)
    assert set(last["findings"]) <= {"loss-no-decrease"}  # a level loss is worth knowing
    assert last["state"] == "finished"
