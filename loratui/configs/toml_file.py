"""TOML with the line of every key: an own scan finds the statements, tomllib reads their values."""

from __future__ import annotations

import re
import tomllib

from loratui.configs.base import Node, Reading, Unreadable, marked
from loratui.kb.marked import DEEPEST, dotted

_BARE = r"[A-Za-z0-9_-]+"
_QUOTED = r'"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'"
_STEP = re.compile(rf"[ \t]*({_BARE}|{_QUOTED})[ \t]*")
_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)")
_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|' + r"'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?!"")(?:[^"\\\n]|\\.)*"|' + r"'(?!'')[^'\n]*'|\#[^\n]*|[\[{]|[\]}]|\n|[^\"'\#\[\]{}\n]+|.",
    re.DOTALL,
)
_STATEMENT = re.compile(rf"\n[ \t]*(?:\[|(?:{_BARE}|{_QUOTED})[ \t]*=)")
_EXPECTED = (
    ("Illegal character '\\n'", "the text is not closed: a quotation mark is missing"),
    ("Unterminated string", "the text is not closed: a quotation mark is missing"),
    ("Expected \"'", "the text is not closed: a quotation mark is missing"),
    ("Unescaped '\\'", "a \\ in double quotation marks begins an escape: write '…' or \\\\"),
    ("Invalid hex value", "a \\ in double quotation marks begins an escape: write '…' or \\\\"),
    ("Unclosed array", "a ] is missing"),
    ("Unclosed inline table", "a } is missing"),
    ("Invalid value", "a value is expected: text in quotation marks, true and false small"),
    ("Expected '=' after", "a = is expected after the key"),
    ("Expected newline", "the end of the line is expected after the value"),
    ("Cannot declare", "the table is given twice"),
    ("Cannot overwrite", "the key is given twice"),
    ("Cannot mutate", "the table is already given as a value"),
    ("Expected ']", "a ] is expected"),
    ("Invalid initial character", "a key is expected"),
)  # fmt: skip
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

_Way = list[str | int]


def parse(text: str) -> Reading:
    """The values of `text`; what is wrong is named and the next statement is read."""
    scan = _Scan(text)
    try:
        scan.whole()
        if not scan.reading.faults:
            tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, said = explained(error)
        scan.reading.say(line or text.count("\n") + 1, "", said)
    except RecursionError:
        scan.reading.say(1, "", f"nested deeper than {DEEPEST} levels")
    except Unreadable as error:
        scan.reading.faults.append(error.fault)
    return scan.reading


def explained(error: Exception) -> tuple[int, str]:
    """(line or 0, what is expected) of tomllib's error."""
    said = str(error)
    place = _PLACE.search(said)
    line = int(place[1]) if place and place[1] else 0
    bare = said[: place.start()] if place else said
    for begin, text in _EXPECTED:
        if bare.startswith(begin):
            return line, text
    return line, f"not readable as TOML: {bare[:120]}"


class _Scan:
    def __init__(self, text: str) -> None:
        self.reading = Reading(Node({}, 1))
        self._text = text
        self._at = 0
        self._line = 1
        self._seen_to = 0
        self._table: _Way = []
        self._arrays: dict[tuple[str | int, ...], int] = {}
        self._given: dict[tuple[str | int, ...], int] = {}

    def whole(self) -> None:
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                self._header()
            else:
                self._pair()

    def _where(self, at: int) -> int:
        """The line of an offset; offsets only ever grow."""
        self._line += self._text.count("\n", self._seen_to, at)
        self._seen_to = at
        return self._line

    def _skip(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1

    def _keys(self) -> list[str] | None:
        """The dotted key at the place, or nothing where there is none."""
        keys: list[str] = []
        while True:
            found = _STEP.match(self._text, self._at)
            if found is None:
                return None
            self._at = found.end()
            keys.append(_unquoted(found[1]))
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _header(self) -> None:
        line = self._where(self._at)
        array = self._text.startswith("[[", self._at)
        closing = "]]" if array else "]"
        self._at += len(closing)
        keys = self._keys()
        if keys is None or not self._text.startswith(closing, self._at):
            self.reading.say(line, "", f"a name and a {closing} are expected")
            self._skip()
            return
        self._at += len(closing)
        rest = _REST.match(self._text, self._at)
        if rest is None:
            self.reading.say(line, "", f"the end of the line is expected after the {closing}")
        self._skip()
        way = [*self._resolved(keys[:-1]), keys[-1]]
        if array:
            place = tuple(way)
            self._arrays[place] = self._arrays.get(place, 0) + 1
            way.append(self._arrays[place] - 1)
        else:
            way = self._resolved(keys)
        self._table = way
        self._put(way, None, line)

    def _resolved(self, keys: list[str]) -> _Way:
        """The way of a table's name: inside lists of tables it means the last entry."""
        way: _Way = []
        for key in keys:
            way.append(key)
            if tuple(way) in self._arrays:
                way.append(self._arrays[tuple(way)] - 1)
        return way

    def _pair(self) -> None:
        line = self._where(self._at)
        keys = self._keys()
        if keys is None or not self._text.startswith("=", self._at):
            word = keys[0] if keys else ""
            self.reading.say(
                line, word, "a = is expected after the key" if keys else "a key is expected"
            )
            self._skip()
            return
        way = [*self._table, *keys]
        raw, closed = self._raw(self._at + 1)
        key = dotted(way)
        value: object
        try:
            value = tomllib.loads(f"v = {raw}\n")["v"]
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            inner, said = explained(error)
            if not closed:
                said = "a ] or } is missing"
            elif not raw:
                said = "a value is expected after the ="
            self.reading.say(
                line + max(0, inner - 1 if inner <= raw.count("\n") + 1 else 0), key, said
            )
            value = raw.strip("\"'")
        if tuple(way) in self._given:
            first = self._given[tuple(way)]
            self.reading.say(
                line, key, f"the key {keys[-1]!r} is given twice, first in line {first}"
            )
        self._given[tuple(way)] = line
        self._put(way, marked(value, line, raw), line)

    def _raw(self, start: int) -> tuple[str, bool]:
        """The text of the value that begins at `start`, and whether its brackets are closed."""
        depth, at = 0, start
        while at < len(self._text):
            found = _PIECE.match(self._text, at)
            assert found is not None
            piece = found.group()
            if piece in ("[", "{"):
                depth += 1
                if depth > DEEPEST:
                    raise Unreadable(self._where(start), "", f"nested deeper than {DEEPEST} levels")
            elif piece in ("]", "}"):
                depth -= 1
            elif depth <= 0 and (piece == "\n" or piece[0] == "#"):
                break
            at = found.end()
        closed = depth <= 0
        if not closed:  # what follows is most likely the next statement
            found = _STATEMENT.search(self._text, start)
            at = found.start() if found else len(self._text)
        self._at = at
        return self._text[start:at].strip(), closed

    def _put(self, way: _Way, node: Node | None, line: int) -> None:
        """Put a value into the tree; None only makes the table."""
        here = self.reading.root
        assert here is not None
        steps = way if node is None else way[:-1]
        for step, then in zip(steps, [*steps, ""][1:], strict=True):
            empty: object = [] if isinstance(then, int) else {}
            if isinstance(step, int):
                if not isinstance(here.value, list):
                    return
                while len(here.value) <= step:
                    here.value.append(Node(empty, line))
                here = here.value[step]
            else:
                if not isinstance(here.value, dict):
                    return  # given as a value before: tomllib says so
                here = here.value.setdefault(step, Node(empty, line))
        if node is not None and isinstance(here.value, dict):
            here.value[str(way[-1])] = node


def _unquoted(word: str) -> str:
    if word[0] == "'":
        return word[1:-1]
    if word[0] == '"':
        try:
            return str(tomllib.loads(f"v = {word}")["v"])
        except tomllib.TOMLDecodeError:
            return word[1:-1]
    return word
