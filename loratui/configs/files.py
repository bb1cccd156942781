"""Reads any configuration file; whatever is wrong with it is a problem, never an exception."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from loratui.configs import command, easy, environment, gui, json_file, metadata, toml_file
from loratui.configs.base import (
    LARGEST,
    ConfigFile,
    Fault,
    Reading,
    Setting,
    Unreadable,
    flatten,
)
from loratui.configs.decode import decode

_KINDS = {
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".jsonc": "json",
    ".env": "env",
    ".sh": "shell",
    ".bash": "shell",
    ".txt": "shell",
    ".bat": "batch",
    ".cmd": "batch",
    ".ps1": "powershell",
    ".safetensors": "safetensors",
}
_EXPECTED = ", ".join(("TOML", "YAML", "JSON", ".env", ".sh", ".bat", ".ps1", ".safetensors"))
_ENOUGH = 100  # faults of a file that are told
_PROCESS = "config.process[0]."
# keys that stand only in files of sd-scripts and musubi-tuner, whose sections mean nothing
_FLAT = frozenset(
    [
        "pretrained_model_name_or_path",
        "network_module",
        "network_dim",
        "network_alpha",
        "learning_rate",
        "unet_lr",
        "output_name",
        "dataset_config",
        "train_data_dir",
        "max_train_steps",
        "max_train_epochs",
        "optimizer_type",
        "mixed_precision",
        "dit",
        "train_batch_size",
        "resolution",
        "lr_scheduler",
        "save_every_n_epochs",
        "output_dir",
        "logging_dir",
    ]
)
# which keys say what the entries of a list are
_LISTS = (
    ("concepts", frozenset(("balancing", "include_subdirectories", "text.prompt_source", "text"))),
    ("samples", frozenset(("diffusion_steps", "cfg_scale", "negative_prompt", "random_seed"))),
)
_BACKEND = frozenset(("dataset_type", "instance_data_dir", "caption_strategy", "id"))


def read(path: str | Path) -> ConfigFile:
    """All settings of a file, in its order, with their places."""
    path = Path(path)
    shown = str(path)
    kind = _KINDS.get(path.suffix.lower(), "env" if path.name == ".env" else "")
    if kind == "safetensors":
        return metadata.read(path)
    try:
        if not path.is_file():
            text = "a folder, no file" if path.is_dir() else "there is no such file"
            return _refused(shown, kind, Fault(0, "", text))
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        return _refused(shown, kind, Fault(0, "", f"not readable: {said}"))
    return parse(data, shown, kind)


def parse(data: bytes, file: str = "", kind: str = "") -> ConfigFile:
    """The settings in the bytes of a file; without a `kind` the content says which it is."""
    if len(data) > LARGEST:
        text = f"larger than {LARGEST // 1_000_000} MB: no configuration"
        return _refused(file, kind, Fault(0, "", text))
    try:
        kind = kind or _sniffed(data)
        text, encoding, faults = decode(data, kind)
    except Unreadable as error:
        return _refused(file, kind, error.fault)
    if not kind:
        said = f"a file of no known kind: {_EXPECTED} are read"
        return _refused(file, "", *faults, Fault(0, "", said))
    if kind in ("shell", "batch", "powershell"):
        found = command.read_script(text, file, kind)
        faults += found.problems
        return replace(found, kind=kind, problems=_placed(faults, file), encoding=encoding)
    if kind == "env":
        values, reading = environment.parse(text, file)
    else:
        reading = _parser(kind)(text)
        values = _values(reading, file, kind)
    if not values and not reading.faults:
        reading.say(1, "", "no settings in it: keys with values are expected")
    problems = _placed([*faults, *reading.faults], file)
    return ConfigFile(file, kind, tuple(values), problems, encoding=encoding)


def _placed(faults: Iterable[Fault], file: str) -> tuple[Fault, ...]:
    """Faults in the order of their lines, with the name of the file."""
    first = sorted(faults, key=lambda fault: fault.line)[:_ENOUGH]
    return tuple(fault._replace(file=file) for fault in first)


def _refused(file: str, kind: str, *faults: Fault) -> ConfigFile:
    return ConfigFile(file, kind, problems=_placed(faults, file))


def _parser(kind: str) -> Callable[[str], Reading]:
    if kind == "yaml":
        from loratui.configs import yaml_file

        return yaml_file.parse
    return toml_file.parse if kind == "toml" else json_file.parse


def _sniffed(data: bytes) -> str:
    """The kind of a file without a telling name."""
    head = data[:4000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"#!") or re.search(rb"\.py\b.*\s--\w", head, re.DOTALL):
        return "shell"
    if head.startswith((b"{", b'["', b"[{", b"[\n")):
        return "json"
    if re.search(rb"^[ \t]*(\[\[?[\w.]+\]\]?|[\w.]+[ \t]*=[ \t]*\S)", head, re.MULTILINE):
        return "toml"
    return "yaml" if re.search(rb"^[ \t-]*[\w\"']+:(\s|$)", head, re.MULTILINE) else ""


def _values(reading: Reading, file: str, kind: str) -> list[Setting]:
    """The settings of what was parsed, under the keys that the trainer itself uses."""
    root = reading.root
    if root is None or not isinstance(root.value, dict | list):
        if root is not None:
            reading.say(1, "", "no configuration: keys with values are expected")
        return []
    try:
        prefix = _list_name(root.value) if isinstance(root.value, list) else ""
        settings = flatten(root, file, prefix)
    except Unreadable as error:
        reading.faults.append(error.fault)
        return []
    settings = [setting for setting in settings if setting.key]
    if kind == "json" and gui.is_gui(settings):
        return gui.translated(settings)
    if kind == "toml" and easy.is_easy(settings):
        return easy.translated(settings)
    if kind == "toml":
        settings = _without_sections(settings)
    return _inside_process([_bare(setting) for setting in settings])


def _list_name(items: list[object]) -> str:
    """What a list of concepts or samples in a file of its own is called in the main one."""
    keys = {
        str(key)
        for item in items
        if isinstance(v := getattr(item, "value", None), dict)
        for key in v
    }
    if keys & _BACKEND:
        return ""
    for name, signs in _LISTS:
        if keys & signs:
            return name
    return "concepts" if "path" in keys else ""


def _bare(setting: Setting) -> Setting:
    """SimpleTuner's keys may have dashes in front."""
    if not setting.key.startswith("--"):
        return setting
    return replace(setting, key=setting.key.lstrip("-"), written=setting.key)


