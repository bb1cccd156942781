"""Commands from outside: exit codes, one JSON object, one clear line for each mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loratui import __version__, cli
from loratui.cli import main
from tests.runs import log


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_version() -> None:
    assert __version__ in run("--version").output


@pytest.mark.parametrize(
    ("name", "code", "finding", "status"),
    [
        ("ai_toolkit/lr-nan", 1, "loss-nan", "finished"),
        ("kohya/lr-nan", 1, "loss-nan", "finished"),
        ("onetrainer/lr-nan", 1, "loss-nan", "crashed"),
        ("kohya/crash-no-repeats-prefix", 1, "no-data", "crashed"),
        ("kohya/healthy", 0, None, "finished"),
        ("diffusers/t2i-killed", 1, "killed", "crashed"),
    ],
)
def test_diagnose_json(name: str, code: int, finding: str | None, status: str) -> None:
    result = run("diagnose", "--json", str(log(name)))
    assert result.exit_code == code, result.output
    report = json.loads(result.output)
    assert report["schema"] == "loratui.report/1"
    assert report["subjects"][0]["kind"] == "run"
    assert report["subjects"][0]["status"] == status
    assert set(report) == {
        "schema", "tool", "generated_at", "verdict", "subjects", "findings", "cannot_tell",
        "unread", "facts",
    }  # fmt: skip
    if finding:
        first = report["findings"][0]
        assert first["id"] == finding
        assert first["fixes"]
        assert first["symptom"]
        assert first["evidence"]
        assert first["evidence"][0]["kind"] in ("series", "log", "number")


def test_non_finite_numbers_are_strings() -> None:
    result = run("diagnose", "--json", str(log("kohya/lr-nan")))
    constants: list[str] = []
    json.loads(result.output, parse_constant=constants.append)
    assert constants == []
    assert json.loads(result.output)["facts"]["loss"] == "nan"


def test_diagnose_as_text() -> None:
    result = run("diagnose", str(log("ai_toolkit/lr-nan")))
    assert "critical" in result.output
    assert "[loss-nan]" in result.output
    assert "train.lr" in result.output


def test_fail_on() -> None:
    path = str(log("kohya/missing-captions"))
    assert run("diagnose", path).exit_code == 0
    assert run("diagnose", "--fail-on", "warning", path).exit_code == 1


def test_a_run_folder_is_searched_for_its_log(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(log("kohya/healthy").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 10)
    assert run("diagnose", str(tmp_path)).exit_code == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (None, "does not exist"),
        (b"\0\x01\x02" * 100, "is a binary file"),
        ("folder", "holds no log (.log"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    make: bytes | str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    if isinstance(make, bytes):
        path.write_bytes(make)
    elif make == "folder":
        path.mkdir()
    for command in ("diagnose", "watch"):
        result = run(command, *(["--headless"] if command == "watch" else []), str(path))
        assert result.exit_code == 2
        assert said in result.stderr
        assert str(path) in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_an_empty_file_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    result = run("diagnose", "--json", str(path))
    assert result.exit_code == 0
    assert json.loads(result.output)["verdict"] == "cannot-tell"


@pytest.mark.parametrize(
    "name",
    ["[bold]x[b].log", "[link=x] $a.log", "ein log mit blank.log", "\x1b[31mred.log", "日本.log"],
)
def test_hostile_file_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("hello [/foo] [link=x]\n\x1b]0;title\x07\n")
    result = run("diagnose", str(path))
    assert result.exit_code == 0
    assert "\x1b" not in result.output


def test_a_single_line_of_two_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    with path.open("wb") as file:
        file.write(b"steps: ")
        for _ in range(200):
            file.write(b"x" * 2**20)
    result = run("diagnose", "--json", str(path))
    assert result.exit_code == 0
    path.unlink()


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.log"
    path.write_bytes(
        b"caf\xe9 \xff\xfe\n\rsteps:  1%|\xb2| 10/744 [00:30<36:53, 3.02s/it, avr_loss=0.1]"
    )
    report = json.loads(run("diagnose", "--json", str(path)).output)
    assert report["subjects"][0]["step"] == 10


def test_utf16_as_powershell_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "power.log"
    text = "\rsteps:  1%|▌| 10/744 [00:30<36:53, 3.02s/it, avr_loss=nan]\r\n"
    path.write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    report = json.loads(run("diagnose", "--json", str(path)).output)
    assert report["subjects"][0]["step"] == 10
    assert report["findings"][0]["id"] == "loss-nan"


def test_demo_headless_plays_to_its_end() -> None:
    result = run("demo", "--headless")
    assert result.exit_code == 0
    assert "end of input" in result.output
    assert "[loss-nan]" in result.output


def test_demo_as_json_lines() -> None:
    result = run("demo", "crash", "--headless", "--json")
    events = [json.loads(line) for line in result.output.splitlines()]
    assert all(event["schema"] == "loratui.event/1" for event in events)
    assert events[-1]["kind"] == "end"
    assert "bad-image" in events[-1]["findings"]


def test_unknown_demo() -> None:
    result = run("demo", "nope", "--headless")
    assert result.exit_code == 2
    assert "healthy" in result.stderr


def test_tree_explain_and_lint() -> None:
    assert "Training crashes" in run("tree", "--print").output
    assert run("explain", "loss-nan").exit_code == 0
    assert "--learning_rate" in run("explain", "learning_rate").output
    assert run("kb", "lint").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plastic-skin",), "Skin looks like plastic"),
        (("rank",), "32 to 64"),
        (("sdxl",), "12 GB"),
        (("train.lr",), "ai-toolkit: train.lr"),
        (("--network_dim",), "kohya: --network_dim"),
        (("pre-release",), "pass mark"),
        (("rtx-4090",), "24 GB"),
        (("epoch",), "One pass over all"),
        (("RuntimeError:", "CUDA", "out of memory. Tried to allocate 2.00 GiB"), "GPU"),
    ],
)
def test_explain_takes_any_id_key_or_error_line(words: tuple[str, ...], says: str) -> None:
    result = run("explain", *words)
    assert result.exit_code == 0
    assert says in result.output


def test_explain_as_json() -> None:
    page = json.loads(run("explain", "--json", "overfit").output)
    assert page["schema"] == "loratui.page/1"
    assert page["blocks"][0]["role"] == "title"


def test_the_knowledge_base_as_json() -> None:
    base = json.loads(run("kb", "export", "--json").output)
    assert base["schema"] == "loratui.knowledge/1"
    assert base["symptoms"]["overfit"]["title"]
    schema = json.loads(run("kb", "export", "--schema").output)
    assert schema["$defs"]


def test_tree_of_any_page_and_of_none() -> None:
    assert "Finding the right strength" in run("tree", "lora-strength", "--print").output
    result = run("tree", "overfitt", "--print")
    assert result.exit_code == 2
    assert "overfit" in result.stderr


def test_lint_of_a_broken_folder_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "states.yaml").write_text("sampling:\n  usuall: a minute\n")
    result = run("kb", "lint", str(tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path}/states.yaml:2 sampling.usuall" in result.output
    assert "nearest: 'usual'" in result.output


def test_a_broken_overlay_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "findings.yaml").write_text("\t- x")
    monkeypatch.setenv("LORATUI_KNOWLEDGE", str(tmp_path))
    done = process("diagnose", str(log("kohya/healthy")), LORATUI_KNOWLEDGE=str(tmp_path))
    assert done.returncode == 0
    assert b"findings.yaml:1" in done.stderr
    for arguments in (("explain", "overfit"), ("tree", "--print")):
        done = process(*arguments, LORATUI_KNOWLEDGE=str(tmp_path))
        assert done.returncode == 0
        assert b"findings.yaml:1" in done.stderr
        assert b"tab" in done.stderr


def test_tee_passes_every_byte_on_and_keeps_findings_apart() -> None:
    data = log("ai_toolkit/lr-nan").read_bytes()
    done = process("watch", "-", "--tee", data=data)
    assert done.stdout == data
    assert b"loss-nan" in done.stderr


@pytest.mark.parametrize("arguments", [("watch", "--tee"), ("watch", "x.log", "--tee")])
def test_tee_without_standard_input_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_notebook_is_a_log(tmp_path: Path) -> None:
    text = log("ai_toolkit/lr-nan").read_text(encoding="utf-8")
    cell = {"outputs": [{"output_type": "stream", "text": [text]}]}
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": [cell]}))
    result = run("diagnose", "--json", str(tmp_path / "train.ipynb"))
    assert json.loads(result.output)["findings"][0]["id"] == "loss-nan"


def test_explain_names_the_nearest() -> None:
    result = run("explain", "loss-nam")
    assert result.exit_code == 2
    assert "loss-nan" in result.stderr


def test_doctor() -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["schema"] == "loratui.doctor/1"


# through a real process


def process(
    *arguments: str, data: bytes | None = None, **env: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "loratui", *arguments],
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )


@pytest.mark.parametrize("arguments", [(), ("demo",), ("watch", str(log("kohya/healthy")))])
def test_without_a_terminal_one_line_and_exit_2(arguments: tuple[str, ...]) -> None:
    done = process(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert b"terminal" in done.stderr


def test_watching_a_pipe() -> None:
    done = process(
        "watch", "-", "--headless", data=log("diffusers/db-crash-bad-image").read_bytes()
    )
    assert done.returncode == 0
    assert b"[bad-image]" in done.stdout


def test_what_is_recorded_can_be_played_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl.gz"
    data = log("diffusers/db-lr-nan").read_bytes()
    first = process("watch", "-", "--headless", "--record", str(path), data=data)
    again = process("demo", str(path), "--headless")
    assert b"[loss-nan]" in first.stdout
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]
    taken = process("watch", "-", "--headless", "--record", str(path), data=data)
    assert taken.returncode == 2
    assert b"is there already" in taken.stderr


@pytest.mark.parametrize(
    ("arguments", "remote"),
    [
        (("doctor",), None),
        (("--remote", "doctor"), True),
        (("doctor", "--local"), False),
        (("--remote", "doctor", "--local"), False),
        (("--local", "doctor"), False),
    ],
)
def test_switches_stand_before_or_after_the_command(
    arguments: tuple[str, ...], remote: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    merged = cli._merged

    def note(ctx: object, own: object) -> object:
        found = merged(ctx, own)  # type: ignore[arg-type]
        seen.append(found["remote"])
        return found

    monkeypatch.setattr(cli, "_merged", note)
    run(*arguments)
    assert seen == [remote]


def test_interrupted_is_130(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(log("kohya/healthy").read_bytes())
    watching = subprocess.Popen(
        [sys.executable, "-m", "loratui", "watch", "--headless", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert watching.stdout is not None
    assert b"finished" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=30) == 130
    assert b"Traceback" not in watching.communicate()[1]


def test_wrong_usage_is_2() -> None:
    assert process("watch").returncode == 2
    assert process("nonsense").returncode == 2


def test_a_reader_that_goes_away_is_no_crash() -> None:
    command = f'"{sys.executable}" -m loratui tree --print | head -1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
