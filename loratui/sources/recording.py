"""Recorded runs: what a source gave and what the GPU showed, each with its time, as lines of JSON.

First line: `{"schema": "loratui.recording/1", "name": …, "title": …, "simulated_gpu": …}`. Then
`{"t": seconds, "text": …}` (or `"bytes"` in base64 where they are no UTF-8) and
`{"t": seconds, "gpu": {…}}`, in order of `t`. A file named `*.gz` is compressed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, SourceChange
from loratui.core.facts import GpuProcess, GpuReading, Machine
from loratui.errors import LoratuiError

SCHEMA = "loratui.recording/1"


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording is: `title` is one line for people, `origin` says where it comes from."""

    name: str = ""
    title: str = ""
    origin: str = ""
    simulated_gpu: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording in memory: (time in seconds, bytes or machine state), in order."""

    header: Header
    entries: tuple[tuple[float, bytes | Machine], ...]

    @property
    def length(self) -> float:
        """Seconds from the first to the last entry."""
        return self.entries[-1][0] if self.entries else 0.0


def read(path: Path) -> Recording:
    """Read a recording; a broken line names the file and its number."""
    try:
        with _open(path, "rt") as file:
            lines = enumerate(file, 1)
            number, first = next(lines, (1, ""))
            found = _parse(path, number, first)
            if found.get("schema") != SCHEMA:
                raise LoratuiError(
                    "Not a recording",
                    f"{path}, line 1: no {SCHEMA} header.",
                    "Recordings are made by `loratui watch --record FILE`.",
                )
            known = {field.name for field in fields(Header)}
            header = Header(**{key: value for key, value in found.items() if key in known})
            entries = tuple(_entries(path, lines, header.simulated_gpu))
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LoratuiError("Not readable", f"{path}: {reason}.", "Check the path.") from None
    return Recording(header, entries)


def _entries(
    path: Path, lines: Iterator[tuple[int, str]], simulated: bool
) -> Iterator[tuple[float, bytes | Machine]]:
    for number, line in lines:
        if not line.strip():
            continue
        found = _parse(path, number, line)
        time = float(found.get("t", 0.0))
        if "gpu" in found:
            yield time, machine_from(found["gpu"], simulated=simulated, time=time)
        elif "text" in found:
            yield time, str(found["text"]).encode()
        elif "bytes" in found:
            yield time, base64.b64decode(found["bytes"])


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise LoratuiError(
            "Broken recording", f"{path}, line {number}: {error}.", "Record the run again."
        ) from None
    return found if isinstance(found, dict) else {}


def _open(path: Path, mode: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, mode, encoding="utf-8")  # type: ignore[return-value]
    return path.open(mode.replace("t", ""), encoding="utf-8")


def machine_from(found: dict[str, Any], *, simulated: bool, time: float) -> Machine:
    """A machine state from its JSON form."""
    gpus = []
    for reading in found.get("gpus", ()):
        values = dict(reading)
        if values.get("throttle") is not None:
            values["throttle"] = tuple(values["throttle"])
        if values.get("capability") is not None:
            values["capability"] = tuple(values["capability"])
        if values.get("processes") is not None:
            values["processes"] = tuple(GpuProcess(**each) for each in values["processes"])
        gpus.append(GpuReading(**values))
    return Machine(
        tuple(gpus),
        found.get("driver"),
        found.get("cuda"),
        found.get("note", ""),
        simulated,
        time,
    )


class Writer:
    """Appends a recording line by line, so that a recording cut short is still one."""

    def __init__(self, path: Path, header: Header) -> None:
        self._file = _open(path, "wt")
        self._line({"schema": SCHEMA, **asdict(header)})

    def data(self, time: float, data: bytes) -> None:
        """Bytes that arrived `time` seconds after the start."""
        try:
            self._line({"t": round(time, 3), "text": data.decode()})
        except UnicodeDecodeError:
            self._line({"t": round(time, 3), "bytes": base64.b64encode(data).decode()})

    def machine(self, time: float, machine: Machine) -> None:
        """The machine `time` seconds after the start; readings that are missing are left out."""
        gpus = [
            {k: v for k, v in asdict(gpu).items() if v is not None and v is not False and v != ""}
            for gpu in machine.gpus
        ]
        state = {"gpus": gpus, "driver": machine.driver, "cuda": machine.cuda, "note": machine.note}
        self._line({"t": round(time, 3), "gpu": state})

    def close(self) -> None:
        self._file.close()

    def _line(self, value: dict[str, Any]) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


class Replay:
    """A recording as a source: gives out what is due at `speed` times its own pace.

    A speed of 0 gives everything at once.
    """

    def __init__(
        self, recording: Recording, speed: float = 1.0, clock: Clock | None = None
    ) -> None:
        self.name = recording.header.name or "recording"
        self.machine = Machine(note="waiting for the first reading")
        self._entries = recording.entries
        self._speed = speed
        self._clock = clock or SystemClock()
        self._begin: float | None = None
        self._next = 0
        self._offset = 0

    def poll(self) -> list[Batch | SourceChange]:
        now = self._clock.now()
        if self._begin is None:
            self._begin = now
        due = (now - self._begin) * self._speed if self._speed else float("inf")
        found: list[Batch | SourceChange] = []
        while self._next < len(self._entries) and self._entries[self._next][0] <= due:
            time, entry = self._entries[self._next]
            self._next += 1
            if isinstance(entry, Machine):
                self.machine = entry
            else:
                found.append(Batch(self.name, self._offset, entry, time, fresh=True))
                self._offset += len(entry)
            if len(found) >= 64:
                break
        if self.over() and found:
            found.append(SourceChange(self.name, "end", now, "The recording is over."))
        return found

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return self._next >= len(self._entries)

    def close(self) -> None:
        """Nothing is open."""
