"""Compiles the stand-in for NVIDIA's library, and lays out scenarios for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SOURCE = Path(__file__).parent / "nvml_stub.c"
NAME = "libnvidia-ml.so.1"


class NoCompilerError(Exception):
    """There is nothing to compile the stand-in with, or it failed."""


def compilers() -> list[list[str]]:
    """What can compile C here, best first: `cc`, else the one of the package ziglang."""
    found = []
    if shutil.which("cc"):
        found.append(["cc"])
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


def build(folder: Path, missing: Iterable[str] = ()) -> Path:
    """Compile the stand-in into `folder`, without the C functions named in `missing`.

    Raises:
        NoCompilerError: with what each compiler said.
    """
    library = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-shared", "-fPIC", "-O1", *(f"-D{name}=absent_{name}" for name in missing)]
    said = []
    for compiler in compilers():
        done = subprocess.run(
            [*compiler, *options, "-o", str(library), str(SOURCE)],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        if done.returncode == 0:
            return library
        said.append(f"{compiler[-1]}: {done.stderr.strip()[-2000:]}")
    raise NoCompilerError("; ".join(said) or "neither cc nor the package ziglang is here")


class FakeNvml:
    """The compiled stand-in and a scenario file that can be rewritten while a program runs.

    Called with a scenario it writes it and gives the environment for a child process.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self.library = library
        self.path = folder / "nvml_scenario.txt"

    def __call__(self, scenario: str = "") -> dict[str, str]:
        self.write(scenario)
        return {
            **os.environ,
            "FAKE_NVML": str(self.path),
            "LD_LIBRARY_PATH": str(self.library.parent),
        }

    def write(self, scenario: str) -> None:
        """Replace the scenario in one stroke: `key value` a line, or separated by ``;``."""
        rows = [row.strip() for row in scenario.replace(";", "\n").splitlines()]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join(rows) + "\n", encoding="utf-8")
        fresh.replace(self.path)
