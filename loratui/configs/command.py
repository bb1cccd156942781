"""Settings on a command line: of a script, of a process, or as a launcher prints it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import PurePosixPath, PureWindowsPath

from loratui.configs.base import ConfigFile, Fault, Setting
from loratui.configs.words import Command, Word

_LIST = re.compile(r"\[(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[, ])+\]")
_FLAG = re.compile(r"--([A-Za-z][\w.\-]*)(?:=(.*))?", re.DOTALL)
_PROGRAMS = frozenset(("accelerate", "deepspeed", "torchrun", "simpletuner", "accelerate-launch"))
_TRAINS = re.compile(r"train|run\.py|finetune", re.IGNORECASE)
_ASIDE = re.compile(r"cache_|convert|merge|resize|extract|caption|tag_images|requirements|setup")
_VALUED = frozenset(("-m", "--module"))
_LAUNCHERS = re.compile(r"accelerate\.|torch\.distributed|deepspeed\.launcher")
# ai-toolkit's options: each has one value, and configuration files may follow
_OPTIONS = {"-l": "--log", "--log": "--log", "-n": "--name", "--name": "--name"}


def read(command: str | Sequence[str], file: str = "") -> ConfigFile:
    """The settings of a command line, as text or as a list of words."""
    if isinstance(command, str):
        printed = _LIST.search(command)
        words = _printed(printed.group()) if printed else None
        if words is None:
            return read_script(command, file)
        command = words
    line = [Word(str(text), str(text), 1) for text in command]
    return _config(line, file, [])


def read_script(text: str, file: str = "", kind: str = "shell") -> ConfigFile:
    """The settings of the training command in a script for a `shell`, `batch` or `powershell`."""
    found, faults = import_module(f"loratui.configs.{kind}_file").commands(text)
    best = max(found, key=_training, default=None)
    if best is None or not _training(best):
        faults = [*faults, Fault(0, "", "no training command in it", file)]
        return ConfigFile(file, "shell", problems=tuple(faults))
    return _config(best, file, faults)


def _printed(text: str) -> list[str] | None:
    if len(text) > 100_000:
        return None
    try:
        words = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return [str(word) for word in words] if words else None


def name(path: str) -> str:
    """The last part of a path, of Windows as well."""
    return (PureWindowsPath if "\\" in path else PurePosixPath)(path).name


def _training(words: Command) -> int:
    """How surely a command is the training."""
    at = _script(words)
    names = [name(word.text).lower().removesuffix(".exe") for word in words[:4]]
    if at < 0:
        return 2 if set(names) & _PROGRAMS and _flags(words) else 0
    script = name(words[at].text)
    sure = 4 if _TRAINS.search(script) else 2
    return 1 if _ASIDE.search(script) else sure


def _flags(words: Command) -> bool:
    return any(_FLAG.fullmatch(word.text) for word in words)


def _script(words: Command) -> int:
    """The place of the program's file or module, or -1."""
    for at, word in enumerate(words):
        if word.text.endswith(".py"):
            return at
        after = words[at + 1].text if at + 1 < len(words) else "-"
        if word.text in _VALUED and not after.startswith("-") and not _LAUNCHERS.match(after):
            return at + 1
        if name(word.text) == "simpletuner":
            return at
    return -1


def _config(words: Command, file: str, faults: Sequence[Fault]) -> ConfigFile:
    at = _script(words)
    begin = at + 1 if at >= 0 else 0
    script = words[at].text if at >= 0 else ""
    given = words[begin:]
    values, arguments = flags(_options(given) if name(script) == "run.py" else given, file)
    launcher, _rest = flags(words[:at] if at > 0 else [], file)
    assigned = [s for setting in values for s in _config_value(setting)]
    return ConfigFile(
        file,
        "command",
        (*values, *assigned),
        tuple(faults),
        script,
        tuple(launcher),
        tuple(arguments),
    )


def _options(words: Command) -> Command:
    """ai-toolkit's options as ``--name=value``; its one switch, which has none, as no flag."""
    found: Command = []
    waiting = iter(words)
    for word in waiting:
        long = _OPTIONS.get(word.text)
        value = next(waiting, None) if long else None
        if value is not None:
            word = Word(f"{long}={value.text}", f"{long}={value.raw}", word.line)
        found.append(word)
    return [replace(word, text="-r") if word.text == "--recover" else word for word in found]


def flags(words: Command, file: str) -> tuple[list[Setting], list[str]]:
    """Flags with their values; several values make a tuple, none makes True."""
    found: list[Setting] = []
    rest: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        flag = _FLAG.fullmatch(word.text)
        if flag is None:
            if word.text and not word.text.startswith("-"):
                rest.append(word.text)
            continue
        key, value = flag[1], flag[2]
        if value is not None:
            raw = word.raw.partition("=")[2] or value
            found.append(Setting(key, value, raw, word.line, file, origin="flag"))
            continue
        given: Command = []
        while at < len(words) and not _is_flag(words[at].text):
            given.append(words[at])
            at += 1
        raw = " ".join(part.raw for part in given)
        several: object = tuple(part.text for part in given)
        content = True if not given else given[0].text if len(given) == 1 else several
        found.append(Setting(key, content, raw, word.line, file, origin="flag"))
    return found, rest


def _is_flag(text: str) -> bool:
    """Whether a word begins an option; a negative number is a value."""
    return bool(re.match(r"--?[A-Za-z]", text))


def _config_value(setting: Setting) -> list[Setting]:
    """OneTrainer's ``--config-value key=value``."""
    if setting.key != "config-value":
        return []
    given = setting.value if isinstance(setting.value, tuple) else (setting.value,)
    pairs = [str(pair).partition("=") for pair in given]
    return [replace(setting, key=key, value=value, raw=value) for key, sign, value in pairs if sign]
