"""The commands of a Windows batch file, with variables put in. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loratui.configs.base import Fault, Reading, Unreadable
from loratui.configs.words import ENOUGH, JOIN, LONGEST, Command, Word, split


def commands(text: str) -> tuple[list[Command], list[Fault]]:
    """All commands of a script, in order, and what is wrong with it."""
    batch = _Batch(text.replace(JOIN, "").replace("\0", ""))
    found: list[Command] = []
    try:
        found += batch.commands()
    except Unreadable as error:
        batch.reading.faults.append(error.fault)
    return found, batch.reading.faults


class _Batch:
    """cmd.exe: `^` at the end of a line, `%X%`, `set X=…`, REM and ::."""

    _SET = re.compile(r'\s*@?set\s+("?)([A-Za-z_][\w.]*)=(.*)', re.IGNORECASE | re.DOTALL)
    _COMMENT = re.compile(r"\s*@?(?:rem\b|::)", re.IGNORECASE)
    _PIECE = re.compile(r'"[^"\n]*"?|\^\n\s*|\^.|[ \t\n]+|[&|<>]+|[^ \t\n"^&|<>]+', re.DOTALL)

    def __init__(self, text: str) -> None:
        self.reading = Reading()
        self._text = text
        self._variables: dict[str, str] = {}
        self._left = ENOUGH

    def commands(self) -> Iterator[Command]:
        line = 1
        rows = self._text.split("\n")[::-1]
        while rows:
            row, begin = rows.pop(), line
            line += 1
            if not self._COMMENT.match(row):
                parts = [row]
                while parts[-1].rstrip(" \t").endswith("^") and rows:
                    parts[-1] = parts[-1].rstrip(" \t")
                    parts.append(rows.pop())
                    line += 1
                row = "\n".join(parts)
                found = self._SET.fullmatch(row)
                if found:
                    value = found[3].rstrip()
                    self._keep(
                        found[2], value[:-1] if found[1] and value[-1:] == '"' else value, begin
                    )
                else:
                    yield from self._split(row, begin)

    def _keep(self, name: str, value: str, line: int) -> None:
        value = self._expanded(value.replace("^\n", JOIN))
        if len(value) > LONGEST:
            self.reading.say(line, name, f"a variable longer than {LONGEST} characters")
            value = ""
        self._variables[name.lower()] = value

    def _expanded(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            known = self._variables.get(found[1].lower(), found.group())
            self._left -= len(known)
            if self._left < 0:
                text = f"variables stand for more than {ENOUGH} characters"
                raise Unreadable(0, found[1], text)
            return known

        return re.sub(r"[%!]([A-Za-z_][\w.]*)[%!]", value, text)

    def _split(self, row: str, line: int) -> Iterator[Command]:
        words: Command = []
        texts: list[str] = []
        raws: list[str] = []
        quoted = redirect = False

        def end() -> None:
            nonlocal quoted, redirect
            text, raw = "".join(texts), "".join(raws)
            if raw and redirect:
                redirect = False
            elif raw and not quoted and raw != text and " " in text:
                words.extend(split([Word(text, raw, line)]))
            elif raw:
                words.append(Word(text.replace(JOIN, ""), raw, line))
            texts.clear()
            raws.clear()
            quoted = False

        for found in self._PIECE.finditer(row):
            piece = found.group()
            if piece.isspace() or piece.startswith("^\n"):
                end()
            elif piece[0] in "&|":
                end()
                yield list(words)
                words.clear()
            elif piece[0] in "<>":
                end()
                redirect = True
            else:
                bare = piece.removeprefix("^")
                if piece[0] == '"':
                    quoted, bare = True, piece.strip('"')
                    if len(piece) < 2 or piece[-1] != '"':
                        said = "the text is not closed: a quotation mark is missing"
                        self.reading.say(line, "", said)
                raws.append(piece)
                texts.append(self._expanded(bare))
            line += piece.count("\n")
        end()
        if words:
            yield words
