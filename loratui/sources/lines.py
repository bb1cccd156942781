"""Rows of a text file that grows: whole lines, and a count of those that say nothing."""

from __future__ import annotations

import time
from pathlib import Path

from loratui.core.clock import Clock
from loratui.core.events import Metrics, SourceChange
from loratui.sources.columns import MOST, Table
from loratui.sources.growing import BUDGET, Growing, share_of

STEPS = (
    "step",
    "global_step",
    "steps",
    "iteration",
    "iter",
    "trainer/global_step",
    "train/global_step",
    "_step",
    "current_steps",
    "n_iter",
)
"""Names of the column of steps, the surest first; compared in lower case."""
LINE = 128 * 1024
"""Bytes of the longest line that is read; also what is read at once."""

_HEAD = 4096  # a header that has grown is seen in the first bytes


def whole(value: str | float) -> int | None:
    """A step, which some writers print as 12.0; None if it is none."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not abs(number) < 2**63 or number != int(number):
        return None
    return value if isinstance(value, int) else int(number)


class Rows:
    """What readers of rows share: which step a row has, and which rows were left out.

    A row without a step has the last one; where no row ever had one, its number, from 1.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.table = Table()
        self.trouble = ""  # why the file cannot be read at all
        self.number = 0
        self.step: int | None = None
        self._out = 0
        self._why = ""

    def next_step(self, given: int | None) -> int:
        """The step of the next row, for which the row itself says `given`."""
        self.number += 1
        if given is not None:
            self.step = given
        return self.number if self.step is None else self.step

    def leave_out(self, offset: int, why: str) -> None:
        """Count a row that says nothing; `why` follows its place."""
        self._out += 1
        self._why = self._why or f"byte {offset}: {why}"

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(path, sentence)."""
        found = []
        if self.trouble:
            found.append(self.trouble)
        if self._out:
            rows = "1 row was" if self._out == 1 else f"{self._out} rows were"
            found.append(f"{rows} left out; the first at {self._why}.")
        if self.table.crowded:
            found.append(f"More than {MOST} columns; the others are left out.")
        return [(self.name, sentence) for sentence in found]


class Lines:
    """Follows a file line by line; what a line means is said by `_line` of those built on it."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self._file = Growing(path, clock, _HEAD)
        self._rows = Rows(self.name)
        self._skipping = False

    def _forget(self) -> None:
        self._rows.forget()
        self._skipping = False

    def _line(self, line: bytes, offset: int) -> None:
        """Use one line, without its end."""
        raise NotImplementedError

    def _rest(self, rest: bytes, offset: int) -> bool:
        """Whether the last line, which has no end yet, is whole already; if so it is used."""
        return False

    def poll(self) -> list[Metrics | SourceChange]:
        until = time.perf_counter() + BUDGET
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
        return found + self._rows.table.take(self.name) + trouble

    def _advance(self) -> bool:
        """Read on; whether there may be more at once."""
        file = self._file
        block = file.read(file.position, LINE)
        more = len(block) == LINE
        file.settled = not more
        if self._rows.trouble:
            file.position += len(block)
        elif self._skipping:
            cut = block.find(b"\n") + 1
            file.position += cut or len(block)
            self._skipping = not cut
            file.settled = not more and not cut
            return more or cut > 0
        elif cut := block.rfind(b"\n") + 1:
            offset = file.position
            for line in block[:cut].split(b"\n")[:-1]:
                if line and not line.isspace() and not self._rows.trouble:
                    self._line(line, offset)
                offset += len(line) + 1
            file.position += cut
            if not more and self._rest(block[cut:], file.position):
                file.position += len(block) - cut
        elif more:
            self._rows.leave_out(file.position, f"a line of more than {LINE} bytes")
            file.position += len(block)
            self._skipping = True
        elif self._rest(block, file.position):
            file.position += len(block)
        return more

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(path, sentence) for what was left out."""
        return self._rows.problems

    def share(self) -> float | None:
        return share_of([self._file.backlog])

    def over(self) -> bool:
        return False

    def close(self) -> None:
        self._file.shut()
