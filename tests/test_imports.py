"""What may be loaded when: checked by importing in a fresh interpreter, since lazy imports lie."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_HEAVY = ("textual", "numpy", "torch", "tensorboard", "PIL")


def loaded(statement: str) -> set[str]:
    """Top-level modules in `sys.modules` after `statement` has run in a new process."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "loratui.engine.session",
        "loratui.engine.diagnosis",
        "loratui.engine.report",
        "loratui.engine.headless",
        "loratui.engine.doctor",
        "loratui.trainers.reading.reader",
        "loratui.detectors",
        "loratui.kb",
        "loratui.configs.settings",
        "loratui.engine.discovery",
        "loratui.machine.sampler",
        "loratui.sources.recording",
    ],
)
def test_the_engine_never_loads_the_screen_or_anything_heavy(module: str) -> None:
    names = loaded(f"import {module}")
    assert not [name for name in _HEAVY if name in names]


def test_the_whole_engine_at_work_loads_no_screen() -> None:
    names = loaded(
        "from loratui.engine.demo import open_demo\n"
        "from loratui.engine.diagnosis import read_all\n"
        "from loratui.sources.recording import Replay\n"
        "from loratui.kb import load\n"
        "from loratui.engine.session import Session\n"
        "read_all(Session(Replay(open_demo('nan'), 0.0), lambda _: load()))"
    )
    assert not [name for name in _HEAVY if name in names]


def test_core_is_standard_library_only() -> None:
    names = loaded(
        "import pkgutil, importlib, loratui.core as core\n"
        "for info in pkgutil.iter_modules(core.__path__): "
        "importlib.import_module('loratui.core.' + info.name)"
    )
    ours = {name.split(".")[0] for name in names}
    allowed = set(sys.stdlib_module_names) | {"loratui", "__main__", "sitecustomize"}
    foreign = {name for name in ours if name not in allowed and not name.startswith("_")}
    assert not foreign & {"yaml", "pydantic", "click", "rich", "textual", "pynvml", "psutil"}
    assert not [name for name in names if name.startswith("loratui.") and ".core" not in name
                and name != "loratui.core"]  # fmt: skip


def test_the_first_screen_waits_for_nothing_slow() -> None:
    """NVML, psutil, the knowledge base and its schema come after the first paint."""
    names = loaded("import loratui.cli, loratui.engine.session, loratui.ui.app")
    assert not [
        n for n in ("pynvml", "psutil", "pydantic", "yaml", "loratui.kb.schema") if n in names
    ]


def test_the_command_line_is_light() -> None:
    assert "textual" not in loaded("import loratui.cli")
