"""The commands of a shell script, with variables put in. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loratui.configs.base import Fault, Reading, Unreadable
from loratui.configs.words import ENOUGH, JOIN, LONGEST, Command, Word, split

_ASSIGN = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_NAME = re.compile(r"\$(?:(\w+)|\{([^}\n]*)\})")
_DEFAULT = re.compile(r"(\w+):?-(.*)", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*[\"']?(\w+)[\"']?")
_BREAK = frozenset(" \t\n;|&<>()")
_SETTING = frozenset(("export", "local", "declare", "readonly", "typeset", "set"))


def commands(text: str) -> tuple[list[Command], list[Fault]]:
    """All commands of a script, in order, and what is wrong with it."""
    shell = _Shell(text.replace(JOIN, "").replace("\0", ""))
    found: list[Command] = []
    try:
        found += shell.commands()
    except Unreadable as error:
        shell.reading.faults.append(error.fault)
    return found, shell.reading.faults


class _Shell:
    """sh and bash: quotes, `\\` at the end of a line, `$X`, `${X}`, lists, comments."""

    def __init__(self, text: str) -> None:
        self.reading = Reading()
        self._text = text
        self._at = 0
        self._line = 1
        self._variables: dict[str, list[Word]] = {}
        self._left = ENOUGH

    def commands(self) -> Iterator[Command]:
        words: Command = []
        redirect = False
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign in " \t":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._step(2)
            elif sign == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif sign in "<>":
                here = _HEREDOC.match(self._text, self._at)
                if here:
                    self._heredoc(here)
                    continue
                if words and words[-1].raw.isdigit() and self._text[self._at - 1].isdigit():
                    words.pop()
                self._at += 1
                redirect = True
                while self._at < len(self._text) and self._text[self._at] in ">&":
                    self._at += 1
            elif sign in "\n;|&()":
                if self._text.startswith("&>", self._at):
                    self._at += 1
                    continue
                self._step(1)
                redirect = False
                if words and not self._assigned(words):
                    yield words
                words = []
            else:
                found = self._word()
                if not redirect:
                    words += found
                redirect = False
        if words and not self._assigned(words):
            yield words

    def _step(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _heredoc(self, found: re.Match[str]) -> None:
        end = re.compile(rf"^\t*{re.escape(found[1])}[ \t]*$", re.MULTILINE)
        stop = end.search(self._text, found.end())
        self._step((stop.end() if stop else len(self._text)) - self._at)

    def _word(self, *, inside: bool = False) -> Command:
        """The word at the place; an unquoted variable may make several, a list its entries."""
        begin, line = self._at, self._line
        parts: list[str] = []
        extra: Command = []
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "(" and not inside and parts and _ASSIGN.fullmatch("".join(parts) + "x"):
                return self._list("".join(parts), begin, line)
            if sign in _BREAK:
                break
            if sign == "\\":
                if self._text.startswith("\\\n", self._at):
                    self._step(2)
                    continue
                parts.append(self._text[self._at + 1 : self._at + 2])
                self._step(2)
            elif sign == "'":
                parts.append(self._single())
            elif sign == '"':
                parts.append(self._double(extra))
            elif sign == "`":
                said = self._until("`", 1)
                parts.append("" if said.startswith("`#") else said)  # a comment in mid-command
            elif sign == "$":
                value = self._unquoted(parts, extra)
                if value:
                    parts.append(value)
            else:
                parts.append(sign)
                self._at += 1
        text = "".join(parts)
        raw = self._text[begin : self._at]
        if not text and len(extra) == 1 and not extra[0].text.startswith("-"):
            return [Word(extra[0].text, raw, line)]  # a value, which stands where it is used
        if not text and (extra or raw.startswith("`")):
            return extra
        if not _ASSIGN.match(raw):
            text = text.replace(JOIN, "")
        return [*extra, Word(text, raw, line)]

    def _unquoted(self, parts: list[str], extra: Command) -> str:
        """What a variable outside quotes stands for; whole words go to `extra`."""
        words = self._variable()
        if isinstance(words, str):
            return words
        if not any(parts) and (self._at >= len(self._text) or self._text[self._at] in _BREAK):
            extra += split(words)
            return ""
        return " ".join(word.text for word in words)

    def _variable(self) -> list[Word] | str:
        """The value at a `$`, or its own text where it is not known."""
        if self._text.startswith("$(", self._at):
            return self._until(")", 2)
        found = _NAME.match(self._text, self._at)
        if found is None:
            self._at += 1
            return "$"
        self._step(len(found.group()))
        name = found[1] or found[2] or ""
        name = re.sub(r"\[[@*]\]$", "", name)
        default = _DEFAULT.fullmatch(name)
        if default:
            known = self._variables.get(default[1])
            return known or [Word(default[2].strip("\"'"), default[2], self._line)]
        value = self._variables.get(name)
        if value is None:
            return found.group()
        self._left -= sum(len(word.text) + 1 for word in value)
        if self._left < 0:
            raise Unreadable(self._line, name, f"variables stand for more than {ENOUGH} characters")
        return value

    def _until(self, closing: str, skip: int) -> str:
        end = self._text.find(closing, self._at + skip)
        end = len(self._text) if end < 0 else end + 1
        text = self._text[self._at : end]
        self._step(end - self._at)
        return text

    def _single(self) -> str:
        line, end = self._line, self._text.find("'", self._at + 1)
        if end < 0:
            self.reading.say(line, "", "the text is not closed: a quotation mark is missing")
            end = len(self._text)
        text = self._text[self._at + 1 : end]
        self._step(end + 1 - self._at)
        return text

    def _double(self, extra: Command) -> str:
        line, parts = self._line, list[str]()
        self._at += 1
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == '"':
                self._at += 1
                return "".join(parts)
            if sign == "\\" and self._text[self._at + 1 : self._at + 2] in (
                "\n",
                '"',
                "\\",
                "$",
                "`",
            ):
                after = self._text[self._at + 1]
                parts.append(JOIN if after == "\n" else after)
                self._step(2)
            elif sign == "$":
                whole = not parts and self._text[self._at - 1] == '"'
                found = _NAME.match(self._text, self._at)
                words = self._variable()
                if isinstance(words, str):
                    parts.append(words)
                elif whole and found and re.search(r"\[@\]", found.group()):
                    extra += words
                else:
                    parts.append(" ".join(word.text for word in words))
            else:
                parts.append(sign)
                self._step(1)
        self.reading.say(line, "", "the text is not closed: a quotation mark is missing")
        return "".join(parts)

    def _list(self, name: str, begin: int, line: int) -> Command:
        """``args=( … )``: kept as a variable of several words."""
        self._at += 1
        words: Command = []
        while self._at < len(self._text) and self._text[self._at] != ")":
            sign = self._text[self._at]
            if sign == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif sign in _BREAK or self._text.startswith("\\\n", self._at):
                self._step(1)
            else:
                words += self._word(inside=True)
        self._at += 1
        found = _ASSIGN.fullmatch(name)
        if found:
            self._keep(found[1], words, add=bool(found[2]), line=line)
        return [Word("", self._text[begin : self._at], line)]

    def _assigned(self, words: Command) -> bool:
        """Keep variables; True where the command does nothing else."""
        if words[0].text in _SETTING:
            words = words[1:]
        while words:
            found = _ASSIGN.fullmatch(words[0].text)
            if found and _ASSIGN.match(words[0].raw):
                word = Word(found[3], found[3], words[0].line)
                self._keep(found[1], [word], add=bool(found[2]), line=words[0].line)
            elif words[0].text:
                return False
            words = words[1:]
        return True

    def _keep(self, name: str, words: Command, *, add: bool, line: int) -> None:
        value = [*self._variables.get(name, []), *words] if add else words
        if sum(len(word.text) for word in value) > LONGEST or len(value) > LONGEST // 10:
            self.reading.say(line, name, f"a variable longer than {LONGEST} characters")
            value = []
        self._variables[name] = value
