"""Where a run keeps things: what its command line, and the configuration that this names, say.

Both are read by `loratui.configs`, as everywhere. Here are the bounds: whoever started the process
chose the files, and they may be devices, huge, or on a disk that never answers.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from loratui.configs import command, files
from loratui.configs.base import ConfigFile
from loratui.configs.layouts import kohya, layout
from loratui.configs.layouts.common import flat
from loratui.configs.recognise import recognise
from loratui.configs.settings import listed
from loratui.core.running import Process
from loratui.engine.discovery import jobs
from loratui.engine.discovery.events import newest_events, open_events
from loratui.engine.discovery.named import Named
from loratui.machine.running import Processes

MOST = 1 << 18
"""Bytes of a configuration file that is read."""

_KEPT = 64  # files that are kept read
_SLACK = 60.0  # seconds that a file may be older than its run: clocks of mounts differ
_ENDINGS = (".toml", ".yaml", ".yml", ".json", ".env")

Here = Callable[[str], str]
"""A path as the process writes it, as one that can be opened from here; empty if there is none."""


class Places:
    """Reads what runs name; a file is read again when it changes."""

    def __init__(self, system: Processes) -> None:
        self._system = system
        self._files: dict[str, tuple[object, ConfigFile]] = {}
        self._jobs: dict[tuple[str, str], str] = {}

    def of(self, process: Process, trainer: str) -> Named:
        """What the run of this process names."""
        here = self._here(process)
        sources = self._sources(process, trainer, here)
        settings = listed(sources)
        own = layout(trainer or recognise(settings)) or kohya
        output = own.output(settings)
        folders = [
            here(setting.value)
            for setting in flat(settings).values()
            if setting.general in own.FOLDERS and isinstance(setting.value, str)
        ]
        configs = tuple(source.path for source in sources if source.path)
        log = here(output.log)
        if not log and output.beside and configs:
            log = os.path.join(os.path.dirname(configs[0]), output.beside)
        logging, samples = here(output.logging), here(output.samples)
        events = here(open_events(process.files or {}))
        since = process.started - _SLACK
        return Named(
            name=self._job(process, here(output.jobs)) or output.name,
            configs=configs,
            output=here(output.folder),
            logging=logging,
            datasets=tuple(dict.fromkeys(folder for folder in folders if folder)),
            samples=samples if samples and os.path.isdir(samples) else "",
            checkpoints=here(output.checkpoints),
            events=events or newest_events(logging, since),
            log=_written(log, since),
        )

    def _here(self, process: Process) -> Here:
        def here(path: str) -> str:
            if not path or not (os.path.isabs(path) or process.folder):
                return ""
            full = os.path.normpath(os.path.join(process.folder, path))
            return self._system.path(process.pid, full)

        return here

    def _sources(self, process: Process, trainer: str, here: Here) -> list[ConfigFile]:
        """The command line, and the files that it names, or that the trainer reads unasked."""
        found = [command.read(process.command)]
        own = layout(trainer)
        unnamed = getattr(own, "unnamed", None)
        for name in unnamed(process.environment) if unnamed is not None else ():
            if _stamp(here(name)) is not None:
                found.append(self._read(Path(here(name))))
                break

        def find(name: str) -> Path:
            path = here(name)
            # sd-scripts and musubi-tuner add the ending themselves
            added = f"{path}.toml"
            return Path(path if path.endswith(_ENDINGS) or _stamp(added) is None else added)

        return found + files.companions(found, process.folder, find=find, reader=self._read)

    def _read(self, path: Path) -> ConfigFile:
        """A file's settings; none where it is no plain file of a sensible size."""
        name = str(path)
        stamp = _stamp(name)
        if stamp is None:
            return ConfigFile(name)
        known = self._files.get(name)
        if known is None or known[0] != stamp:
            if len(self._files) >= _KEPT:
                self._files.clear()
            known = self._files[name] = (stamp, files.read(path))
        return known[1]

    def _job(self, process: Process, database: str) -> str:
        """What a web interface calls the run; asked until it has been told once."""
        number = process.environment.get(jobs.VARIABLE, "")
        key = database, number
        if number and database and not self._jobs.get(key):
            if len(self._jobs) >= _KEPT:
                self._jobs.clear()
            self._jobs[key] = jobs.name_of(database, number)
        return self._jobs.get(key, "")


def _stamp(path: str) -> tuple[int, int] | None:
    """What changes when a file changes; None for what is no plain file of a sensible size."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST:
        return None
    return status.st_mtime_ns, status.st_size


def _written(path: str, since: float) -> str:
    """A file that was written after `since`, else nothing."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ""
    return path if stat.S_ISREG(status.st_mode) and status.st_mtime > since else ""
