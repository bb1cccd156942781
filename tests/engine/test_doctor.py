"""What `loratui doctor` finds and says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from loratui.engine.doctor import examine, render
from loratui.machine.faults import Fault
from loratui.machine.nvml import Nvml

from ..fake_nvml.fixtures import build_nvml, fake_nvml, load_nvml

__all__ = ["build_nvml", "fake_nvml", "load_nvml"]

PLAIN = {"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}


class Saying(Nvml):
    """A door that says one thing."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def open(self):
        return self.fault


def advice(report, about):
    return [entry["text"] for entry in report["todo"] if entry["about"] == about]


def test_every_section_is_there_and_json(tmp_path):
    report = examine(PLAIN, tmp_path)
    assert json.loads(json.dumps(report)) == report
    assert report["schema"] == "loratui.doctor/1"
    text = render(report)
    for section in (
        "loratui", "packages", "terminal", "text", "nvml", "host", "clipboard", "state",
        "knowledge", "detectors",
    ):  # fmt: skip
        assert any(row.startswith(section) for row in text.splitlines())
    assert "xterm-256color" in text
    assert report["packages"]["textual"]


def test_gpus(load_nvml, tmp_path):
    load_nvml("count 2; name@1 NVIDIA H200; err.Power@1 4")
    report = examine(PLAIN, tmp_path)
    assert report["nvml"]["state"] == "ok"
    text = render(report)
    assert "2 GPUs, driver 580.65.06, CUDA up to 13.0" in text
    assert "GPU 1: NVIDIA H200; no permission to read: power" in text
    assert advice(report, "nvml") == []


def test_a_lost_gpu(load_nvml, tmp_path):
    load_nvml("count 2; err.Device@1 15")
    report = examine(PLAIN, tmp_path)
    assert "GPU 1: unnamed, lost" in render(report)
    assert advice(report, "nvml")


@pytest.mark.parametrize(
    "kind",
    ["no-package", "shadowed", "no-library", "no-driver", "mismatch", "no-permission",
     "old-library", "lost", "unknown", "no-gpu", "timeout", "other"],
)  # fmt: skip
def test_each_fault_is_said_with_what_to_do(tmp_path, kind):
    report = examine(PLAIN, tmp_path, Saying(Fault(kind, "It is so.")))
    assert "nvml       It is so." in render(report)
    assert len(advice(report, "nvml")) == 1
    assert f"-> {advice(report, 'nvml')[0]}" in render(report)


def test_a_driver_that_hangs_is_given_up(tmp_path):
    let_go = threading.Event()

    class Hanging(Nvml):
        def open(self):
            let_go.wait(30)
            return super().open()

    try:
        report = examine(PLAIN, tmp_path, Hanging(), patience=0.01)
    finally:
        let_go.set()
    assert report["nvml"]["state"] == "hangs"
    assert advice(report, "nvml")


def test_a_driver_that_hangs_does_not_hold_up_the_end(fake_nvml, tmp_path):
    code = "from loratui.engine.doctor import *; print(render(examine(patience=0.2)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=fake_nvml("hang.Init 1"),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "The NVIDIA driver gives no answer" in done.stdout


@pytest.mark.parametrize(
    ("variable", "name", "word"),
    [("TMUX", "tmux", "allow-passthrough"), ("STY", "screen", "file"), ("ZELLIJ", "zellij", "")],
)
def test_between_us_and_the_terminal(tmp_path, variable, name, word):
    report = examine({**PLAIN, variable: "0"}, tmp_path)
    assert report["terminal"]["multiplexer"] == name
    assert f"in {name}" in render(report)
    assert report["clipboard"]["note"]
    assert word in " ".join(advice(report, "clipboard"))


def test_ssh_colours_and_text(tmp_path, monkeypatch):
    class Latin:
        encoding = "iso-8859-1"

        def isatty(self):
            raise ValueError("closed")

    monkeypatch.setattr(sys, "stdout", Latin())
    report = examine({"SSH_TTY": "/dev/pts/1", "NO_COLOR": "", "COLORTERM": "truecolor"}, tmp_path)
    text = render(report)
    for part in ("TERM not set", "NO_COLOR set", "over SSH", "COLORTERM=truecolor", "iso-8859-1"):
        assert part in text
    assert advice(report, "text")


def test_a_small_and_dumb_terminal(tmp_path, monkeypatch):
    class Screen:
        encoding = "utf-8"

        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setattr("shutil.get_terminal_size", lambda fallback: os.terminal_size((60, 20)))
    report = examine({"TERM": "dumb"}, tmp_path)
    assert "60x20" in render(report)
    assert len(advice(report, "terminal")) == 2


def test_the_state_folder(tmp_path, monkeypatch):
    folder = tmp_path / "not" / "yet"
    report = examine(PLAIN, folder)
    assert report["state"] == {"folder": str(folder), "writable": True, "note": ""}
    assert not folder.exists()
    blocked = tmp_path / "file"
    blocked.write_text("x")
    report = examine(PLAIN, blocked / "below")
    assert not report["state"]["writable"]
    assert "LORATUI_STATE" in advice(report, "state")[0]


def test_what_cannot_be_imported_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "loratui.kb", None)
    monkeypatch.setitem(sys.modules, "loratui.detectors", None)
    report = examine(PLAIN, tmp_path)
    assert not report["knowledge"]["readable"]
    assert advice(report, "knowledge")
    assert advice(report, "detectors")
    assert "knowledge  ModuleNotFoundError" in render(report)


def test_nothing_that_a_terminal_would_obey(tmp_path):
    text = render(examine({**PLAIN, "TERM": "x\x1b[2J\x9b\ny"}, tmp_path))
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "x\N{REPLACEMENT CHARACTER}[2J" in text
