"""Cuts a trainer's console output into lines of text and columns of progress-bar draws.

Works on bytes, so that every token keeps its byte offset, and in whole chunks, because a log of a
long run holds hundreds of thousands of redraws behind carriage returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import le

LONGEST = 256 * 1024
"""A line longer than this many bytes is cut; what follows up to its end is dropped."""

KEPT = 4000
"""Characters of a line of text that are kept."""

# One token is a run of separators and what follows up to the next one: a tqdm bar with whatever
# is glued to its end, or text. Groups: whole, desc, n, total, elapsed, postfix, rest, text.
_TOKEN = re.compile(
    rb"([\r\n]*(?:"
    rb"([^\r\n%]*(?:%(?!\|)[^\r\n%]*)*?)(?<!\d)\d{1,3}%\|[^|\r\n]*\|"
    rb" *(\d+)/(\d+) \[(\d[\d:]*)<[^,\]\r\n]*, *[^,\]\r\n]*(?:, ([^\]\r\n]*))?\]([^\r\n]*)"
    rb"|([^\r\n]+)))"
)
_ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNCOUNTED = re.compile(r"\b\d+(?:\.\d+)?[kMGT]?(?:it|B| examples| files)? \[\d[\d:]*,\s+\S+")
_SCALED = re.compile(r"\d%\|[^|]*\| *[\d.]+[kMGT]?/[\d.]+[kMGT]? \[")
_PREFIXES = (
    # docker compose and friends: `trainer-1  | `
    re.compile(r"[A-Za-z0-9][\w.-]*\s+\| ?"),
    # docker --timestamps, kubectl
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)\s"),
    # journald, syslog
    re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:\[]+(?:\[\d+\])?: "),
    # fluxgym's log view, wrappers that tell the streams apart
    re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[(?:INFO|WARNING|ERROR)\](?: |$)"),
    re.compile(r"\[\d\d:\d\d:\d\d\] \[STD(?:OUT|ERR)\](?: |$)"),
    # ts(1)
    re.compile(r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d "),
)
_LEVEL = re.compile(rb"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
_RANK = re.compile(r"\[(?:rank|default|RANK )(\d+)\]:? ?")


@dataclass(slots=True)
class Text:
    """A line of text: decoded, without escapes and prefixes, at most KEPT characters."""

    offset: int
    text: str
    rank: int | None = None


@dataclass(slots=True)
class Draws:
    """Consecutive draws of one progress bar, as columns of equal length.

    `steps` are as drawn: the same step may come several times. `clock` is the bar's elapsed text.
    """

    desc: str
    total: int
    steps: list[int]
    clock: Sequence[bytes]
    postfix: Sequence[bytes]
    offsets: list[int]

    def ascending(self) -> list[Draws]:
        """The draws in stretches within which steps never go back."""
        steps = self.steps
        if all(map(le, steps, islice(steps, 1, None))):
            return [self]
        cuts = [at for at in range(1, len(steps)) if steps[at] < steps[at - 1]]
        return [
            Draws(
                self.desc,
                self.total,
                steps[begin:end],
                self.clock[begin:end],
                self.postfix[begin:end],
                self.offsets[begin:end],
            )
            for begin, end in zip([0, *cuts], [*cuts, len(steps)], strict=True)
        ]


Token = Text | Draws


class Console:
    """Feed it bytes cut anywhere; it yields tokens in order. State is the unfinished line."""

    def __init__(self) -> None:
        self._carry = b""
        self._carry_offset = 0
        self._skipping = False
        self._lane: tuple[re.Pattern[bytes], str, int] | None = None
        self._descs: dict[bytes, tuple[str, str, int | None]] = {}
        self._rests: dict[bytes, str] = {}

    def feed(self, offset: int, data: bytes) -> list[Token]:
        """Tokens of all finished lines, and of a finished bar at the end of the data."""
        if b"^M" in data:  # carriage returns that a tool wrote out; the length stays
            data = data.replace(b"^M", b"\r\r")
        if self._skipping:
            at = _separator(data)
            if at < 0:
                return []
            self._skipping = False
            data, offset = data[at:], offset + at
        if self._carry:
            data, offset = self._carry + data, self._carry_offset
            self._carry = b""
        return list(self._cut(offset, data, final=False))

    def flush(self) -> list[Token]:
        """The unfinished line as if it had ended: the source is quiet or over."""
        data, offset = self._carry, self._carry_offset
        self._carry = b""
        return list(self._cut(offset, data, final=True)) if data else []

    def _cut(self, offset: int, data: bytes, *, final: bool) -> Iterator[Token]:
        if not final:
            end = max(data.rfind(b"\r"), data.rfind(b"\n"))
            # the separator stays with what follows it
            last = data[max(end, 0) :]
            if last and not _whole_bar(last):
                data = data[: max(end, 0)]
                self._carry, self._carry_offset = last, offset + max(end, 0)
        yield from self._tokens(offset, data)
        if len(self._carry) > LONGEST:
            yield from self._tokens(self._carry_offset, self._carry[: 4 * KEPT])
            self._carry, self._skipping = b"", True

    def _tokens(self, offset: int, data: bytes) -> Iterator[Token]:
        known = self._express(offset, data)
        if known is not None:
            yield known
            return
        rows = _TOKEN.findall(data)
        if not rows:
            return
        wholes, descs, steps, totals, clocks, postfixes, rests, _ = zip(*rows, strict=True)
        begins = accumulate(map(len, wholes), initial=offset)
        offsets = [
            begin + len(whole) - len(whole.lstrip(b"\r\n"))
            for begin, whole in zip(begins, wholes, strict=False)
        ]
        kinds = set(zip(descs, totals, strict=True))
        if len(kinds) == 1 and steps[0] and not any(map(self._rest, set(rests))):
            desc, glued, _ = self._desc(descs[0])
            if not glued:
                self._learn(descs[0], totals[0], desc)
                yield Draws(
                    desc,
                    int(totals[0]),
                    list(map(int, steps)),
                    clocks,
                    postfixes,
                    offsets,
                )
                return
        yield from self._mixed(rows, offsets)

    def _learn(self, raw: bytes, total: bytes, desc: str) -> None:
        """Make a pattern for just this bar: nearly all of a long log is draws of one."""
        self._lane = (
            re.compile(
                rb"\r" + re.escape(raw.rstrip(b" ")) + rb" *\d+%\|[^|\r\n]*\| *(\d+)/" + total +
                rb" \[(\d[\d:]*)<[^,\]\r\n]*,[^,\]\r\n]*, ([^\]\r\n]*)\] *(?=\r|\Z)"
            ),
            desc,
            int(total),
        )  # fmt: skip

    def _express(self, offset: int, data: bytes) -> Draws | None:
        """The whole chunk as draws of the bar seen last, or None when it holds anything else."""
        if self._lane is None or not data.startswith(b"\r") or b"\n" in data:
            return None
        pattern, desc, total = self._lane
        rows = pattern.findall(data)
        if len(rows) < 2 or len(rows) != data.count(b"\r"):
            return None
        steps, clock, postfix = zip(*rows, strict=True)
        # each draw begins behind one carriage return
        lengths = map((1).__add__, map(len, data.split(b"\r")[1:]))
        offsets = list(accumulate(lengths, initial=offset + 1))
        offsets.pop()
        return Draws(desc, total, list(map(int, steps)), clock, postfix, offsets)

    def _mixed(self, rows: list[tuple[bytes, ...]], offsets: list[int]) -> Iterator[Token]:
        draws: Draws | None = None
        key: tuple[str, bytes] | None = None
        for at, (whole, raw, step, total, clock, postfix, rest, text) in enumerate(rows):
            offset = offsets[at]
            if not step:
                line = self._text(offset, text)
                if line is not None:
                    if draws is not None:
                        yield draws
                        draws = key = None
                    yield line
                continue
            desc, glued, rank = self._desc(raw)
            if draws is None or key != (desc, total) or glued:
                if draws is not None:
                    yield draws
                if glued:
                    yield Text(offset, glued, rank)
                clocks: list[bytes] = []
                postfixes: list[bytes] = []
                draws, key = Draws(desc, int(total), [], clocks, postfixes, []), (desc, total)
            draws.steps.append(int(step))
            clocks.append(clock)
            postfixes.append(postfix)
            draws.offsets.append(offset)
            after = self._rest(rest)
            if after:
                yield draws
                draws = key = None
                begin = offset + len(whole.lstrip(b"\r\n")) - len(rest)
                line = self._glued(begin, rest)
                if line is not None:
                    yield line
        if draws is not None:
            yield draws

    def _desc(self, raw: bytes) -> tuple[str, str, int | None]:
        """A bar's description, text that was glued before it, and the rank in its prefix."""
        known = self._descs.get(raw)
        if known is None:
            text, rank = _strip(_clean(raw))
            text = text.rstrip()
            desc = text.removesuffix(":").strip()
            glued = ""
            if len(desc) > 120:
                glued, desc = desc, desc[-40:]
            known = (desc, glued, rank)
            if len(self._descs) < 4096:
                self._descs[raw] = known
        return known

    def _rest(self, raw: bytes) -> str:
        """What is glued to the end of a bar, without escapes and padding."""
        if not raw:
            return ""
        known = self._rests.get(raw)
        if known is None:
            known = _clean(raw).strip()
            if len(self._rests) < 4096:
                self._rests[raw] = known
        return known

    def _glued(self, offset: int, rest: bytes) -> Text | None:
        """A line behind a bar, which is padded with blanks where it was longer before."""
        blanks = len(rest) - len(rest.lstrip(b" "))
        if blanks >= 10 and _LEVEL.match(rest, blanks):
            blanks -= min(blanks, 20)  # those that stand for a repeated time
        return self._text(offset + blanks, rest[blanks:])

    def _text(self, offset: int, raw: bytes) -> Text | None:
        text, rank = _strip(_clean(raw[: 4 * KEPT]).rstrip())
        if not text.strip() or _UNCOUNTED.search(text) or _SCALED.search(text):
            return None
        return Text(offset, text[:KEPT], rank)


def _separator(data: bytes) -> int:
    found = [at for at in (data.find(b"\r"), data.find(b"\n")) if at >= 0]
    return min(found, default=-1)


def _whole_bar(last: bytes) -> bool:
    """Whether the unfinished last line is a finished bar with nothing behind it."""
    if not last.rstrip(b" ").endswith(b"]") and b"\x1b" not in last:
        return False
    found = _TOKEN.match(last)
    return bool(found and found.group(3) and not _ESCAPES.sub(b"", found.group(7)).strip())


def _clean(raw: bytes) -> str:
    if b"\x1b" in raw:
        raw = _ESCAPES.sub(b"", raw)
    return _CONTROLS.sub("", raw.decode("utf-8", "replace").expandtabs(8))


def _strip(text: str) -> tuple[str, int | None]:
    """Text without the prefixes that containers, launchers and loggers put before each line."""
    rank: int | None = None
    for _ in range(4):
        found = _RANK.match(text)
        if found:
            rank = int(found.group(1))
        else:
            for prefix in _PREFIXES:
                found = prefix.match(text)
                if found:
                    break
        if not found:
            break
        text = text[found.end() :]
    return text, rank
