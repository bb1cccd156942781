"""Turns draws of the training bar into one value per step."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter, lt

from loratui.core.events import Event, Metrics, Progress
from loratui.trainers.reading.console import Draws


class _Minutes(dict[bytes, float]):
    """Seconds of the `[H:]MM:` of a clock, remembered: every minute is drawn many times."""

    def __missing__(self, text: bytes) -> float:
        seconds = 0.0
        for part in text.split(b":")[:-1]:
            seconds = seconds * 60 + float(part or 0)
        if len(self) > 10_000:
            self.clear()
        seconds *= 60
        self[text] = seconds
        return seconds


class TrainingBar:
    """A step is drawn twice or more: first with the postfix of the step before, then with its own.

    The last draw of a step counts, so the newest step is held back until the next one is drawn,
    or until `flush` when its own postfix has been seen.
    """

    def __init__(self, metrics: Mapping[str, bytes], *, nested: bool = False) -> None:
        self._patterns = {
            name: re.compile(rb"(?m)" + before + rb"([^\s,\]]+)")
            for name, before in metrics.items()
        }
        self.nested = nested
        self.last: int | None = None
        self.total: int | None = None
        self.shown: tuple[int, int | None] | None = None
        """The epoch and the number of epochs that the bar's description names."""
        self._minutes = _Minutes()
        self._held: tuple[int, bytes, bytes, int] | None = None
        self._redrawn = False
        self._told: tuple[int, bytes] | None = None
        # nested bars: steps and seconds of the epochs that are over
        self._epoch = 0
        self._epochs: int | None = None
        self._outer = False
        self._seconds = 0.0
        self._elapsed = 0.0

    def epoch(self, draws: Draws) -> bool:
        """Draws of the outer bar: how many epochs are over, of how many. True if one has begun."""
        before, self._outer = self._epoch, True
        self._epoch = draws.steps[-1]
        self._epochs = draws.total
        return before < self._epoch < draws.total

    @property
    def begun(self) -> int:
        """The number of the epoch that the outer bar is in."""
        return self._epoch + 1

    def restarts(self, draws: Draws) -> bool:
        """Whether these draws belong to a new run: steps and clock both go back."""
        if self.last is None or self.nested:
            return False
        # a re-draw of the last steps is no restart; neither is a bar that is only reset
        return draws.steps[0] < self.last and self._time(draws.clock[0]) < self._elapsed

    def fresh(self, draws: Draws) -> bool:
        """Whether no time has passed at the first of these draws."""
        return self._time(draws.clock[0]) == 0

    def read(self, draws: Draws) -> list[Event]:
        """The state of the bar and metrics of all steps but the newest; `draws` must ascend."""
        steps, clock = draws.steps, draws.clock
        postfix, offsets = draws.postfix, draws.offsets
        if self.nested:
            steps = self._global(draws)
        self.total = draws.total if not self.nested else self._overall(draws.total)
        events: list[Event] = []
        if self._held is not None and self._held[0] > steps[0]:
            events += self.flush()
            self._held = None
        if self._held is not None:
            step, mark, text, offset = self._held
            if steps[0] == step:
                self._redrawn = True
            steps = [step, *steps]
            clock = [mark, *clock]
            postfix = [text, *postfix]
            offsets = [offset, *offsets]
        if all(map(lt, steps, islice(steps, 1, None))):
            newest = len(steps) - 1
            chosen: Sequence[int] = range(newest)
        else:
            chosen = list(dict(zip(steps, range(len(steps)), strict=True)).values())
            newest = chosen.pop()
        if newest and steps[newest - 1] == steps[newest]:
            self._redrawn = True
        elif self._held is None or steps[newest] != self._held[0]:
            self._redrawn = False
        if chosen:
            events += self._columns(chosen, steps, clock, postfix, offsets)
        self._held = (steps[newest], clock[newest], postfix[newest], offsets[newest])
        self.last = steps[newest]
        self._elapsed = self._time(clock[newest])
        return [self._progress(draws), *events]

    def flush(self) -> list[Event]:
        """The step held back, once it shows a value of its own."""
        if self._held is None:
            return []
        step, mark, postfix, offset = self._held
        if self._told == (step, postfix):
            return []
        fresh = self._redrawn or self._told is None or postfix != self._told[1]
        if not postfix or not fresh:
            return []
        return self._columns([0], [step], [mark], [postfix], [offset])

    def _columns(
        self,
        chosen: Sequence[int],
        steps: Sequence[int],
        clock: Sequence[bytes],
        postfix: Sequence[bytes],
        offsets: Sequence[int],
    ) -> list[Event]:
        if self._told is not None and chosen and steps[chosen[0]] == self._told[0]:
            if postfix[chosen[0]] == self._told[1]:
                chosen = chosen[1:]
            if not chosen:
                return []
        if isinstance(chosen, range):
            begin, end = chosen.start, chosen.stop
            steps, clock = steps[begin:end], clock[begin:end]
            postfix, offsets = postfix[begin:end], offsets[begin:end]
        elif len(chosen) != len(steps):
            take = itemgetter(*chosen, chosen[-1])  # twice the last: one item alone is no tuple
            steps, clock = take(steps)[:-1], take(clock)[:-1]
            postfix, offsets = take(postfix)[:-1], take(offsets)[:-1]
        self._told = (steps[-1], postfix[-1])
        minutes, before = self._minutes, self._seconds
        known = {t: before + minutes[t[:-2]] + float(t[-2:]) for t in set(clock)}
        seconds = list(map(known.__getitem__, clock))
        found: list[Event] = [Metrics("", offsets[0], "elapsed", steps, seconds, offsets)]
        joined = b"\n".join(postfix)
        for name, pattern in self._patterns.items():
            raw = pattern.findall(joined)
            if not raw:
                continue
            if len(raw) == len(steps):
                try:
                    values = list(map(float, raw))
                except ValueError:
                    pass
                else:
                    found.append(Metrics("", offsets[0], name, steps, values, offsets))
                    continue
            found += self._sparse(name, pattern, steps, postfix, offsets)
        return found

    @staticmethod
    def _sparse(
        name: str,
        pattern: re.Pattern[bytes],
        steps: Sequence[int],
        postfix: Sequence[bytes],
        offsets: Sequence[int],
    ) -> Iterable[Event]:
        """Row by row, for bars whose postfix does not always hold the value."""
        rows = [
            (step, value, offset)
            for step, text, offset in zip(steps, postfix, offsets, strict=True)
            if (value := _value(pattern, text)) is not None
        ]
        if rows:
            known, values, where = zip(*rows, strict=True)
            yield Metrics("", where[0], name, known, values, where)

    def _time(self, text: bytes) -> float:
        """Seconds of `[H:]MM:SS`, also of a clock that is written in another way."""
        head, _, last = text.rpartition(b":")
        return self._minutes[head + b":" if head else b""] + float(last or 0)

    def _progress(self, draws: Draws) -> Progress:
        text = draws.postfix[-1]
        loss, rate = self._patterns.get("loss"), self._patterns.get("lr")
        epoch, epochs = self.shown or (self._epoch + 1 if self.nested else None, self._epochs)
        return Progress(
            "",
            draws.offsets[-1],
            self.last or 0,
            self.total,
            self._elapsed + self._seconds,
            min(epoch, epochs or epoch) if epoch else None,
            epochs,
            _value(loss, text) if loss else None,
            _value(rate, text) if rate else None,
        )

    def _global(self, draws: Draws) -> list[int]:
        """Steps of a bar that restarts every epoch, counted over the whole run."""
        if self._held is not None:
            inside = self._held[0] - self._base
            if draws.steps[0] < inside or (draws.steps[0] == 0 and inside > 0):
                self._seconds += self._elapsed
                if not self._outer:
                    self._epoch += 1
        self._base = self._epoch * draws.total
        return [step + self._base for step in draws.steps]

    _base = 0

    def _overall(self, inner: int) -> int | None:
        return inner * self._epochs if self._epochs else None


def _value(pattern: re.Pattern[bytes], text: bytes) -> float | None:
    found = pattern.search(text)
    if not found:
        return None
    try:
        return float(found.group(1))
    except ValueError:
        return math.nan if found.group(1).lower().startswith(b"nan") else None
