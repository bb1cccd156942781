"""The commands of a PowerShell script, with variables put in. Nothing is executed.

Conditions are followed as far as the script itself says how they end. What hangs on anything else
is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from loratui.configs.base import Fault, Reading, Unreadable
from loratui.configs.powershell_scanner import Scanner
from loratui.configs.powershell_values import UNKNOWN, Unknown, Value, shown, truth
from loratui.configs.words import JOIN, Command, Word

_ASSIGN = re.compile(
    r"(?:\[[\w.\[\]]+\]\s*)*\$(?:\{(?P<long>[^}\n]*)\}|(?P<name>(?:\w+:)?\w+))\s*(?P<add>\+?)=(?!=)"
)
_ADD = re.compile(
    r"(?:\[void\]\s*|\$null\s*=\s*)?\$(?P<name>\w+)\.Add(?P<many>Range)?\s*(?=\()", re.IGNORECASE
)
_WHOLE = re.compile(r"[@$](?:\{([^}\n]*)\}|((?:\w+:)?\w+))(?=[\s;|})]|$)")
_WORD = re.compile(r"[A-Za-z]\w*\b")
_REDIRECT = re.compile(r"[\d*]?>>?(?P<stream>&\d)?")
_HELD = re.compile(
    r"(?:function|filter|class|foreach|for|while|switch|do|catch|finally|trap|elseif|else)\b",
    re.IGNORECASE,
)
_RUN = re.compile(r"(?:try|begin|process|end)\s*(?=\{)", re.IGNORECASE)
_IF = re.compile(r"if\s*(?=\()", re.IGNORECASE)
_ELSE = re.compile(r"else(?P<more>if)?\b", re.IGNORECASE)
_PARAM = re.compile(r"param\s*\(", re.IGNORECASE)


def commands(text: str) -> tuple[list[Command], list[Fault]]:
    """All commands of a script that run, in order, and what is wrong with it."""
    script = _Script(Scanner(text.replace(JOIN, "").replace("\0", ""), Reading()))
    found: list[Command] = []
    try:
        found += script.statements()
    except Unreadable as error:
        script.scanner.reading.faults.append(error.fault)
    return found, script.scanner.reading.faults


class _Script:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner

    def statements(self, *, block: bool = False) -> Iterator[Command]:
        """Commands up to the end, or up to the `}` of a block."""
        scan = self.scanner
        while True:
            scan.blanks(lines=True)
            if scan.at >= len(scan.text):
                return
            sign = scan.peek()
            if sign == "}" and block:
                scan.at += 1
                return
            if sign in "{};|&)":
                scan.at += 1
            elif scan.match(_IF):
                for run in self._branches():
                    yield from self._block(run)
            elif scan.match(_PARAM):
                self._parameters()
            elif scan.match(_RUN):
                yield from self._held(run=True)
            elif _HELD.match(scan.text, scan.at):
                yield from self._held(run=False)
            elif found := scan.match(_ADD):
                self._add(found)
            elif found := scan.match(_ASSIGN):
                self._assign(found)
            elif words := self._command():
                yield words

    # variables

    def _parameters(self) -> None:
        """`param( … )`: each default is what the variable has."""
        scan = self.scanner
        while scan.at < len(scan.text):
            scan.blanks(lines=True)
            if scan.peek() == ")":
                scan.at += 1
                return
            if found := scan.match(_ASSIGN):
                scan.blanks()
                scan.keep(found["long"] or found["name"], scan.primary())
            elif scan.peek() in "[(":
                scan.skip()
            else:
                scan.at += 1

    def _assign(self, found: re.Match[str]) -> None:
        scan = self.scanner
        scan.blanks()
        line = scan.line()
        if scan.match(_IF):
            value = self._chosen()
        else:
            value = scan.expression()
            scan.blanks()
            if scan.peek() not in ("", "\n", ";", "}", ")"):
                value = UNKNOWN  # what a command prints
                self._command()
        if isinstance(value, list):
            value = [word if word.line else replace(word, line=line) for word in value]
        scan.keep(found["long"] or found["name"], value, add=bool(found["add"]))

    def _add(self, found: re.Match[str]) -> None:
        """`[void]$list.Add( … )`"""
        scan = self.scanner
        line = scan.line()
        value = scan.bracket(lines=bool(found["many"]))
        if not isinstance(value, list):
            value = (
                UNKNOWN if isinstance(value, Unknown) else [Word(shown(value), shown(value), line)]
            )
        known = scan.variables.get(found["name"].lower())
        if not isinstance(value, Unknown):
            scan.keep(found["name"], [*(known if isinstance(known, list) else ()), *value])

    def _chosen(self) -> Value:
        """The value of the block that an `if` behind `=` runs."""
        scan = self.scanner
        chosen: Value = None
        for run in self._branches():
            scan.blanks(lines=True)
            value = scan.expression()
            end = scan.text.find("}", scan.at)
            scan.at = len(scan.text) if end < 0 else end + 1
            if run is None:
                chosen = UNKNOWN
            elif run:
                chosen = value
        return chosen

    # blocks

    def _held(self, *, run: bool) -> Iterator[Command]:
        """The block behind a word: of a loop, a function, another `try`."""
        scan = self.scanner
        end = scan.text.find("{", scan.at)
        scan.at = len(scan.text) if end < 0 else end + 1
        yield from self._block(run)

    def _block(self, run: bool | None) -> Iterator[Command]:
        """The commands of a block that runs; None: whether it does is not known."""
        scan = self.scanner
        scan.deeper()
        line, before, faults = scan.line(), dict(scan.variables), len(scan.reading.faults)
        found = list(self.statements(block=True))
        scan.depth -= 1
        if run:
            yield from found
            return
        del scan.reading.faults[faults:]
        after = scan.variables
        changed = [name for name, value in before.items() if after.get(name) != value]
        scan.variables = before
        if run is None and changed:
            text = "a condition that is known only where it runs: what hangs on it is left out"
            scan.reading.say(line, "", text)
            for name in changed:
                if not isinstance(before[name], list):
                    scan.variables[name] = UNKNOWN

    def _branches(self) -> Iterator[bool | None]:
        """Whether each block of an `if` runs; the place is behind its `{`."""
        scan = self.scanner
        open_: bool | None = True  # none of the blocks before has run
        while True:
            held: bool | None = True
            if scan.peek() == "(":
                held = truth(scan.bracket())
            scan.blanks(lines=True)
            if scan.peek() != "{":
                scan.reading.say(scan.line(), "", "a { is expected")
                return
            scan.at += 1
            if open_ is False or held is False:
                yield False
            else:
                yield True if open_ and held else None
            if held or open_ is False:
                open_ = False
            elif held is None:
                open_ = None
            after = scan.at
            scan.blanks(lines=True)
            if not scan.match(_ELSE):
                scan.at = after
                return
            scan.blanks(lines=True)

    # commands

    def _command(self) -> Command:
        """The words up to the end of the command."""
        scan = self.scanner
        words: Command = []
        redirect = False
        while True:
            scan.blanks()
            if scan.peek() in ("", "\n", ";", "|", "}"):
                return words
            if scan.peek() in ("&", ")"):
                scan.at += 1
                if words:
                    return words
            elif found := scan.match(_REDIRECT):
                redirect = found["stream"] is None
            else:
                given = self._word()
                words += () if redirect else given
                redirect = False

    def _word(self) -> Command:
        """One word; a variable that is a list makes several."""
        scan = self.scanner
        begin, line = scan.at, scan.line()
        whole = _WHOLE.match(scan.text, begin)
        if whole is not None:
            value = scan.value((whole[1] or whole[2]).lower())
            if isinstance(value, list):
                scan.at = whole.end()
                return list(value)
        parts: list[str] = []
        while scan.at < len(scan.text):
            sign = scan.peek()
            if sign in " \t\r\n;|})" or scan.continued():
                break
            if sign == "'":
                parts.append(scan.single())
            elif sign == '"':
                parts.append(scan.double())
            elif sign in "$(":
                parts.append(scan.inside())
            elif sign == "`":
                parts.append(scan.text[scan.at + 1 : scan.at + 2])
                scan.at += 2
            else:
                parts.append(sign)
                scan.at += 1
        raw = scan.text[begin : scan.at]
        return [Word("".join(parts), raw, line)] if raw else []
