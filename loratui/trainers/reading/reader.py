"""One console, from bytes to events: finds out whose it is and lets that trainer explain it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from loratui.core.events import (
    Batch,
    Config,
    Counting,
    Ended,
    Event,
    Failure,
    LogLine,
    Metrics,
    Phase,
    PhaseName,
    Progress,
    RunBegan,
    Sample,
)
from loratui.trainers import trainers
from loratui.trainers.base import Handler, Trainer
from loratui.trainers.reading.bar import TrainingBar
from loratui.trainers.reading.commandline import settings
from loratui.trainers.reading.console import Console, Draws, Text, Token
from loratui.trainers.reading.seen import Seen
from loratui.trainers.reading.steplines import StepLines
from loratui.trainers.reading.tracebacks import Tracebacks
from loratui.trainers.reading.wrapping import Joined, Wrapping
from loratui.trainers.tags import names_of

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
    r"(?:^|:\s*(?:line \d+:\s*)?)(?:\d+ )?(?:Killed|Terminated)"
    r"(?:: \d+)?(?:\s*$|\s{2,}\S|\s+(?:python|accelerate|\"\$|\(core))"
    r"|died with <Signals\.SIG(?:KILL|TERM|HUP)|signal:? (?:SIGKILL|9\b)"
    r"|exit(?:ed)?(?: with)?(?: exit)?(?: code| status)?:? ?(?:-9|137)\b|exitcode: -9\b"
)
# The same as an exception: what a launcher raises when its child was ended from outside.
_TAKEN = re.compile(r"CalledProcessError: Command .* died with <Signals\.SIG(?:KILL|TERM|HUP)")
_CHAINED = re.compile(r"During handling of the above exc|The above exception was the direct c")
_SEGFAULT = re.compile(
    r"Segmentation fault(?: \(core dumped\))?|Bus error \(core dumped\)"
    r"|(?:^|:\s*(?:line \d+:\s*)?)(?:\d+ )?Aborted(?:\s*$|\s{2,}\S|\s+\(core)"
    r"|died with <Signals\.SIG(?:ABRT|SEGV|BUS|ILL|FPE)"
)


class Reader:
    """Feed it batches; it gives events in order. One instance reads one source."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        self.seen = Seen()
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
        self._validation_loss: tuple[bytes, int] | None = None
        self._validation_at = 0
        self._chain: list[Failure] = []  # until the exception raised while handling them is known
        self._adopt(self.trainer)
        self._roles: dict[tuple[str, bytes], str] = {}
        self._phase: PhaseName | None = None
        self._content = False
        self._headed = False  # what stands before the bar was read, too
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
        events += self._failures(self._tracebacks.flush())
        events += self._named(self._bar.flush())
        return events + self._validated()

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
        events: list[Event] = self._failures(self._tracebacks.flush())
        postfix = draws.postfix[-1]
        if not self.sure:
            events += self._recognise_bar(draws.desc, postfix)
        role = self.trainer.role(draws.desc, postfix, self._job)
        if role == "epoch":
            if self._bar.epoch(draws):
                events.append(Config(self.source, draws.offsets[0], "epoch", "", self._bar.begun))
            return events
        if role == "training":
            self.seen.bar = draws.desc
            events += self._validated()
            if self._desc_epoch is not None:
                events += self._epoch_begins(_epoch(self._desc_epoch, draws.desc), draws)
            for part in draws.ascending():
                if self._bar.restarts(part):
                    events += self._began(self._suspect or part.offsets[0])
                self._suspect = None
                self._content = True
                if self._bar.last is None and not self.trainer.nested:
                    # a bar that is cut out of a log shows values, the first draw of one does not
                    begun = self._headed or not part.postfix[0]
                    proven = begun and self._bar.fresh(part)
                    events.append(Counting(self.source, part.offsets[0], part.steps[0], proven))
                events += self._enter("training", part.offsets[0])
                events += self._named(self._bar.read(part))
            return events
        if role == "validation":
            return events + self._validate(draws)
        self.seen.aside(draws.desc)
        name = next(
            (name for pattern, name in self._bars if draws.desc and pattern.search(draws.desc)),
            None,
        )
        if name is not None:
            events += self._enter(name, draws.offsets[0], draws.desc)
        return events

    def _epoch_begins(self, shown: tuple[int, int | None] | None, draws: Draws) -> list[Event]:
        """The bar's description names another epoch: it begins before the first of these draws."""
        known, self._bar.shown = self._bar.shown, shown
        if shown is None or known is None or known[0] == shown[0]:
            return []
        return [Config(self.source, draws.offsets[0], "epoch", "", shown[0])]

    def _validate(self, draws: Draws) -> list[Event]:
        """Draws of a validation's bar. It shows the mean so far: only the last one counts.

        The bar of the validation before is drawn once more, whole, when the next one has begun.
        """
        events = self._enter("validating", draws.offsets[0], draws.desc)
        for part in draws.ascending():
            if part.steps[0] < self._validation_at:
                events += self._validated()
            before = part.steps[-2] if len(part.steps) > 1 else self._validation_at
            self._validation_at = part.steps[-1]
            found = self._validation.search(part.postfix[-1])
            if found and part.steps[-1] == part.total and before >= part.total - 1:
                self._validation_loss = (found.group(1), part.offsets[-1])
        return events

    def _validated(self) -> list[Event]:
        """The result of a validation that is over, at the training step it was made for."""
        held = self._validation_loss
        self._validation_loss, self._validation_at = None, 0
        if held is None:
            return []
        raw, offset = held
        try:
            value = float(raw)
        except ValueError:
            return []
        step = self._bar.last or 0
        return [Metrics(self.source, offset, "val_loss", (step,), (value,), (offset,))]

    def _evaluation(self, line: Joined) -> list[Event]:
        """Losses of a validation that a line states, at the training step seen last."""
        assert self._evaluated is not None
        step = self._step
        events: dict[str, Event] = {}
        for found in self._evaluated.finditer(line.text):
            try:
                loss = float(found.group("loss"))
            except ValueError:
                continue
            name = next((name for name in names_of(found.group("tag")) if name not in events), "")
            if name:
                where = (line.offset,)
                events[name] = Metrics(self.source, line.offset, name, (step or 0,), (loss,), where)
        return list(events.values())

    def _line(self, line: Joined) -> list[Event]:
        self.seen.lines += 1
        failures, inside = self._tracebacks.feed(line.offset, line.text, line.rank)
        events = self._failures(failures, line.text)
        level = "error" if inside else line.level
        if not self.sure:
            events += self._recognise_line(f"{line.text} {line.path}" if line.path else line.text)
        if not inside:
            metrics = self._step_line(line)
            if metrics is not None:
                return events + metrics
        if inside and "Command '[" not in line.text:
            return [*events, LogLine(self.source, line.offset, line.text, level, True)]
        if inside:
            # a launcher's last exception repeats the whole command line; that its child was
            # killed is no failure of its own
            taken = _TAKEN.search(line.text) is not None
            events.append(LogLine(self.source, line.offset, line.text, level, not taken))
            if taken:
                events.append(Ended(self.source, line.offset, "killed", detail=line.text.strip()))
            return events + self._settings(line)
        events.append(LogLine(self.source, line.offset, line.text, level))
        events += self._beginning(line)
        events += self._ending(line)
        for pattern, handler in self._rules:
            found = pattern.search(line.text)
            if found:
                for event in handler(found, line.offset):
                    events += self._own(event)
        if self._evaluated is not None:
            events += self._evaluation(line)
        if self._listing is not None:
            for event in self._listing.read(line.text, line.offset):
                events += self._own(event)
        if not (self._tracebacks.open or _CHAINED.match(line.text)):
            self._before = line.text
        events += self._settings(line)
        return events

    def _failures(self, failures: Iterable[Failure], behind: str | None = None) -> list[Event]:
        """Failures, but for an exception by which the user's own wish to stop shows itself.

        One that the line before it or the line `behind` it says was survived is an error line;
        so are those that it was raised from, which wait for it while lines follow.
        """
        failures = list(failures)
        if behind is not None and not failures:
            return []
        failures, self._chain = [*self._chain, *failures], []
        if behind is not None and _CHAINED.match(behind):
            self._chain = failures
            return []
        said = f"{self._before}\n{behind or ''}"
        survived = any(pattern.search(said) for pattern in self._survived)
        events: list[Event] = []
        for failure in failures:
            self._content = True
            text = f"{failure.type}: {failure.message}" if failure.message else failure.type
            if _TAKEN.search(text):
                continue
            if survived:
                events.append(LogLine(self.source, failure.offset, text, "error"))
            elif self._stopped.search(text):
                self._wanted = True
                events.append(Ended(self.source, failure.offset, "stopped", detail=text))
            else:
                events.append(failure._replace(source=self.source))
        return events

    # whose output is it

    def _recognise_line(self, text: str) -> list[Event]:
        for sign in self._signs:
            trainer, pattern, weight = sign
            if pattern.search(text):
                self._signs.remove(sign)  # each counts once, however often it is printed
                self._scores[trainer.id] += weight
                if self._scores[trainer.id] < SURE:
                    return []
                self._headed = not self._content
                return self._settle(trainer)
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
            Config(self.source, 0, "saves", "", trainer.saves),
        ]

    def _adopt(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._fresh()
        self._bars = [
            *((re.compile(pattern), name) for pattern, name in trainer.bars),
            *_PHASES,
        ]
        self._validation = re.compile(trainer.validation + rb"([^\s,\]]+)")
        self._desc_epoch = re.compile(trainer.desc_epoch) if trainer.desc_epoch else None
        self._stopped = re.compile(trainer.stopped)
        self._evaluated = re.compile(trainer.evaluated) if trainer.evaluated else None
        self._survived = [re.compile(f"(?m){text}") for text in trainer.survived]
        self._rules: list[tuple[re.Pattern[str], Handler]] = [
            (re.compile(pattern), handler) for pattern, handler in trainer.rules
        ]
        self._starts = [re.compile(pattern) for pattern in trainer.starts]
        self._late_starts = [re.compile(pattern) for pattern in trainer.late_starts]
        self._job = ""

    def _fresh(self) -> None:
        """Nothing has been read of the run yet."""
        self._bar = TrainingBar(self.trainer.metrics, nested=self.trainer.nested)
        self._lines = StepLines(self.trainer.steps)
        self._listing = self.trainer.listing() if self.trainer.listing is not None else None
        self._before = ""  # the line before a traceback
        self._chain = []
        self._validation_loss = None
        self._validation_at = 0
        self._wanted = False  # whether the user has asked for the end

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
        self._fresh()
        self.seen = Seen()
        self._content, self._headed = False, True
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
        entered: list[Event] = [Phase(self.source, offset, name, self._step, detail)]
        if name == "sampling":
            entered.append(Sample(self.source, offset, self._step))
        return entered

    @property
    def _step(self) -> int | None:
        """The training step seen last."""
        return self._bar.last if self._bar.last is not None else self._lines.last

    def _own(self, event: Event) -> list[Event]:
        if isinstance(event, Phase):
            return self._enter(event.name, event.offset, event.detail)
        if isinstance(event, Ended):
            if self._wanted and event.how == "failed":
                return []  # the code of a process that was told to stop
            self._wanted = event.how == "stopped"
        return [event._replace(source=self.source)]

    def _named(self, events: Sequence[Event]) -> list[Event]:
        self.seen.fields.update((e.name, None) for e in events if isinstance(e, Metrics))
        return [
            event._replace(source=self.source) if isinstance(event, Metrics | Progress) else event
            for event in events
        ]

    # lines that are numbers, and settings

    def _step_line(self, line: Joined) -> list[Event] | None:
        """`Step 10/50 - Loss: 1.99`, `steps: 1 loss: 0.06 iter time (s): …`, one value a line."""
        found = self._lines.match(line.text)
        if found is None:
            return None
        if self._lines.own and (line.rank or self._bar.last is not None):
            return []  # the other ranks say the same, and so does a bar
        events: list[Event] = []
        if self._lines.own and int(found.group("step")) < (self._lines.last or 0):
            events += self._began(self._suspect or line.offset)
        stated = self._lines.read(found, line.offset)
        if stated is None:
            return None
        self._suspect = None
        self._content = self.seen.stated = True
        return [*events, *self._enter("training", line.offset), *self._named(stated)]

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
        values: dict[str, object] = {}
        for key, value in _flat(found):
            values.setdefault(key, value)  # of several data sets the first counts
        return [
            Config(self.source, line.offset, "", key, value, json.dumps(value))
            for key, value in values.items()
        ]


def _epoch(pattern: re.Pattern[str], desc: str) -> tuple[int, int | None] | None:
    found = pattern.search(desc)
    if not found:
        return None
    of = found.groupdict().get("epochs")
    return int(found.group("epoch")), int(of) if of else None


def _flat(value: object, path: str = "") -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from _flat(inner, f"{path}[]")
    else:
        yield path, value
