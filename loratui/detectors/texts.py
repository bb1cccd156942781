"""Recognises error texts: one scanner for all patterns of the knowledge base."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol
from unicodedata import east_asian_width

from loratui.core.events import Failure, LogLine
from loratui.core.findings import Evidence, Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.needles import Needles

LONGEST = 2000
"""Characters of a line that are looked at: its beginning and its end."""

SHOWN = 600
"""Characters of a line kept as evidence."""

CRASHED = "crashed"
"""The finding of last resort; its exception patterns are wrappers, which only report another."""

EXITED = "exited-early"
"""The process is known to have ended with an error, and nothing says with which."""

_VAGUE = (CRASHED, EXITED)
KILLED = "killed"

WIDTH, WRAPPED = 80, 6
"""A console has so many columns at least, and so many lines of a message that it has broken are
put together again."""

NEAR = 20_000
"""Bytes within which a launcher's own exception speaks of the one before it."""


class Pattern(Protocol):
    """What the scanner needs of an entry of the knowledge base."""

    @property
    def finding(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def needle(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def severity(self) -> str | None: ...
    @property
    def fallback(self) -> bool: ...
    @property
    def frame(self) -> str: ...
    @property
    def numbers(self) -> Mapping[str, object]: ...


class Harmless(Protocol):
    """A line that looks like an error and is none."""

    @property
    def pattern(self) -> str: ...
    @property
    def needle(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Known:
    """A pattern with what is needed before it is tried."""

    source: Pattern
    needle: str
    frame: re.Pattern[str] | None

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when its needle first turns up: most never do."""
        return _compiled(self.source.pattern)


@dataclass(slots=True)
class _Seen:
    """What was seen of one finding so far."""

    verdict: Verdict
    count: int
    fallback: bool = False


@dataclass(slots=True)
class _Text:
    """A line or an exception, ready to be matched."""

    text: str
    squeezed: str
    kind: str
    source: str
    offset: int
    level: str = ""
    frames: tuple[str, ...] = ()
    failure: Failure | None = None
    data: dict[str, object] = field(default_factory=dict)


_EXCEPTION = re.compile(
    r"^\W*(?:(?:error|ERROR|Error|Exception|Failed|Fatal)\b[^:]{0,60}:\s*)?(?:[A-Za-z_]\w*\.)*"
    r"(?:[A-Za-z_]*(?:Error|Exception|NotFound|Missing|Invalid|IsEnabled|Conflict)\w*(?::|\s*$)"
    r"|(?<=[a-z_]\.)[A-Z]\w*: )"
)
_GAP = re.compile(r"[ \t]{9,}")
_WARNING = re.compile(r"\b\w*Warning: ")
_BLANK = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]| ")
_QUIET = ("info", "warning")
_NUMBER = re.compile(r"-?\d+$")


def tolerant(pattern: str) -> str:
    """The pattern with every blank optional: wrapped lines are joined with or without one."""

    def loosened(found: re.Match[str]) -> str:
        return r"\s*" if found.group() in (" ", r"\ ") else found.group()

    return _BLANK.sub(loosened, pattern)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(tolerant(pattern), re.IGNORECASE)


def squeezed(text: str) -> str:
    """Lower case without blanks, for the needles."""
    return text.lower().replace(" ", "").replace("\t", "").replace("\n", "")


class TextScanner:
    """Matches lines and exceptions against all patterns and says which findings they show."""

    def __init__(
        self, messages: Iterable[Pattern], noise: Iterable[Harmless] | None = None
    ) -> None:
        messages = tuple(messages) if not isinstance(messages, tuple) else messages
        if noise is None:
            noise = getattr(messages, "noise", ())
        self._known = [
            _Known(
                message,
                squeezed(message.needle),
                re.compile(message.frame) if message.frame else None,
            )
            for message in messages
        ]
        self._harmless = [(squeezed(entry.needle), entry.pattern) for entry in noise]
        self._needles = Needles([known.needle for known in self._known])
        self._seen: dict[str, _Seen] = {}
        self._rank: int | None = None
        self._excused: tuple[_Text, int | None] | None = None
        self._ended = False

    def update(self, view: View) -> Mapping[str, Verdict]:
        """Firing verdicts of findings that are new, or were seen again, in this batch."""
        changed: dict[str, Verdict] = {}
        texts = [*self._candidates(view.lines), *map(_exception, view.failures)]
        texts.sort(key=lambda text: text.offset)  # what came first is nearer to the cause
        for text in texts:
            if text.failure is not None:
                self._failure(text, text.failure, view, changed)
            elif not self._is_harmless(text):
                self._recognise(text, view, changed)
        if view.ended is not None and not self._ended:
            self._ended = True
            if view.ended.how == KILLED and KILLED not in self._seen:
                ended = view.ended
                about = _Text(ended.detail or KILLED, "", "line", ended.source, ended.offset)
                numbers = {"code": ended.code, "how": ended.detail or None}
                self._report(KILLED, about, numbers, None, False, view, changed)
        return changed

    # lines

    def _candidates(self, lines: Iterable[LogLine]) -> Iterable[_Text]:
        """Lines that may match: one search over all of them first, as most hold no needle."""
        kept = [(line, cut(line.text)) for line in lines if line.text]
        small = [squeezed(text) for _, text in kept]
        for row in self._needles.rows(small):
            line, text = kept[row]
            level = line.level or ("warning" if _WARNING.search(text) else "")
            yield _Text(text, small[row], "line", line.source, line.offset, level)

    def _recognise(self, text: _Text, view: View, changed: dict[str, Verdict]) -> bool:
        """Fire what `text` shows; true when it was recognised."""
        found = list(self._matches(text))
        if any(not known.source.fallback for known, _ in found):
            found = [(known, match) for known, match in found if not known.source.fallback]
        # one text has one cause: the pattern that knows where it was raised says which, else the
        # one that explains most of it
        found.sort(key=lambda pair: (pair[0].frame is None, pair[1].start() - pair[1].end()))
        for known, match in found[:1]:
            numbers = {**_groups(match), **known.source.numbers}
            self._fire(known.source, text, numbers, view, changed)
        return bool(found)

    def _is_harmless(self, text: _Text) -> bool:
        return any(
            needle in text.squeezed and _compiled(pattern).search(text.text)
            for needle, pattern in self._harmless
        )

    def _matches(self, text: _Text) -> Iterable[tuple[_Known, re.Match[str]]]:
        quiet = text.kind == "line" and (
            text.level in _QUIET or not (text.level == "error" or _EXCEPTION.search(text.text))
        )
        for index in self._needles.within(text.squeezed):
            known = self._known[index]
            where = known.source.where
            if where == "exception" and known.source.finding == CRASHED:
                continue
            if where == "exception" and quiet:
                continue
            if where == "line" and text.kind == "exception":
                continue
            if known.frame is not None and not any(map(known.frame.search, text.frames)):
                continue
            match = known.regex.search(text.text)
            if match is not None:
                yield known, match

    # exceptions

    def _failure(
        self, text: _Text, failure: Failure, view: View, changed: dict[str, Verdict]
    ) -> None:
        if failure.rank is not None:
            if self._rank is None:
                self._rank = failure.rank
            elif failure.rank != self._rank:
                return  # the first rank to fail is the cause, the others fall with it
        if self._is_harmless(text):
            self._excused = (text, view.step)
            return
        wrapper = self._is_wrapper(text)
        if wrapper:
            text = self._accused(text, view.step)
        whole = text
        if all(known.source.fallback for known, _ in self._matches(text)):
            whole = _unwrapped(text, view.lines)
        if self._recognise(whole, view, changed) or (
            whole is not text and self._recognise(text, view, changed)
        ):
            self._settle(changed)
            return
        if any(finding not in _VAGUE and self._serious(finding) for finding in self._seen):
            return
        crash = self._seen.get(CRASHED)
        if crash is not None and (wrapper or not crash.verdict.numbers.get("wrapper")):
            return  # what came first is nearer to the cause
        self._seen.pop(CRASHED, None)
        if self._seen.pop(EXITED, None) is not None:
            changed[EXITED] = Verdict("clear")
        numbers = {
            "type": failure.type,
            "message": failure.message.split("\n", 1)[0][:SHOWN] or None,
            "last": failure.frames[-1] if failure.frames else None,
            "wrapper": wrapper,
        }
        self._report(CRASHED, text, numbers, None, False, view, changed)

    def _accused(self, wrapper: _Text, step: int | None) -> _Text:
        """What a launcher reports: an exception that is harmless elsewhere may just have been
        fatal, and nothing else was."""
        excused, self._excused = self._excused, None
        if excused is None or any(map(self._serious, self._seen)):
            return wrapper
        text, then = excused
        near = text.source == wrapper.source and wrapper.offset - text.offset < NEAR
        return text if near and then == step and any(self._matches(text)) else wrapper

    def _is_wrapper(self, text: _Text) -> bool:
        return any(
            known.source.finding == CRASHED
            and known.source.where == "exception"
            and known.needle in text.squeezed
            and known.regex.search(text.text)
            for known in self._known
        )

    def _serious(self, finding: str) -> bool:
        """Whether a finding could have ended training."""
        severity = self._seen[finding].verdict.severity
        return severity is None or severity >= Severity.ERROR

    def _settle(self, changed: dict[str, Verdict]) -> None:
        """A recognised exception explains an unrecognised one of the same chain."""
        if any(finding not in _VAGUE and self._serious(finding) for finding in self._seen):
            for vague in _VAGUE:
                if self._seen.pop(vague, None) is not None:
                    changed[vague] = Verdict("clear")

    # verdicts

    def _fire(
        self,
        source: Pattern,
        text: _Text,
        numbers: Mapping[str, object],
        view: View,
        changed: dict[str, Verdict],
    ) -> None:
        if source.finding == EXITED and any(map(self._serious, self._seen)):
            return  # what went wrong is known
        severity = None if source.severity is None else Severity.of(source.severity)
        if severity is None and text.level in _QUIET:
            severity = Severity.WARNING  # what the trainer itself calls no error
        self._report(source.finding, text, numbers, severity, source.fallback, view, changed)

    def _report(
        self,
        finding: str,
        text: _Text,
        numbers: Mapping[str, object],
        severity: Severity | None,
        fallback: bool,
        view: View,
        changed: dict[str, Verdict],
    ) -> None:
        """Keep the first text of the worst kind as evidence; count all."""
        known = self._seen.get(finding)
        if known is not None and fallback and not known.fallback:
            return
        count = 1 if known is None else known.count + 1
        kept = {name: value for name, value in numbers.items() if value is not None}
        if known is None or _worse(severity, known.verdict.severity) or known.fallback > fallback:
            data = {"source": text.source, "offset": text.offset, **text.data}
            evidence: tuple[Evidence, ...] = (Evidence("log", text.text[:SHOWN], data),)
            since = view.step
        else:
            before = known.verdict
            severity, evidence, since = before.severity, before.evidence, before.since
            newer = {name: value for name, value in kept.items() if isinstance(value, int)}
            kept = {**kept, **before.numbers, **newer}
        verdict = Verdict(
            "firing",
            since=since,
            severity=severity,
            numbers={**kept, "count": count},
            evidence=evidence,
        )
        self._seen[finding] = _Seen(verdict, count, fallback)
        changed[finding] = verdict


def _worse(severity: Severity | None, than: Severity | None) -> bool:
    """None is the catalogue's own severity, which a text only ever lowers or keeps."""
    if than is None:
        return False
    return severity is None or severity > than


def _exception(failure: Failure) -> _Text:
    whole = f"{failure.type}: {failure.message}" if failure.message else failure.type
    text = cut(whole)
    return _Text(
        text,
        squeezed(text),
        "exception",
        failure.source,
        failure.offset,
        frames=failure.frames,
        failure=failure,
        data={"frames": list(failure.frames), "rank": failure.rank},
    )


def _unwrapped(text: _Text, lines: Sequence[LogLine]) -> _Text:
    """An exception with the lines after it that a console may have broken off its message: those
    whose first word had no room on the line before."""
    pieces = [text.text]
    begin = bisect_right(lines, text.offset, key=lambda line: line.offset)
    for line in lines[begin : begin + WRAPPED]:
        last, word = pieces[-1].rsplit("\n", 1)[-1], line.text.split(" ", 1)[0]
        if line.level or columns(last) + columns(word) < WIDTH:
            break
        pieces.append(line.text)
    if len(pieces) == 1:
        return text
    whole = cut("\n".join(pieces))
    return replace(text, text=whole, squeezed=squeezed(whole))


def columns(text: str) -> int:
    """How wide a console shows the text: East Asian letters take two columns."""
    return len(text) + sum(1 for letter in text if east_asian_width(letter) in "WF")


def cut(text: str) -> str:
    """A line as it is looked at: its beginning and its end, without long gaps."""
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = f"{text[:half]}\n{text[-half:]}"
    if " " * 9 in text:  # each blank of a pattern may stand for many: long gaps would take long
        text = _GAP.sub(" " * 8, text)
    return text


def _groups(match: re.Match[str]) -> dict[str, object]:
    """Named groups that took part, whole numbers as such; a trailing digit of a name is dropped,
    as a name may stand only once in a pattern."""
    found: dict[str, object] = {}
    for name, value in match.groupdict().items():
        if value is None:
            continue
        value = value.strip()
        found.setdefault(name.rstrip("0123456789"), int(value) if _NUMBER.match(value) else value)
    return found
