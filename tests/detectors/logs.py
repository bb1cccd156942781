"""Makes logs as terminals, files and launchers show them, and says what is found first in one."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.logging import RichHandler

from loratui.core.findings import Finding
from loratui.engine.findings import findings_of
from loratui.engine.run import Run
from loratui.kb import load
from tests.runs import read as events_of

KB = load()
TEXTS = Path(__file__).parent / "texts"
LAUNCHER = (
    "Traceback (most recent call last):\n"
    '  File "/venv/bin/accelerate", line 8, in <module>\n'
    "    sys.exit(main())\n"
    '  File "/venv/lib/python3.10/site-packages/accelerate/commands/launch.py", line 704, in'
    " simple_launcher\n"
    "    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)\n"
    "subprocess.CalledProcessError: Command '['/venv/bin/python', 'sdxl_train_network.py',"
    " '--config_file', 'config.toml']' returned non-zero exit status 1.\n"
)


@dataclass(frozen=True)
class Row:
    """A text and what it shows. `frames` of its traceback are `path:line name`."""

    finding: str
    text: str
    level: str = ""
    frames: tuple[str, ...] = ()
    thread: str = ""

    def __str__(self) -> str:
        return self.thread or f"{self.finding}: {self.text[:60]}"


def rows(name: str) -> list[Row]:
    """The rows of `texts/{name}.yaml`."""
    read = yaml.safe_load((TEXTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return [Row(**{**row, "frames": tuple(row.get("frames", ()))}) for row in read]


def findings(text: str | bytes) -> tuple[Finding, ...]:
    """What the whole program finds in a log, in the order to act on."""
    data = text if isinstance(text, bytes) else text.encode()
    run = Run(KB, "log")
    run.apply(events_of(data)[1], 0.0)
    return findings_of(run)


def first(text: str | bytes) -> str:
    """The id of the finding that stands first, or nothing."""
    found = findings(text)
    return found[0].id if found else ""


def traced(exception: str, frames: Sequence[str] = ()) -> str:
    """The exception as an uncaught one; a frame is `path:line name`."""
    lines = ["Traceback (most recent call last):"]
    for frame in frames or ("/app/train.py:10 main",):
        where, name = frame.rsplit(" ", 1)
        path, line = where.rsplit(":", 1)
        lines += [f'  File "{path}", line {line}, in {name}', "    step(args)"]
    return "\n".join([*lines, exception, ""])


def logged(message: str, level: int, width: int = 80) -> str:
    """The message as sd-scripts logs it: by rich, wrapped at the width of the console."""
    out = io.StringIO()
    handler = RichHandler(console=Console(file=out, width=width))
    handler.setFormatter(logging.Formatter("%(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    record = logging.LogRecord("library", level, "/app/train_util.py", 2090, message, (), None)
    record.created = 1_763_705_547.0
    handler.handle(record)
    return out.getvalue()
