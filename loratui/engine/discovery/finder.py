"""One look at the box after the other: processes, families, logs, then files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from loratui.core.facts import GpuReading
from loratui.core.running import Discovered, FoundRun, LogPlace, Process
from loratui.engine.discovery import configs, devices, families, recognise
from loratui.engine.discovery.families import Candidate
from loratui.engine.discovery.logs import Logs
from loratui.engine.discovery.panes import Pane, panes
from loratui.engine.discovery.patience import Asker, Patience, Question
from loratui.engine.discovery.places import Named, named, newest_events, open_events
from loratui.machine.running import Processes, processes

_REMEMBERED = 16  # runs that are over
_FILES = 64  # configuration files that are kept read
_SLACK = 60.0  # seconds that a file may be older than its run: clocks of mounts differ
_NO_ANSWER = LogPlace(reason="The system did not answer in time.", cause="no-answer")

Run = tuple[Candidate, ...]
Identity = tuple[int, float]


class Discovery:
    """Keeps between looks what does not change, what hangs, and which runs are over by now."""

    def __init__(
        self,
        system: Processes | None = None,
        panes: Callable[[], Iterable[Pane]] = panes,
    ) -> None:
        self._system = system or processes()
        self._panes = panes
        self._lock = threading.Lock()  # whoever looks at the same time waits for the other
        self._patience = Patience()
        self._runs: dict[Identity, FoundRun] = {}
        self._members: dict[Identity, set[Identity]] = {}
        self._logs: dict[Identity, tuple[object, tuple[LogPlace, LogPlace | None]]] = {}
        self._configs: dict[str, tuple[object, dict[str, Any]]] = {}

    def look(self, gpus: Sequence[GpuReading] = (), deadline: float = 0.3) -> Discovered:
        """All runs now, and those seen before that are over. Takes at most `deadline` seconds.

        Of what does not answer in a third of that, the answer is left out and not waited for
        again until it comes. Order: live before over, recognised trainers before other Python
        programs, on a GPU before not, then the one started last.
        """
        with self._lock:
            return self._look(gpus, self._patience.asker(deadline))

    def _look(self, gpus: Sequence[GpuReading], asker: Asker) -> Discovered:
        system = self._system
        pids = asker.all("list", ["processes"], lambda _: system.pids()).get("processes", [])
        commands = asker.all("process", pids, system.command)
        runs = families.runs(self._candidates(asker, commands, devices.listed(gpus)), commands)
        logs = Logs(system, commands, self._panes)
        by_pid = {run[0].pid: run for run in runs}
        places = asker.all("log", by_pid, lambda pid: self._places(logs, by_pid[pid][0]))
        names = asker.all("files", by_pid, lambda pid: self._named(by_pid[pid][0]))
        real = system.numbers_are_real()
        found = [
            self._found(
                run,
                places.get(pid, (_NO_ANSWER, None)),
                names.get(pid),
                devices.devices([c.process for c in run], gpus, numbers_are_real=real),
            )
            for pid, run in by_pid.items()
        ]
        members = {
            _identity(run[0].process): {_identity(candidate.process) for candidate in run}
            for run in runs
        }
        self._remember(found, members, asker)
        ordered = sorted(self._runs.values(), key=_order)
        return Discovered(tuple(ordered), tuple(map(_left_out, asker.unanswered)))

    def _candidates(
        self, asker: Asker, commands: dict[int, tuple[str, ...]], listed: Collection[int]
    ) -> list[Candidate]:
        own = self._system.own()
        near = [
            pid
            for pid, command in commands.items()
            if pid not in own
            and (recognise.likely(command) or (pid in listed and recognise.may_train(command)))
        ]
        answers = asker.all("run", near, lambda pid: self._candidate(pid, listed))
        return [candidate for candidate in answers.values() if candidate is not None]

    def _candidate(self, pid: int, listed: Collection[int]) -> Candidate | None:
        """A process looked at closely; None when it is no run after all."""
        process = self._system.process(pid)
        if process is None or process.over:
            return None
        program = recognise.program(process.command)
        trainer = recognise.trainer(program, process.folder, lambda f: self._is_checkout(pid, f))
        if not trainer:
            if pid not in listed or not recognise.may_train(process.command, process.folder):
                return None
            computes = devices.computes(process)
            if not computes and not (computes is None and self._system.numbers_are_real()):
                return None  # the driver's number is another process's in a container
        return Candidate(process, trainer, self._system.above(pid))

    def _is_checkout(self, pid: int, folder: str) -> bool:
        """Whether a folder is ai-toolkit's, by what is in it, else by its name."""
        inside = self._system.path(pid, folder) if folder.startswith("/") else folder
        name = os.path.basename(folder.rstrip("/")).lower().replace("_", "-")
        return name.startswith("ai-toolkit") or all(
            os.path.isdir(os.path.join(inside, part)) for part in ("toolkit", "jobs")
        )

    def _places(self, logs: Logs, run: Candidate) -> tuple[LogPlace, LogPlace | None]:
        process = run.process
        opened = process.files or {}
        state = (process.files is None, opened.get(1), opened.get(2))
        known = self._logs.get(_identity(process))
        # a pane may move, and what could not be read may have become readable
        if known and known[0] == state and _still_readable(known[1][0]):
            return known[1]
        places = logs.places(process, run.trainer)
        self._logs[_identity(process)] = (state, places)
        return places

    def _named(self, run: Candidate) -> Named:
        """What a run names, as paths that can be opened from here; nothing that is not there."""
        process = run.process

        def here(path: str) -> str:
            if not path or not (path.startswith("/") or process.folder):
                return ""
            full = os.path.normpath(os.path.join(process.folder, path))
            return self._system.path(process.pid, full)

        names = named(
            run.trainer,
            recognise.program(process.command),
            lambda path: self._read(here(path)),
        )
        names.configs = [full for full in map(here, names.configs) if full]
        names.datasets = [full for full in map(here, names.datasets) if full]
        names.output, names.logging = here(names.output), here(names.logging)
        names.samples, names.checkpoints = _folder(here(names.samples)), here(names.checkpoints)
        names.log = _file(here(names.log))
        events = open_events(process.files or {})
        names.events = here(events) or newest_events(names.logging, process.started - _SLACK)
        return names

    def _read(self, path: str) -> dict[str, Any]:
        stamp = configs.stamp(path) if path else None
        if stamp is None:
            return {}
        known = self._configs.get(path)
        if known is None or known[0] != stamp:
            if len(self._configs) >= _FILES:
                self._configs.clear()
            known = self._configs[path] = (stamp, configs.read(path))
        return known[1]

    def _found(
        self,
        run: Run,
        places: tuple[LogPlace, LogPlace | None],
        names: Named | None,
        own: devices.Devices,
    ) -> FoundRun:
        process, log = run[0].process, places[0]
        left_out = () if names is not None else ("The folders that it names did not answer.",)
        names = names or Named()
        if log.kind == "none" and names.log:
            log = LogPlace("file", names.log, "The command line names this log.")
        return FoundRun(
            pid=process.pid,
            started=process.started,
            trainer=run[0].trainer,
            command=process.command,
            folder=process.folder,
            user=process.user,
            ranks=tuple(candidate.pid for candidate in run),
            foreign=process.foreign,
            on_gpu=own.reason == devices.LISTED
            or any(devices.computes(candidate.process) for candidate in run),
            gpus=own.uuids,
            gpu_indices=own.indices,
            gpu_reason=own.reason,
            log=log,
            other_log=places[1],
            configs=tuple(names.configs),
            output_dir=names.output,
            logging_dir=names.logging,
            dataset_dirs=tuple(names.datasets),
            events=names.events,
            samples=names.samples,
            checkpoints=names.checkpoints,
            left_out=left_out,
        )

    def _remember(
        self, found: Sequence[FoundRun], members: dict[Identity, set[Identity]], asker: Asker
    ) -> None:
        """Take the new list; of runs that were in the old one only, say whether they are over."""
        now = {(run.pid, run.started): run for run in found}
        seen = {identity for ranks in members.values() for identity in ranks}
        unsure = {key for _topic, key in asker.unanswered}
        for identity, run in self._runs.items():
            if self._members[identity] & seen:
                continue  # still there, perhaps with another rank as its first
            members[identity] = self._members[identity]
            if not run.live:
                now[identity] = run
            elif "processes" in unsure or unsure & set(run.ranks):
                now[identity] = replace(run, left_out=("It did not answer this time.",))
            else:
                now[identity] = replace(run, live=False, on_gpu=False)
        over = sorted((run for run in now.values() if not run.live), key=lambda run: -run.started)
        for run in over[_REMEMBERED:]:
            del now[(run.pid, run.started)]
        self._runs, self._members = now, members
        self._logs = {key: value for key, value in list(self._logs.items()) if key in now}


def _identity(process: Process) -> Identity:
    return process.pid, process.started


def _order(run: FoundRun) -> tuple[bool, bool, bool, float]:
    return not run.live, not run.trainer, not run.on_gpu, -run.started


def _still_readable(log: LogPlace) -> bool:
    return log.kind in ("file", "tee") and os.access(log.where, os.R_OK)


def _folder(path: str) -> str:
    return path if path and os.path.isdir(path) else ""


def _file(path: str) -> str:
    return path if path and os.path.isfile(path) else ""


def _left_out(question: Question) -> str:
    topic, key = question
    if topic == "list":
        return "The list of processes did not come in time."
    what = {"log": "The log of process", "files": "The files of process"}.get(topic, "Process")
    return f"{what} {key} did not answer in time."
