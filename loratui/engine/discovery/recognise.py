"""What a command line says of a process: a trainer, a launcher, or neither.

How each trainer is started stands in the trainer's own file (`Trainer.scripts`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from loratui.core.running import Process
    from loratui.trainers.base import Script

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*[a-z]?w?(?:\.exe)?", re.IGNORECASE)
_SCRIPTED = re.compile(r"perl[\d.]*|(?:ba|da|z|k)?sh|busybox|ruby[\d.]*")
_VALUED = frozenset({"-X", "-W", "--check-hash-based-pycs"})

# what uses a GPU from Python and does not train
_OTHERS = re.compile(
    r"(?:^|/)(?:comfyui|stable-diffusion-webui[^/]*|text-generation-webui|invokeai)/|"
    r"(?:^|/)(?:tensorboard|jupyter(?:-\w+)?|vllm|nvitop|gpustat|glances)(?:/|\.main|\.py|$)",
    re.IGNORECASE,
)
_LAUNCHERS = frozenset({"accelerate", "torchrun", "deepspeed", "accelerate-launch"})
_LAUNCHER_MODULES = re.compile(
    r"accelerate\.commands\.\w+|torch\.distributed\.(?:run|launch)|deepspeed\.launcher\.\w+"
)
_LONGEST = 255  # a file's name is no longer; patterns need not be tried on more
_RANK = re.compile(r"--local[_-]rank(?:=([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class Program:
    """What a command runs: `name` of the script, module or program, where it is, its arguments."""

    name: str
    place: str
    arguments: tuple[str, ...]
    python: bool = False
    module: bool = False


class Whose(NamedTuple):
    """A trainer's id, empty for none, and whether this only starts the one that trains."""

    trainer: str = ""
    starter: bool = False


def program(command: Sequence[str]) -> Program:
    """The program of a command line, seen through an interpreter."""
    if not command:
        return Program("", "", ())
    name = base(command[0])
    python = _PYTHON.fullmatch(name) is not None
    if not python and not _SCRIPTED.fullmatch(name):
        return Program(name, command[0], tuple(command[1:]))
    at = 1
    while at < len(command):
        word = command[at]
        if word in ("-c", "-e"):
            return Program(name, command[0], (), python)
        if python and word == "-m":
            rest = tuple(command[at + 2 :])
            module = command[at + 1] if at + 1 < len(command) else ""
            return Program(module, module, rest, python, True)
        if not word.startswith("-") or word == "-":
            break
        at += 2 if word in _VALUED else 1
    if at >= len(command):
        return Program(name, command[0], (), python)
    return Program(base(command[at]), command[at], tuple(command[at + 1 :]), python)


def base(path: str) -> str:
    """The last part of a path, of Windows too."""
    return re.split(r"[\\/]", path)[-1]


def likely(command: Sequence[str]) -> bool:
    """Whether a closer look is worth it, from the command line alone."""
    return bool(_best(program(command), None, lambda _folder: True).trainer)


def whose(found: Program, folder: str, is_folder: Callable[[str], bool]) -> Whose:
    """The trainer that a program run in `folder` is; `is_folder` is asked for what lies there."""
    return _best(found, folder, is_folder)


def _best(found: Program, folder: str | None, is_folder: Callable[[str], bool]) -> Whose:
    """Without a folder what depends on it counts as given."""
    best, most = Whose(), 0
    if not found.python or len(found.name) > _LONGEST:
        return best
    for trainer, script in _named(found.name, found.module):
        if script.weight > most and _fits(script, found, folder, is_folder):
            best, most = Whose(trainer, script.starter), script.weight
    return best


def _fits(
    script: Script, found: Program, folder: str | None, is_folder: Callable[[str], bool]
) -> bool:
    flags = {word.partition("=")[0] for word in found.arguments if word.startswith("--")}
    if not flags.issuperset(script.flags) or (script.one_of and flags.isdisjoint(script.one_of)):
        return False
    if script.word and not any(re.fullmatch(script.word, word) for word in found.arguments):
        return False
    if folder is None:
        return True
    path = _joined(folder, found.place.replace("\\", "/"))
    if not re.search(script.path, path.lower()):
        return False
    home = path.rpartition("/")[0] if _absolute(path) else None
    return not script.beside or (
        home is not None and all(is_folder(f"{home}/{name}") for name in script.beside)
    )


@functools.lru_cache(maxsize=1024)
def _named(name: str, module: bool) -> tuple[tuple[str, Script], ...]:
    """Trainers with their scripts of this name."""
    return tuple(
        (trainer, script)
        for trainer, script in _all()
        if script.module == module and re.fullmatch(script.name, name)
    )


@functools.cache
def _all() -> tuple[tuple[str, Script], ...]:
    from loratui.trainers import trainers

    return tuple((trainer.id, script) for trainer in trainers() for script in trainer.scripts)


def launches_ranks(command: Sequence[str]) -> bool:
    """Whether its children are ranks of one run."""
    found = program(command)
    return found.name in _LAUNCHERS or (
        found.module and _LAUNCHER_MODULES.fullmatch(found.name) is not None
    )


def may_train(command: Sequence[str], folder: str = "") -> bool:
    """Whether a Python process on a GPU that no trainer is recognised in may be one."""
    found = program(command)
    return found.python and not _OTHERS.search(_joined(folder, found.place))


def unranked(command: Sequence[str]) -> tuple[str, ...]:
    """The command line that all ranks of a run share."""
    return tuple(word for word in command if not _RANK.fullmatch(word))


def local_rank(process: Process) -> int | None:
    """Which of the ranks on this machine a process is, as its launcher told it."""
    told = process.environment.get("LOCAL_RANK", "")
    found = (_RANK.fullmatch(word) for word in (*process.command, f"--local_rank={told}"))
    return next((int(one[1]) for one in found if one and one[1]), None)


def _joined(folder: str, path: str) -> str:
    return path if _absolute(path) or not folder else f"{folder}/{path}"


def _absolute(path: str) -> bool:
    return path.startswith("/") or path[1:3] == ":/"
