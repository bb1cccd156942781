"""TensorBoard's event files, read as they grow, without TensorBoard.

One `EventFile` reads one file, an `EventFolder` all below a folder, in the order in which they
were begun. Names of series are the tags as written; beside them stands `wall_time` (seconds since
the epoch), with the steps of the first tag of each file.

**Restarts.** Order is kept and nothing is withheld: a resumed run writes a later file (or goes on
in the same one) with lower steps, so a series whose next event begins at a lower step than its
last replaces the points from there on. That is TensorBoard's own rule, which drops points at or
after the step of a `SessionLog.START`; the mark itself carries no point and is not passed on.
Files of one folder may have different writers, so compare steps by `Metrics.name` and, across
folders, by `Metrics.source`, which is the file.

A poll may be empty although there is more, behind pictures or damage: `share` is None at the end.
"""

from __future__ import annotations

import re
import struct
import time
from pathlib import Path

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Metrics, SourceChange
from loratui.sources.columns import MOST, Add, Series
from loratui.sources.folders import Finder
from loratui.sources.growing import BLOCK, BUDGET, Growing, share_of
from loratui.sources.summaries import read_event, usual
from loratui.sources.tfrecord import (
    DELTA,
    FRAME,
    HEADER,
    MASK,
    PLAUSIBLE,
    crc32c,
    length_at,
    masked,
    next_header,
)

_LARGE = 4 * 1024 * 1024  # a greater record is pictures or text and is not read at all
_SEARCH = 32 * 1024  # bytes searched at once for a header: each candidate costs a checksum
_RESCAN = 2.0  # seconds between two looks for new files
_PROBLEMS = 50
_BEGUN = re.compile(r"tfevents\.(\d+)")
_END = struct.Struct("<fI")  # the value and the checksum at the end of a plain record
_CRC = struct.Struct("<I")
_TIME = struct.Struct("<d")
_MORE, _BAD_LENGTH, _BAD_DATA = range(3)


