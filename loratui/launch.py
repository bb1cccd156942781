"""How commands put things together: the knowledge base, a session over a source, the screen."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loratui.errors import LoratuiError

if TYPE_CHECKING:
    from loratui.core.facts import GpuReading
    from loratui.core.running import Discovered, FoundRun
    from loratui.engine.choices import Choice
    from loratui.engine.discovery import Discovery
    from loratui.engine.evidence import EvidenceFolder
    from loratui.engine.session import Session
    from loratui.kb.base import KnowledgeBase

LOOK, DRIVER = 1.0, 0.7
"""Seconds for a look at the box's processes, and for the driver to name those on GPUs."""


class Knowledge:
    """The knowledge base, read once for whoever asks first: the session or a screen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base: KnowledgeBase | None = None

    def __call__(self, between: Callable[[], None] | None = None) -> KnowledgeBase:
        from loratui import paths
        from loratui.kb import load

        with self._lock:
            if self._base is None:
                self._base = load(paths.overlay_folder(), between, paths.cache_folder())
            return self._base


knowledge = Knowledge()


def session_of(
    path: str, record: Path | None, *, machine: bool, copy: int | None = None
) -> Session:
    from loratui.engine.gpus import LocalGpus
    from loratui.engine.session import Session
    from loratui.machine.system import system
    from loratui.sources.base import Source

    source: Source
    followers = configuration = folder = found = None
    if path == "-":
        from loratui.sources.stdin import Pipe

        source = Pipe(_private_stdin(), copy=copy)
    else:
        from loratui.engine.attach import look_at
        from loratui.engine.configuration import Configuration
        from loratui.engine.followers import opened

        found = look_at(Path(path))
        source, followers = opened(found)
        folder = found.folder
        configuration = Configuration(folder)
    recorder = None
    if record is not None:
        from loratui.engine.recorder import FileRecorder

        recorder = FileRecorder(record, Path(path).name)
    gpus = LocalGpus(disk=folder) if machine else None
    return Session(
        source,
        knowledge,
        path=source.name,
        machine=gpus,
        recorder=recorder,
        followers=followers,
        configuration=configuration,
        evidence=_evidence(),
        platform=system() if machine else "",
        find_process=_finder(found.log) if machine and found is not None else None,
    )


def _finder(log: Path | None) -> Callable[[], FoundRun | None] | None:
    if log is None:
        return None

    def find() -> FoundRun | None:
        from loratui.engine.process import writer_of

        return writer_of(log, box().runs)

    return find


def _evidence() -> EvidenceFolder:
    from loratui.engine.evidence import EvidenceFolder
    from loratui.paths import state_folder

    return EvidenceFolder(state_folder() / "evidence")


def _private_stdin() -> int:
    """A copy of standard input; the keyboard takes its place, for a screen needs one."""
    import os

    fd = os.dup(0)
    try:
        keyboard = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return fd
    os.dup2(keyboard, 0)
    os.close(keyboard)
    return fd


def terminal() -> bool:
    return sys.stdout.isatty() and sys.stdin.isatty()


def need_terminal() -> None:
    if not sys.stdout.isatty():
        raise LoratuiError(
            "No terminal",
            "The screen needs a terminal, and the output is not one.",
            "Use --headless, or `loratui diagnose`.",
        )


def show(
    session: Session | None,
    title: str,
    switches: dict[str, Any],
    *,
    begin: str = "live",
    symptom: str = "",
) -> None:
    need_terminal()
    if not sys.stdin.isatty():
        raise LoratuiError(
            "No terminal",
            "The screen needs a keyboard, and standard input is not a terminal.",
            "Use --headless, or `loratui diagnose`.",
        )
    import gc

    gc.disable()  # importing leaves no garbage; the app switches it on after its first screen
    if session is not None:
        session.start()  # reads the end of the log while the screen is being imported
    from loratui.paths import state_folder
    from loratui.ui.app import run
    from loratui.ui.options import UiOptions

    options = UiOptions(
        remote=switches.get("remote"),
        low_bandwidth=bool(switches.get("low_bandwidth")),
        plain=switches.get("plain") or None,
        colour=False if switches.get("plain") else None,
        title=title,
        begin=begin,
        symptom=symptom,
        knowledge=knowledge,
        discover=box,
        open_run=_open_run,
        state=state_folder(),
    )
    try:
        code = run(session, options)
    finally:
        if session is not None:
            session.stop()
    if code:
        sys.exit(code)


class Box:
    """Finds runs on this box; what it learnt at one look serves the next."""

    def __init__(self) -> None:
        self._discovery: Discovery | None = None

    def __call__(self) -> Discovered:
        from loratui.engine.discovery import Discovery

        if self._discovery is None:
            self._discovery = Discovery()
        return self._discovery.look(_gpu_readings(), LOOK)


box = Box()


def _gpu_readings() -> tuple[GpuReading, ...]:
    """The GPUs with their processes; none where the driver does not answer soon."""
    import time

    from loratui.engine.gpus import LocalGpus

    gpus = LocalGpus()
    gpus.start()
    until = time.monotonic() + DRIVER
    while time.monotonic() < until:
        machine = gpus.latest()
        if machine.gpus or machine.note:
            break
        time.sleep(0.02)
    gpus.stop()
    return gpus.latest().gpus


def _open_run(choice: Choice) -> Session:
    from loratui.engine.choices import open_choice
    from loratui.engine.gpus import LocalGpus

    run = choice.found
    disk = (run.checkpoints or run.output_dir or run.folder or None) if run is not None else None
    return open_choice(choice, knowledge, lambda own: LocalGpus(own, disk), _evidence())


def stream(session: Session, switches: dict[str, Any], *, errors: bool = False) -> None:
    """Play a source without a screen; findings are printed once each as they appear.

    With `errors` they go to standard error.
    """
    from loratui.engine.headless import stream

    for line in stream(session, as_json=bool(switches.get("as_json"))):
        click.echo(line, err=errors)
