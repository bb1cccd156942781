"""What a command line says of a process: a trainer, a launcher, or neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*[a-z]?w?(?:\.exe)?", re.IGNORECASE)
_SCRIPTED = re.compile(r"perl[\d.]*|(?:ba|da|z|k)?sh|busybox|ruby[\d.]*")
_VALUED = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_CONFIG = (".yaml", ".yml", ".json", ".toml")

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

_KOHYA = re.compile(r"(?:\w+_)?train_(?:network|leco)\.py")
# names that others give their scripts too
_KOHYA_OTHERS = re.compile(
    r"(?:sdxl|flux|sd3|lumina|hunyuan_image|anima)_train\w*\.py|fine_tune\.py|"
    r"train_(?:textual_inversion|db)\.py"
)
_MUSUBI = re.compile(
    r"(?:hv|hv_1_5|wan|fpack|flux_kontext|flux_2|qwen_image|zimage|kandinsky5|hidream_o1|ideogram4|"
    r"krea2|ltx2)_train(?:_network)?\.py"
)
_DIFFUSERS = re.compile(r"train_(?:dreambooth|text_to_image)\w*\.py")
_DIFFUSERS_OTHERS = re.compile(r"train_\w*lora\w*\.py")
_ANYBODYS = ("train.py", "train_remote.py")
_LONGEST = 255  # a file's name is no longer; patterns need not be tried on more
_MODEL = "--pretrained_model_name_or_path"
_RANK = re.compile(r"--local[_-]rank(?:=(\d+))?")


@dataclass(frozen=True, slots=True)
class Program:
    """What a command runs: `name` of the script, module or program, where it is, its arguments."""

    name: str
    place: str
    arguments: tuple[str, ...]
    python: bool = False
    module: bool = False


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
    found = program(command)
    if found.python and found.name in _ANYBODYS:
        return True  # the folder that it runs in decides
    return bool(trainer(found, "", lambda _folder: True))


def trainer(found: Program, folder: str, is_checkout: Callable[[str], bool]) -> str:
    """The trainer's id, empty when none. `is_checkout` tells whether a folder is ai-toolkit's."""
    if not found.python or len(found.name) > _LONGEST:
        return ""
    if found.module:
        return _of_module(found.name)
    place = found.place.replace("\\", "/").lower()
    around = f"{folder}/{place}".lower()
    flags = [word.partition("=")[0] for word in found.arguments]
    if found.name == "run.py":
        if any(word.lower().endswith(_CONFIG) for word in found.arguments):
            home = found.place.replace("\\", "/").rpartition("/")[0]
            return "ai-toolkit" if is_checkout(_joined(folder, home)) else ""
        return ""
    if found.name in _ANYBODYS:
        return _of_train(place, around, flags)
    if found.name == "simpletuner":
        return "simpletuner" if "train" in found.arguments[:1] else ""
    if _MUSUBI.fullmatch(found.name) or ("musubi" in around and _KOHYA.fullmatch(found.name)):
        return "musubi-tuner"
    if _KOHYA.fullmatch(found.name):
        return "kohya"
    model = _MODEL in flags
    if _KOHYA_OTHERS.fullmatch(found.name):
        settings = model or "--config_file" in flags or "--dataset_config" in flags
        return "kohya" if settings else ""
    if _DIFFUSERS.fullmatch(found.name) or (model and _DIFFUSERS_OTHERS.fullmatch(found.name)):
        return "diffusers"
    return ""


def _of_train(place: str, around: str, flags: Sequence[str]) -> str:
    """Whose `train.py` it is: four trainers call theirs so."""
    if "--deepspeed" in flags and "--config" in flags:
        return "diffusion-pipe"
    if "simpletuner" in around:
        return "simpletuner"
    if "--config-path" in flags and ("scripts/" in place or "onetrainer" in around):
        return "onetrainer"
    return ""


def _of_module(name: str) -> str:
    if re.fullmatch(r"musubi_tuner\.(?:\w+\.)*\w*train\w*", name):
        return "musubi-tuner"
    if re.fullmatch(r"simpletuner\.train", name):
        return "simpletuner"
    return "ai-toolkit" if name == "toolkit" or name.startswith("toolkit.") else ""


def starts_a_trainer(found: Program) -> bool:
    """Whether it is itself recognised but hands the training on to a child."""
    return found.name == "simpletuner"


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


def rank(command: Sequence[str]) -> int:
    """The number that a launcher gives on the command line, 0 without one."""
    found = [_RANK.fullmatch(word) for word in command]
    return next((int(one[1]) for one in found if one and one[1]), 0)


def _joined(folder: str, path: str) -> str:
    return path if path.startswith("/") or not folder else f"{folder}/{path}"
