"""A PowerShell script, read sign by sign: texts with variables, lists, conditions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from loratui.configs.base import Reading, Unreadable
from loratui.configs.powershell_values import (
    UNKNOWN,
    Unknown,
    Value,
    added,
    compare,
    settled,
    shown,
    truth,
)
from loratui.configs.words import ENOUGH, LONGEST, Word

DEEPEST = 40
"""Brackets and blocks inside each other."""

_VARIABLE = re.compile(r"\$(?:\{([^}\n]*)\}|((?:env|global|script|local|private):)?(\w+))", re.I)
_CONTINUED = re.compile(r"`[ \t\r]*\n")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.])", re.I)
_TYPE = re.compile(r"\[[A-Za-z][\w.]*(?:\[\])?\]")
_EMPTY = re.compile(r"\[System\.Collections\.[\w.]*\]::new\(\s*\)|New-Object\s+System\.\S+", re.I)
_COMPARISON = re.compile(
    r"-[ic]?(eq|ne|gt|ge|lt|le|like|notlike|match|notmatch|in|notin|contains|notcontains)\b", re.I
)
_NOT = re.compile(r"!|-not\b", re.I)
_JOINS = re.compile(r"-(and|or)\b", re.I)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": ""}
# set by PowerShell itself
_AUTOMATIC = frozenset((
    "args", "pwd", "home", "host", "pid", "profile", "psscriptroot", "pscommandpath", "error", "_",
    "lastexitcode", "input", "iswindows", "islinux", "ismacos", "psversiontable", "myinvocation",
))  # fmt: skip
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


@dataclass
class Scanner:
    """A script, the place in it, and the variables so far. `reading` collects what is wrong."""

    text: str
    reading: Reading
    at: int = 0
    variables: dict[str, Value] = field(default_factory=dict)
    left: int = ENOUGH
    depth: int = 0
    breaks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaks = [found.start() for found in re.finditer("\n", self.text)]

    def line(self, at: int | None = None) -> int:
        return bisect_left(self.breaks, self.at if at is None else at) + 1

    def peek(self, size: int = 1) -> str:
        return self.text[self.at : self.at + size]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, passed over."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def blanks(self, *, lines: bool = False) -> None:
        """Pass over blanks, comments and continued lines; over line ends as well if asked."""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in " \t\r" or (lines and sign == "\n"):
                self.at += 1
            elif self.text.startswith("<#", self.at):
                end = self.text.find("#>", self.at)
                self.at = len(self.text) if end < 0 else end + 2
            elif sign == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif found := self.continued():
                self.at = found.end()
            else:
                return

    def continued(self) -> re.Match[str] | None:
        """A backtick at the end of the line."""
        return _CONTINUED.match(self.text, self.at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable(self.line(), "", f"nested deeper than {DEEPEST} levels")

    def variable(self) -> Value:
        """The value at a `$`."""
        found = self.match(_VARIABLE)
        if found is None:
            self.at += 1
            return "$"
        return self.value(found[1] if found[1] is not None else f"{found[2] or ''}{found[3]}")

    def value(self, name: str) -> Value:
        """The value of a variable; one that is not set is nothing, unless others set it."""
        name = re.sub(r"^(?:global|script|local|private):", "", name.lower())
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        foreign = name in _AUTOMATIC or name.startswith("env:")
        value = self.variables.get(name, UNKNOWN if foreign else None)
        self.left -= len(shown(value)) + 1
        if self.left < 0:
            said = f"variables stand for more than {ENOUGH} characters"
            raise Unreadable(self.line(), name, said)
        return value

    def keep(self, name: str, value: Value, *, add: bool = False) -> None:
        """Set a variable, or add to it."""
        name = name.lower()
        if add:
            value = added(self.variables.get(name, UNKNOWN), value)
        if len(shown(value)) > LONGEST:
            self.reading.say(self.line(), name, f"a variable longer than {LONGEST} characters")
            value = UNKNOWN
        self.variables[name] = value

    # texts

    def single(self) -> str:
        """A text in single quotes; two of them stand for one."""
        return self._quoted("'", lambda: self.text[self.at - 1])

    def double(self) -> str:
        """A text in double quotes, with its variables."""

        def more() -> str:
            sign = self.text[self.at - 1]
            if sign == "`":
                sign = self.peek()
                self.at += 1
                return _ESCAPES.get(sign, sign)
            if sign == "$":
                self.at -= 1
                return self.inside()
            return sign

        return self._quoted('"', more)

    def inside(self) -> str:
        """A variable, `( )` or `$( )` inside a text; what is not known stays as it is written."""
        begin = self.at
        if self.peek() == "(" or self.peek(2) == "$(":
            self.at += self.peek() == "$"
            value = self.bracket()
        else:
            value = self.variable()
        return self.text[begin : self.at] if isinstance(value, Unknown) else shown(value)

    def _quoted(self, quote: str, more: Callable[[], str]) -> str:
        line, parts = self.line(), list[str]()
        self.at += 1
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign != quote:
                parts.append(more())
            elif self.peek() == quote:
                parts.append(quote)
                self.at += 1
            else:
                return "".join(parts)
        said = "the text is not closed: a quotation mark is missing"
        self.reading.say(line, "", said)
        return "".join(parts)

    def here(self) -> str:
        """A text over several lines between `@"` and `"@`."""
        quote = self.text[self.at + 1]
        end = self.text.find(f"\n{quote}@", self.at)
        begin = self.text.find("\n", self.at) + 1
        if end < 0 or not begin:
            said = "the text is not closed: a quotation mark is missing"
            self.reading.say(self.line(), "", said)
            end, begin = len(self.text), self.at + 2
        text = self.text[begin : max(begin, end)]
        self.at = min(len(self.text), end + 3)
        return text

    # expressions

    def expression(self) -> Value:
        """An `-or` of `-and`s of comparisons; a value where there is none."""
        self.deeper()
        value = self._compared()
        while True:
            self.blanks()
            found = self.match(_JOINS)
            if found is None:
                self.depth -= 1
                return value
            other = self._compared()
            one, two = truth(value), truth(other)
            value = settled(one, two, decides=found[1].lower() == "or")

    def _compared(self) -> Value:
        self.blanks()
        if self.match(_NOT):
            self.deeper()
            known = truth(self._compared())
            self.depth -= 1
            return UNKNOWN if known is None else not known
        left = self.sum()
        self.blanks()
        found = self.match(_COMPARISON)
        if found is None:
            return left
        return compare(found[1].lower(), left, self.sum())

    def sum(self) -> Value:
        """Values with `+` or commas between them."""
        value = self.primary()
        words: list[Word] | None = None
        while True:
            self.blanks()
            if self.peek() == "+" and self.peek(2) not in ("++", "+="):
                self.at += 1
                self.blanks(lines=True)
                value = added(value, self.primary())
            elif self.peek() == ",":
                words = [] if words is None else words
                words += self._words(value)
                self.at += 1
                self.blanks(lines=True)
                value = self.primary()
            elif words is not None:
                return words + self._words(value)
            else:
                return value

    def _words(self, value: Value) -> list[Word]:
        if isinstance(value, list):
            return value
        text = shown(value)
        return [Word(text, text, self.line())]

    def primary(self) -> Value:
        """One value without operators."""
        self.blanks()
        sign = self.peek()
        if self.match(_EMPTY):
            return []
        if found := self.match(_TYPE):
            self.deeper()
            value = self.primary()
            self.depth -= 1
            if found.group().lower() != "[bool]" or isinstance(value, Unknown):
                return value
            return bool(truth(value))
        if sign == "'":
            return self.single()
        if sign == '"':
            return self.double()
        if self.peek(2) in ('@"', "@'"):
            return self.here()
        if self.peek(2) == "@(":
            self.at += 1
            return self._words(self.bracket(lines=True))
        if self.peek(2) == "$(":
            self.at += 1
            return self.bracket()
        if sign == "(":
            return self.bracket()
        if sign == "$":
            return self._member(self.variable())
        if found := self.match(_NUMBER):
            text = found.group()
            return float(text) if re.search(r"[.e]", text, re.I) else int(text)
        self.skip()
        return UNKNOWN

    def _member(self, value: Value) -> Value:
        """`.Count`, `[0]` and calls: known only where the script runs."""
        if self.peek() in (".", "[") and re.match(r"\.\w|\[", self.peek(2)):
            self.skip()
            return UNKNOWN
        return value

    def bracket(self, *, lines: bool = False) -> Value:
        """What stands in round brackets; several lines are a list."""
        self.deeper()
        self.at += 1
        found: list[Value] = []
        while True:
            self.blanks(lines=True)
            if self.at >= len(self.text):
                self.reading.say(self.line(), "", "a ) is missing")
                break
            if self.peek() == ")":
                self.at += 1
                break
            begin = self.at
            if self.peek() in ";,":
                self.at += 1
            else:
                found.append(self.expression())
            if self.at == begin:  # nothing that is understood
                self.at += 1
                found.append(UNKNOWN)
        self.depth -= 1
        if len(found) == 1:
            return found[0]
        if lines:
            return [word for value in found for word in self._words(value)]
        return [] if not found else UNKNOWN

    def skip(self) -> None:
        """Pass over a word that is not understood, with its brackets."""
        depth = 0
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in "([{":
                depth += 1
            elif sign in ")]}":
                if not depth:
                    return
                depth -= 1
            elif not depth and (sign in " \t\r\n;,|#" or sign in "'\""):
                return
            self.at += 1
