"""JSON with the line of every key. Comments, stray commas and bare words are named, then read."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from itertools import count
from typing import Any

from loratui.configs.base import Node, Reading, Unreadable
from loratui.kb.marked import DEEPEST, MOST

_TOKEN = re.compile(
    r"(?P<space>[ \t\n\r\f\v]+)"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)"
    r"|(?P<sign>[{}\[\],:])"
    r'|(?P<open>"[^\n]*)'
    r"|(?P<single>'(?:[^'\\\n]|\\.)*')"
    r"|(?P<word>[^\s{}\[\],:\"']+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_SPECIAL = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
_LOOSE = {"True": True, "False": False, "None": None}
_ENOUGH = 20  # faults after which the rest is not worth telling


def parse(text: str) -> Reading:
    """The values of `text`; what is wrong is named, and read all the same where it is clear."""
    parser = _Parser(text)
    try:
        parser.whole()
    except Unreadable as error:
        parser.reading.faults.append(error.fault)
    return parser.reading


class _Parser:
    def __init__(self, text: str) -> None:
        self.reading = Reading()
        self._text = text
        self._lines = [match.end() for match in re.finditer("\n", text)]
        self._left = MOST
        self._commented = False
        self._at = 0
        self._before = 0  # end of the last token
        self._kind = self._token = ""
        self._start = 0
        self._next()

    def _line(self, at: int) -> int:
        return bisect_right(self._lines, at) + 1

    def _say(self, at: int, key: str, text: str) -> None:
        if len(self.reading.faults) >= _ENOUGH:
            raise Unreadable(self._line(at), key, "too much is wrong to read on")
        self.reading.say(self._line(at), key, text)

    def _next(self) -> None:
        self._before = self._start + len(self._token)
        while True:
            found = _TOKEN.match(self._text, self._at)
            if found is None:
                self._kind, self._token, self._start = "end", "", len(self._text)
                return
            self._at = found.end()
            self._kind = found.lastgroup or ""
            if self._kind == "comment":
                if not self._commented:
                    self._say(found.start(), "", "a comment: JSON has none")
                self._commented = True
            elif self._kind != "space":
                self._token, self._start = found.group(), found.start()
                return

    def whole(self) -> None:
        if self._kind == "end":
            raise Unreadable(1, "", "the file is empty: a { is expected")
        if self._token not in ("{", "["):
            raise Unreadable(self._line(self._start), "", "no JSON: a { is expected")
        self.reading.root = self._value("", 0)
        if self._kind != "end":
            self._say(self._start, "", "the end is expected after the last bracket")

    def _value(self, key: str, depth: int) -> Node:
        self._left -= 1
        at, line = self._start, self._line(self._start)
        if depth > DEEPEST:
            raise Unreadable(line, key[:60], f"nested deeper than {DEEPEST} levels")
        if self._left < 0:
            raise Unreadable(line, "", f"more than {MOST} values")
        value: Any
        if self._token in ("{", "["):
            value = self._inside(key, depth, self._token)
        else:
            value = self._scalar(key)
            self._next()
        return Node(value, line, self._text[at : self._before])

    def _inside(self, key: str, depth: int, bracket: str) -> dict[str, Node] | list[Node]:
        opened, closing = self._start, "}" if bracket == "{" else "]"
        members: dict[str, Node] = {}
        items: list[Node] = []
        self._next()
        for number in count():
            if self._token == closing and self._kind == "sign":
                self._next()
                break
            if self._kind == "end" or (self._kind == "sign" and self._token in "}]"):
                line = self._line(opened)
                text = f"a {closing} is expected for the {bracket} of line {line}"
                self._say(self._before, key, text)
                break
            if number and not self._comma(key, closing):
                continue
            if bracket == "{":
                self._member(members, key, depth)
            else:
                items.append(self._value(f"{key}[{number}]", depth + 1))
        return members if bracket == "{" else items

    def _comma(self, key: str, closing: str) -> bool:
        """Step over the comma between two values; False where the list ends behind it."""
        if self._token != ",":
            self._say(max(0, self._before - 1), key, "a comma is expected after the value")
            return True
        at = self._start
        self._next()
        if self._kind == "sign" and self._token == closing:
            self._say(at, key, f"a comma before the {closing}: JSON has none after the last value")
            return False
        return True

    def _member(self, members: dict[str, Node], above: str, depth: int) -> None:
        at, line = self._start, self._line(self._start)
        if self._kind == "sign":
            self._say(at, above, f"a key in quotation marks is expected, not {self._token}")
            self._next()
            return
        name = str(self._key(above))
        key = f"{above}.{name}" if above else name
        self._next()
        if self._token == ":":
            self._next()
        else:
            self._say(at, key, "a : is expected after the key")
        if self._kind == "end" or (self._kind == "sign" and self._token in ",}]:"):
            self._say(self._before, key, "a value is expected after the :")
            return
        if name in members:
            first = members.pop(name).line
            text = f"the key {name!r} is given twice, first in line {first}: the last counts"
            self._say(at, key, text)
        node = self._value(key, depth + 1)
        members[name] = Node(node.value, line, node.raw)

    def _key(self, above: str) -> object:
        if self._kind == "word":
            self._say(self._start, above, f"quotation marks are expected round {self._token[:60]}")
            return self._token
        return self._scalar(above)

    def _scalar(self, key: str) -> object:
        token, kind = self._token, self._kind
        if kind == "text":
            return self._string(token, key)
        if kind == "open":
            self._say(self._start, key, "the text is not closed: a quotation mark is missing")
            return token[1:].rstrip().rstrip(",")
        if kind == "single":
            self._say(self._start, key, 'text stands in double quotation marks: "')
            return token[1:-1]
        if kind == "word":
            return self._word(token, key)
        self._say(self._start, key, "a value is expected")
        return None

    def _string(self, token: str, key: str) -> str:
        try:
            return str(json.loads(token, strict=False))
        except ValueError:
            text = "a \\ in a text begins an escape: write \\\\ or / in a path"
            self._say(self._start, key, text)
            return token[1:-1]

    def _word(self, token: str, key: str) -> object:
        if token in _WORDS:
            return _WORDS[token]
        if token in _SPECIAL:
            return float(_SPECIAL[token])
        number = _NUMBER.fullmatch(token)
        if number:
            whole = number[1] is None and number[2] is None and len(token) < 64
            return int(token) if whole else float(token)
        if token in _LOOSE:
            text = f"{token} is Python: JSON writes {json.dumps(_LOOSE[token])}"
            self._say(self._start, key, text)
            return _LOOSE[token]
        self._say(self._start, key, f"quotation marks are expected round {token[:60]}")
        return token