def _without_sections(settings: list[Setting]) -> list[Setting]:
    """sd-scripts and musubi-tuner flatten the sections of their configuration file."""
    keys = {setting.key for setting in settings}
    inner = {key.partition(".")[2] for key in keys if "." in key}
    lists = any("[" in key.partition(".")[0] for key in keys)
    if lists or "model.type" in keys or not inner & _FLAT:
        return settings
    found = []
    for setting in settings:
        _section, dot, key = setting.key.partition(".")
        found.append(replace(setting, key=key, written=setting.key) if dot else setting)
    return found


def _inside_process(settings: list[Setting]) -> list[Setting]:
    """ai-toolkit: keys inside its first process, and `[name]` replaced by the job's name."""
    if not any(setting.key.startswith(_PROCESS) for setting in settings):
        return settings
    names = [s.value for s in settings if s.key == "config.name" and isinstance(s.value, str)]
    found = []
    for setting in settings:
        own = setting.key == "config.name"  # in which [name] is what the command says
        value = _named(setting.value, names[0]) if names and not own else setting.value
        key = setting.key.removeprefix(_PROCESS)
        written = setting.key if key != setting.key else setting.written
        found.append(replace(setting, key=key, value=value, written=written))
    return found


def _named(value: object, name: str) -> object:
    if isinstance(value, str):
        return value.replace("[name]", name)
    return tuple(_named(inner, name) for inner in value) if isinstance(value, tuple) else value


# files that a configuration names

NAMING = (
    "config_file", "dataset_config", "concept_file_name", "data_backend_config", "dataset",
    "config", "config-path", "preset-path",
)  # fmt: skip
_DEEPEST = 4  # a command names a file that names a file


def companions(
    sources: ConfigFile | Iterable[ConfigFile | Setting],
    base: str | Path,
    *,
    find: Callable[[str], Path] | None = None,
    reader: Callable[[Path], ConfigFile] = read,
) -> list[ConfigFile]:
    """The files that settings name, and those that these name in turn: the trainer's own
    configuration, data sets, concepts. One that is not there is a file with that problem.

    A path that does not exist here is looked for by its name in `base`, as in a copied folder,
    unless `find` says where a name leads.
    """
    find = find or (lambda name: located(name, base))
    waiting: list[ConfigFile | Setting] = (
        [sources] if isinstance(sources, ConfigFile) else list(sources)
    )
    found: dict[str, ConfigFile] = {}
    for _level in range(_DEEPEST):
        names = dict.fromkeys(name for source in waiting for name in _named_files(source))
        waiting = []
        for name in names:
            path = find(name)
            if str(path) not in found and _KINDS.get(path.suffix.lower()) in _READ:
                found[str(path)] = reader(path)
                waiting.append(found[str(path)])
    return list(found.values())


_READ = ("toml", "yaml", "json")


def _named_files(source: ConfigFile | Setting) -> list[str]:
    settings = source.values if isinstance(source, ConfigFile) else (source,)
    naming = [s for s in settings if s.key in NAMING and isinstance(s.value, str)]
    naming.sort(key=lambda s: s.key != "preset-path")  # OneTrainer reads it before all others
    named = [str(s.value) for s in naming]
    if isinstance(source, ConfigFile):
        named += [word for word in source.arguments if _KINDS.get(Path(word).suffix) in _READ]
    return [name for name in named if name]


def located(name: str, base: str | Path) -> Path:
    """The file that a path means, seen from the folder `base`; it need not exist."""
    base = Path(base)
    tries = [base / name, base / Path(name).name, base / PureWindowsPath(name).name]
    tries += [
        path.with_name(f"{path.name}.toml") for path in tries if path.name and not path.suffix
    ]
    for path in tries:
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):
            continue
    return tries[0]
