"""One look at the box after the other: processes, families, logs, then files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from loratui.core.facts import GpuReading
from loratui.core.running import Discovered, FoundRun, LogPlace, Process
from loratui.engine.discovery import devices, families, recognise
from loratui.engine.discovery.families import Candidate
from loratui.engine.discovery.logs import Logs
from loratui.engine.discovery.named import Named
from loratui.engine.discovery.panes import Pane, panes
from loratui.engine.discovery.patience import Asker, Patience, Question
from loratui.machine.running import Processes, processes

if TYPE_CHECKING:
    from loratui.engine.discovery.places import Places

_REMEMBERED = 16  # runs that are over
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
        self._names: dict[Identity, Named] = {}
        self._reading: Places | None = None

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
        names = self._named(asker, by_pid)
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
        trainer, starter = recognise.whose(
            recognise.program(process.command),
            process.folder,
            lambda folder: os.path.isdir(self._system.path(pid, folder)),
        )
        if not trainer:
            if pid not in listed or not recognise.may_train(process.command, process.folder):
                return None
            computes = devices.computes(process)
            if not computes and not (computes is None and self._system.numbers_are_real()):
                return None  # the driver's number is another process's in a container
        return Candidate(process, trainer, self._system.above(pid), starter)

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

    def _named(self, asker: Asker, runs: dict[int, Run]) -> dict[int, Named]:
        """What each run names, where nothing answers what it named before.

        What reads it is loaded once there is a run, which may take long as well.
        """
        if self._reading is None and runs:
            self._reading = asker.all("reader", [""], lambda _: self._reader()).get("")
        places = self._reading
        if places is None:
            return {}
        first = {pid: run[0] for pid, run in runs.items()}
        told = asker.all(
            "files", first, lambda pid: places.of(first[pid].process, first[pid].trainer)
        )
        before = self._names
        self._names = {
            _identity(run.process): names
            for pid, run in first.items()
            if (names := told.get(pid) or before.get(_identity(run.process))) is not None
        }
        return told

    def _reader(self) -> Places:
        from loratui.engine.discovery.places import Places

        return Places(self._system)

    def _found(
        self,
        run: Run,
        places: tuple[LogPlace, LogPlace | None],
        names: Named | None,
        own: devices.Devices,
    ) -> FoundRun:
        process, log = run[0].process, places[0]
        left_out = () if names is not None else ("The folders that it names did not answer.",)
        names = names or self._names.get(_identity(process)) or Named()
        if log.kind == "none" and names.log:
            log = LogPlace("file", names.log, "The trainer keeps this log itself.")
        return FoundRun(
            pid=process.pid,
            started=process.started,
            trainer=run[0].trainer,
            name=names.name,
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
            configs=names.configs,
            output_dir=names.output,
            logging_dir=names.logging,
            dataset_dirs=names.datasets,
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


def _left_out(question: Question) -> str:
    topic, key = question
    if topic == "list":
        return "The list of processes did not come in time."
    if topic == "reader":
        return "What reads configuration files was not loaded in time."
    what = {"log": "The log of process", "files": "The files of process"}.get(topic, "Process")
    return f"{what} {key} did not answer in time."
