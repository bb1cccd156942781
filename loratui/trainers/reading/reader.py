"""One console, from bytes to events: finds out whose it is and lets that trainer explain it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from loratui.core.events import (
    Batch,
    Config,
    Ended,
    Event,
    LogLine,
    Metrics,
    Phase,
    PhaseName,
    Progress,
    RunBegan,
)
from loratui.trainers import trainers
from loratui.trainers.base import Handler, Trainer
from loratui.trainers.generic import EPOCH, RATE, STEP_LINE
from loratui.trainers.reading.bar import TrainingBar
from loratui.trainers.reading.commandline import settings
from loratui.trainers.reading.console import Console, Draws, Text, Token
from loratui.trainers.reading.tracebacks import Tracebacks
from loratui.trainers.reading.wrapping import Joined, Wrapping

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

SURE = 10
"""The weight of signs at which a trainer counts as recognised."""

# What a bar that is not the training bar stands for, by its description.
_PHASES: tuple[tuple[re.Pattern[str], PhaseName], ...] = (
    (re.compile(r"(?i)^valid|validation|\beval"), "validating"),
    (re.compile(r"(?i)^sampl|generating (?:image|sample|baseline)|denois|inference"), "sampling"),
    (re.compile(r"(?i)cach|latent|embed|enumerating|encod"), "caching"),
    (re.compile(r"(?i)\bsav"), "saving"),
    (re.compile(r"(?i)."), "loading"),
)
# Lines of any launcher, shell or supervisor that say how the process ended.
_KILLED = re.compile(
    r"(?:^|:\s*(?:line \d+:\s*)?)(?:\d+ )?(?:Killed|Aborted|Terminated)(?:\s+\S.*)?$"
    r"|died with <Signals\.SIG(?:KILL|TERM|ABRT|SEGV|BUS)|signal:? (?:SIGKILL|9\b)"
    r"|exit(?:ed)?(?: with)?(?: exit)?(?: code| status)?:? ?(?:-9|137)\b|exitcode: -9\b"
)
_SEGFAULT = re.compile(r"Segmentation fault(?: \(core dumped\))?|Bus error \(core dumped\)")


class Reader:
    """Feed it batches; it gives events in order. One instance reads one source."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        self._console = Console()
        self._wrapping = Wrapping()
        self._tracebacks = Tracebacks()
        self._candidates = trainers()
        self._scores = dict.fromkeys((trainer.id for trainer in self._candidates), 0)
        self._signs = [
            (trainer, re.compile(pattern), weight)
            for trainer in self._candidates
            for pattern, weight in trainer.signs
        ]
        self.trainer: Trainer = self._candidates[-1]
        self.sure = False
        self._adopt(self.trainer)
        self._roles: dict[tuple[str, bytes], str] = {}
        self._phase: PhaseName | None = None
        self._content = False
        self._suspect: int | None = None
        self._dump: list[str] | None = None
        self._wide: codecs.IncrementalDecoder | None = None

    def feed(self, batch: Batch) -> list[Event]:
        """Events of everything that this batch finishes."""
        data = batch.data
        if batch.offset == 0 and data.startswith(_MARKS):  # PowerShell redirects as UTF-16
            self._wide = codecs.getincrementaldecoder("utf-16")("replace")
        if self._wide is not None:
            data = self._wide.decode(data).encode()
        return self._read(self._console.feed(batch.offset, data))

    def flush_bar(self) -> list[Event]:
        """The newest step's own values, if the bar has shown them; the rest goes on waiting."""
        return self._named(self._bar.flush())

    def flush(self) -> list[Event]:
        """Events that were waiting for more; called when the source is quiet or over."""
        events = self._read(self._console.flush())
        for joined in self._wrapping.flush():
            events += self._line(joined)
        events += [f._replace(source=self.source) for f in self._tracebacks.flush()]
        events += self._named(self._bar.flush())
        return events

    # tokens

    def _read(self, tokens: Iterable[Token]) -> list[Event]:
        events: list[Event] = []
        for token in tokens:
            if isinstance(token, Text):
                for joined in self._wrapping.feed(token.offset, token.text, token.rank):
                    events += self._line(joined)
            else:
                for joined in self._wrapping.flush():
                    events += self._line(joined)
                events += self._draws(token)
        return events

    def _draws(self, draws: Draws) -> list[Event]:
        events: list[Event] = [
            failure._replace(source=self.source) for failure in self._tracebacks.flush()
        ]
        postfix = draws.postfix[-1]
        if not self.sure:
            events += self._recognise_bar(draws.desc, postfix)
        role = self.trainer.role(draws.desc, postfix, self._job)
        if role == "epoch":
            self._bar.epoch(draws)
            return events
        if role == "training":
            for part in draws.ascending():
                if self._bar.restarts(part):
                    events += self._began(self._suspect or part.offsets[0])
                self._suspect = None
                self._content = True
                events += self._enter("training", part.offsets[0])
                events += self._named(self._bar.read(part))
            return events
        name = next(
            (name for pattern, name in _PHASES if draws.desc and pattern.search(draws.desc)), None
        )
        if name is not None:
            events += self._enter(name, draws.offsets[0], draws.desc)
        return events

    def _line(self, line: Joined) -> list[Event]:
        failures, inside = self._tracebacks.feed(line.offset, line.text, line.rank)
        events: list[Event] = [failure._replace(source=self.source) for failure in failures]
        if failures:
            self._content = True
        level = "error" if inside else line.level
        if not self.sure:
            events += self._recognise_line(f"{line.text} {line.path}" if line.path else line.text)
        if not inside:
            metrics = self._step_line(line)
            if metrics:
                return events + metrics
        events.append(LogLine(self.source, line.offset, line.text, level, inside))
        if inside:
            # a launcher's last exception repeats the whole command line
            return events + (self._settings(line) if "Command '[" in line.text else [])
        events += self._beginning(line)
        events += self._ending(line)
        for pattern, handler in self._rules:
            found = pattern.search(line.text)
            if found:
                for event in handler(found, line.offset):
                    events += self._own(event)
        events += self._settings(line)
        return events

    # whose output is it

    def _recognise_line(self, text: str) -> list[Event]:
        for sign in self._signs:
            trainer, pattern, weight = sign
            if pattern.search(text):
                self._signs.remove(sign)  # each counts once, however often it is printed
                self._scores[trainer.id] += weight
                return self._settle(trainer) if self._scores[trainer.id] >= SURE else []
        return []

    def _recognise_bar(self, desc: str, postfix: bytes) -> list[Event]:
        best, most = self.trainer, 0
        for trainer in self._candidates:
            weight = trainer.weight(desc, postfix)
            if weight + self._scores[trainer.id] > most:
                best, most = trainer, weight + self._scores[trainer.id]
        if most >= SURE:
            return self._settle(best)
        if best is not self.trainer and most > 1:
            self._adopt(best)
        return []

    def _settle(self, trainer: Trainer) -> list[Event]:
        self.sure = True
        if trainer is not self.trainer:
            self._adopt(trainer)
        return [
            Config(self.source, 0, "trainer", "", trainer.id),
            Config(self.source, 0, "loss_kind", "", trainer.loss_kind),
        ]

    def _adopt(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._bar = TrainingBar(trainer.metrics, nested=trainer.nested)
        self._rules: list[tuple[re.Pattern[str], Handler]] = [
            (re.compile(pattern), handler) for pattern, handler in trainer.rules
        ]
        self._starts = [re.compile(pattern) for pattern in trainer.starts]
        self._late_starts = [re.compile(pattern) for pattern in trainer.late_starts]
        self._job = ""

    # beginnings, endings, phases

    def _beginning(self, line: Joined) -> list[Event]:
        if any(pattern.search(line.text) for pattern in self._starts) and self._content:
            return self._began(line.offset)
        if any(pattern.search(line.text) for pattern in self._late_starts) and self._content:
            self._suspect = line.offset
        found = re.match(r"# Running job: (.+)$", line.text)
        if found:
            self._job = found.group(1).strip()
            return [Config(self.source, line.offset, "output_name", "", self._job)]
        return []

    def _began(self, offset: int) -> list[Event]:
        self._bar = TrainingBar(self.trainer.metrics, nested=self.trainer.nested)
        self._content = False
        self._phase = None
        return [RunBegan(self.source, offset)]

    def _ending(self, line: Joined) -> list[Event]:
        if _SEGFAULT.search(line.text):
            self._content = True
            return [Ended(self.source, line.offset, "failed", detail=line.text.strip())]
        if _KILLED.search(line.text) and not line.text.startswith(" "):
            self._content = True
            return [Ended(self.source, line.offset, "killed", detail=line.text.strip())]
        return []

    def _enter(self, name: PhaseName, offset: int, detail: str = "") -> list[Event]:
        if name == self._phase:
            return []
        self._phase = name
        return [Phase(self.source, offset, name, self._bar.last, detail)]

    def _own(self, event: Event) -> list[Event]:
        if isinstance(event, Phase):
            return self._enter(event.name, event.offset, event.detail)
        return [event._replace(source=self.source)]

    def _named(self, events: Iterable[Event]) -> list[Event]:
        return [
            event._replace(source=self.source) if isinstance(event, Metrics | Progress) else event
            for event in events
        ]

    # lines that are numbers, and settings

    def _step_line(self, line: Joined) -> list[Event]:
        """`Step 10/50 - Loss: 1.99`, `steps: 1 loss: 0.06 iter time (s): …`, one value a line."""
        if "oss" not in line.text and "OSS" not in line.text:
            return []
        found = STEP_LINE.search(line.text)
        if not found:
            return []
        try:
            step, loss = int(found.group("step")), float(found.group("loss"))
        except ValueError:
            return []
        total = int(found.group("total")) if found.group("total") else None
        rate, epoch = RATE.search(line.text), EPOCH.search(line.text)
        lr = float(rate.group("lr")) if rate else None
        self._content = True
        events: list[Event] = self._enter("training", line.offset)
        where = (line.offset,)
        events.append(Metrics(self.source, line.offset, "loss", (step,), (loss,), where))
        if lr is not None:
            events.append(Metrics(self.source, line.offset, "lr", (step,), (lr,), where))
        events.append(
            Progress(
                self.source,
                line.offset,
                step,
                total,
                None,
                int(epoch.group("epoch")) if epoch else None,
                int(epoch.group("epochs")) if epoch and epoch.group("epochs") else None,
                loss,
                lr,
            )
        )
        return events

    def _settings(self, line: Joined) -> list[Event]:
        """Settings of a command line that a launcher printed, or of ai-toolkit's dump."""
        text = line.text
        if ("train" in text and " --" in text) or "'--" in text:
            return [
                Config(self.source, line.offset, "", f"--{key}", value, raw)
                for key, value, raw in settings(text)
            ]
        if self.trainer.id != "ai-toolkit" and not (self._dump or text == "{"):
            return []
        if text == "{":
            self._dump = []
        if self._dump is None:
            return []
        self._dump.append(text)
        if text != "}":
            if len(self._dump) > 2000:
                self._dump = None
            return []
        import json

        dump, self._dump = "\n".join(self._dump), None
        try:
            found = json.loads(dump)
        except ValueError:
            return []
        return [
            Config(self.source, line.offset, "", key, value, json.dumps(value))
            for key, value in _flat(found)
        ]


def _flat(value: object, path: str = "") -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from _flat(inner, f"{path}[]")
    else:
        yield path, value
