"""The runs that can be watched: those found on this box, and logs watched before."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loratui.core.running import Discovered, FoundRun
from loratui.core.snapshot import Status
from loratui.engine.attach import Found, look_at
from loratui.engine.configuration import Configuration
from loratui.engine.discovery.patience import Patience
from loratui.engine.followers import Followers, Silence, opened
from loratui.engine.glimpse import glimpse
from loratui.engine.process import RunProcess
from loratui.engine.session import Session
from loratui.errors import LoratuiError
from loratui.machine.system import system
from loratui.sources.artefacts import Artefacts
from loratui.sources.base import Source

if TYPE_CHECKING:
    from loratui.engine.evidence import EvidenceFolder
    from loratui.engine.gpus import MachineFeed
    from loratui.engine.session import Load

_LONGEST = 60
_DULL = frozenset(("out", "output", "outputs", "model", "models", "logs", "log", "run", "results"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A run to choose. `place` says where its output is read, `reason` why it cannot be, `status`
    how far it is, once somebody has looked.

    Texts come from the system and may hold anything.
    """

    key: str
    title: str
    trainer: str = ""
    detail: str = ""
    place: str = ""
    reason: str = ""
    live: bool = False
    readable: bool = True
    found: FoundRun | None = None
    path: str = ""
    status: Status | None = None


def choices(found: Discovered, recent: Iterable[str] = (), wait: float = 0.2) -> list[Choice]:
    """Live runs first, then those that are over, then logs watched before that are still there.

    Nobody waits longer than `wait` seconds for a folder that does not answer.
    """
    listed = [_of_run(run) for run in found.runs if run.trainer or run.live]
    known = {choice.path for choice in listed if choice.path}
    asker = Patience().asker(wait)
    there = asker.all("recent", [path for path in recent if path not in known], _exists)
    listed += [
        Choice(f"path:{path}", _name(path), detail="watched before", path=path)
        for path, exists in there.items()
        if exists
    ]
    return listed


def with_status(listed: Iterable[Choice], wait: float = 1.0) -> list[Choice]:
    """The same with how far each run is, for those whose log answers within `wait` seconds."""
    listed = list(listed)
    asker = Patience().asker(wait)
    paths = {choice.path: None for choice in listed if choice.path and choice.readable}
    seen = asker.all("glimpse", paths, lambda path: glimpse(Path(path)))
    return [replace(choice, status=seen.get(choice.path)) for choice in listed]


def _exists(path: str) -> bool:
    return Path(path).exists()


def first_to_watch(listed: Iterable[Choice]) -> Choice | None:
    """The run to watch without asking: the only one that is live and whose trainer is known."""
    live = [choice for choice in listed if choice.live and choice.trainer]
    return live[0] if len(live) == 1 and live[0].readable else None


def open_choice(
    choice: Choice,
    load: Load | None,
    machine: Callable[[Collection[int] | None], MachineFeed] | None = None,
    evidence: EvidenceFolder | None = None,
) -> Session:
    """A session over the run; raises LoratuiError when its output cannot be read."""
    source, followers, configuration = _opened(choice)
    own, process = None, None
    if choice.found is not None:
        own = choice.found.gpu_indices
        if choice.live and not choice.found.foreign:
            process = RunProcess(choice.found.pid, choice.found.started, choice.found.ranks)
    return Session(
        source,
        load,
        path=source.name,
        machine=machine(own) if machine is not None else None,
        followers=followers,
        configuration=configuration,
        process=process,
        evidence=evidence,
        platform=system() if machine is not None else "",
    )


def _opened(choice: Choice) -> tuple[Source, Followers, Configuration]:
    run = choice.found
    if run is None:
        found = look_at(Path(choice.path))
        return *opened(found), Configuration(found.folder)
    # the command itself names its configuration; what lies in the folder may be another run's
    files = Configuration(Path(run.folder), [Path(path) for path in run.configs], run.command)
    return *_output(choice, run), files


def _output(choice: Choice, run: FoundRun) -> tuple[Source, Followers]:
    events = [Path(run.events)] if run.events else []
    places = [Path(place) for place in (run.checkpoints, run.samples, run.output_dir) if place]
    output = Artefacts(places, run.started) if places else None
    if run.log.kind in ("file", "tee"):
        found = look_at(Path(run.log.where))
        return opened(Found(found.log, events, found.top), None, output)
    if run.log.kind == "tmux":
        from loratui.sources.pane import PaneLog, tmux

        name = f"tmux pane {run.log.where}"
        source = PaneLog(name, tmux(run.log.where, run.log.socket))
        return source, Followers(events, output=output, certain=output is not None)
    if events:
        followers = Followers(events, output=output, certain=output is not None)
        return Silence(run.events, followers), followers
    raise LoratuiError("Cannot be watched", choice.reason, run.log.hint)


def _of_run(run: FoundRun) -> Choice:
    readable = run.log.kind != "none" or bool(run.events)
    place = run.log.where if run.log.kind != "none" else run.events
    parts = [f"PID {run.pid}", f"since {datetime.fromtimestamp(run.started):%d %b %H:%M}"]
    if run.gpu_indices:
        parts.append(f"GPU {', '.join(map(str, run.gpu_indices))}")
    if run.user:
        parts.append(run.user)
    if not run.live:
        parts.append("over")
    return Choice(
        key=f"pid:{run.pid}:{run.started:.0f}",
        title=_title(run),
        trainer=run.trainer,
        detail=" · ".join(parts),
        place=f"tmux pane {place}" if run.log.kind == "tmux" else place,
        reason="" if readable else f"{run.log.reason} {run.log.hint}".strip(),
        live=run.live,
        readable=readable,
        found=run,
        path=run.log.where if run.log.kind in ("file", "tee") else "",
    )


def _title(run: FoundRun) -> str:
    """What people know the run by: its name, its output folder, its configuration, its command."""
    for path in (run.name, run.output_dir, *run.configs, run.folder):
        name = Path(path).name
        if name and name.lower() not in _DULL:
            return name
    text = shlex.join(run.command)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _name(path: str) -> str:
    from loratui.engine.mailbox import title_of

    return title_of(path)