class EventFile:
    """One event file. `problems` holds (path, sentence) for what could not be read."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self.problems: list[tuple[str, str]] = []
        self._file = Growing(path, clock)
        self._forget()

    def _forget(self) -> None:
        self._lengths: dict[bytes, int] = {}  # header to length: its checksum is computed once
        self._plain: dict[bytes, Add] = {}  # bytes between step and value to their columns
        self._series: dict[bytes, Series] = {}
        self._plugins: dict[bytes, bytes] = {}
        self._searched = -1  # damage begins at the position and was searched up to here
        self._searching = False
        self._told = -1
        self._malformed = False
        self._crowded = False

    def poll(self, until: float | None = None) -> list[Metrics | SourceChange]:
        """New points by tag; ends by `until` (of `time.perf_counter`), after a block at least."""
        until = time.perf_counter() + BUDGET if until is None else until
        found: list[Metrics | SourceChange] = list(self._file.open())
        if self._file.restarted:
            self._forget()
        if not self._file.readable:
            return found
        trouble: list[SourceChange] = []
        try:
            while self._advance() and time.perf_counter() < until:
                pass
        except OSError as error:
            trouble = self._file.failed(error)
        finally:
            self._file.shut()
        for series in self._series.values():
            found += series.take(self.name)
        return found + trouble

    def _advance(self) -> bool:
        """Read a block or one large record, or search one; whether there may be more at once."""
        file = self._file
        if self._searching:
            return self._search()
        block = file.read(file.position, BLOCK)
        used, verdict = self._take(block, file.position)
        file.position += used
        if used:
            self._searched = -1
        if verdict == _BAD_LENGTH:
            self._searched = max(self._searched, file.position + 1)
            return self._search()
        if verdict == _BAD_DATA:
            return self._skip_bad(block, used)
        if len(block) < BLOCK:
            file.settled = True
            return False
        return used > 0 or self._take_large(block)

    def _take_large(self, block: bytes) -> bool:
        """The record at the position is longer than a block."""
        file = self._file
        length = length_at(block, 0)
        assert length is not None
        if file.position + FRAME + length > file.size:
            file.settled = True
            return False
        if length <= _LARGE:
            used, verdict = self._take(file.read(file.position, FRAME + length), file.position)
            if verdict == _BAD_DATA:
                return self._skip_bad(block, used)
            if not used:  # the file shrank just now
                return False
            file.position += used
        else:
            file.position += FRAME + length
        return True

    def _take(self, block: bytes, base: int) -> tuple[int, int]:
        """Use all whole records of `block`, which begins at byte `base` of the file.

        The usual record holds wall time, step and one simple value, in this order and at the very
        end; what stands between step and value is then the same for each record of a tag, and a
        look-up of it replaces the decoding.
        """
        checksum, lengths, plain = crc32c(), self._lengths, self._plain
        last, unpack_end, unpack_time = len(block) - FRAME, _END.unpack_from, _TIME.unpack_from
        at = 0
        while at <= last:
            head = block[at : at + HEADER]
            length = lengths.get(head, -1)
            if length < 0:
                known = length_at(block, at)
                if known is None:
                    return at, _BAD_LENGTH
                if len(lengths) > MOST:
                    lengths.clear()
                length = lengths[head] = known
            stop = at + HEADER + length
            if stop > len(block) - 4:
                break
            data = block[at + HEADER : stop]
            crc = checksum(data)
            if length < 16:
                value, stored = 0.0, _CRC.unpack_from(block, stop)[0]
            else:
                value, stored = unpack_end(block, stop - 4)
            if ((crc >> 15 | crc << 17) + DELTA) & MASK != stored:
                return at, _BAD_DATA
            add = None
            if length >= 16 and data[9] == 0x10 and data[0] == 0x09:
                step = data[10]
                if step < 0x80:
                    add = plain.get(data[11:-4])
                else:
                    second = data[11]
                    if second < 0x80:
                        step += (second << 7) - 0x80
                        add = plain.get(data[12:-4])
                    else:
                        third = data[12]
                        if third < 0x80:
                            step += (second << 7) + (third << 14) - 0x4080
                            add = plain.get(data[13:-4])
            if add is None:
                self._decode(data, base + at)
            else:
                add[0](step)
                add[1](value)
                add[2](base + at)
                if add[3] is not None:
                    add[3](unpack_time(data, 1)[0])
            at = stop + 4
        return at, _MORE

    def _decode(self, data: bytes, offset: int) -> None:
        """Any event at all; remembers the tags whose records are of the usual form."""
        try:
            event = read_event(data, self._plugins)
        except ValueError:
            if not self._malformed:
                self._malformed = True
                self._tell(f"Record at byte {offset} is whole but no event; such are left out.")
            return
        for tag, value in event.scalars:
            series = self._series.get(tag)
            if series is None:
                if len(self._series) >= MOST:
                    if not self._crowded:
                        self._crowded = True
                        self._tell(f"More than {MOST} tags; the others are left out.")
                    continue
                name = tag.decode("utf-8", "replace")
                series = self._series[tag] = Series(name, timed=not self._series)
            series.add[0](event.step)
            series.add[1](value)
            series.add[2](offset)
            if series.add[3] is not None:
                series.add[3](event.wall_time)
            key = usual(tag)
            if key is not None and data.endswith(key, 0, len(data) - 4):
                self._plain[key] = series.add

    # damage

    def _skip_bad(self, block: bytes, at: int) -> bool:
        """The length fits, the data do not: look behind it first, then anywhere."""
        length = length_at(block, at)
        assert length is not None
        self._searched = max(self._searched, self._file.position + FRAME + length)
        return self._search()

    def _search(self) -> bool:
        """Look for the next whole record after the position, a small block at a time.

        Until there is one the position stays, and is tried again when the file changes: on a
        network mount the end of a file may show zeros until its data arrive.
        """
        file, begin = self._file, self._searched
        block = file.read(begin, _SEARCH)
        found = next_header(block)
        if found is not None:
            at = begin + found
            self._searched, self._searching = at + 1, True
            if self._whole(at, block[found : found + HEADER]):
                self._tell_damage(f"to {at} (checksum); reading goes on there.")
                file.position, self._searched, self._searching = at, -1, False
            return True
        self._searched = max(begin, begin + len(block) - HEADER + 1)
        self._searching = len(block) == _SEARCH
        if not self._searching:
            self._tell_damage("on (checksum); waiting for more.")
            file.settled = True
        return self._searching

    def _whole(self, at: int, header: bytes) -> bool:
        """Whether the record with this good header has good data too, as far as they are there."""
        length = length_at(header, 0)
        if length is None or length > PLAUSIBLE:
            return False
        data = self._file.read(at + HEADER, length + 4)
        if len(data) < length + 4:
            return True
        return masked(data[:length]) == int(_CRC.unpack_from(data, length)[0])

    def _tell_damage(self, rest: str) -> None:
        if self._told != self._file.position:
            self._told = self._file.position
            self._tell(f"Damaged from byte {self._told} {rest}")

    def _tell(self, sentence: str) -> None:
        entry = (self.name, sentence)
        if entry not in self.problems and len(self.problems) < _PROBLEMS:
            self.problems.append(entry)

    @property
    def missing(self) -> bool:
        """Whether the file was not there at the last poll, which has been said."""
        return self._file.missing

    @property
    def backlog(self) -> tuple[int, int]:
        """Bytes read and bytes to read of what was there at first; equal while there is no more."""
        return self._file.backlog

    def share(self) -> float | None:
        return share_of([self.backlog])

    def over(self) -> bool:
        return False

    def close(self) -> None:
        self._file.shut()


class EventFolder:
    """All event files below `path`, by the time in their names; new ones are noticed."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self._clock = clock or SystemClock()
        self._finder = Finder(path, lambda name: "tfevents" in name, _RESCAN, self._clock)
        self._files: dict[Path, EventFile] = {}
        self._order: list[Path] = []
        self._next: Path | None = None  # where the last poll ran out of time

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(path, sentence) for each file or folder that could not be read."""
        found = list(self._finder.problems)
        for file in self._files.values():
            found += file.problems
        return found

    def poll(self) -> list[Metrics | SourceChange]:
        until = time.perf_counter() + BUDGET
        found: list[Metrics | SourceChange] = list(self._finder.poll(until))
        if self._finder.news:
            self._sort(self._finder.take())
        if not self._finder.ready:
            return found
        begin = self._order.index(self._next) if self._next in self._files else 0
        self._next = None
        for path in self._order[begin:] + self._order[:begin]:
            if time.perf_counter() >= until:
                self._next = path
                break
            found += self._files[path].poll(until)
        return found

    def _sort(self, paths: set[Path]) -> None:
        for path in [path for path, file in self._files.items() if file.missing]:
            if path not in paths:
                self._files.pop(path).close()
        for path in paths:
            if path not in self._files:
                self._files[path] = EventFile(path, self._clock)
        self._order = sorted(self._files, key=_begun)

    def share(self) -> float | None:
        if self._finder.busy:
            return 0.0
        return share_of([file.backlog for file in self._files.values()])

    def over(self) -> bool:
        return False

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def _begun(path: Path) -> tuple[int, str]:
    """Seconds since the epoch in the file's name, which its writer put there at its start."""
    match = _BEGUN.search(path.name)
    return (int(match[1][:18]) if match else 0, str(path))
