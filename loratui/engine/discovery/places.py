"""Where a run keeps things: its configuration files, and the folders that these and its flags name.

Sources: each trainer's own defaults, as written beside its function.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loratui.engine.discovery.configs import flags, rows, text
from loratui.engine.discovery.recognise import Program

Reader = Callable[[str], dict[str, Any]]
"""Settings of a file by its path as the process names it."""

_SCAN = 2000  # entries of folders that are looked at for TensorBoard events
_SCAN_DEPTH = 3
_EVENTS = "events.out.tfevents."
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")


@dataclass(slots=True)
class Named:
    """Paths as the run names them, against its working directory."""

    configs: list[str] = field(default_factory=list)
    output: str = ""
    logging: str = ""
    datasets: list[str] = field(default_factory=list)
    samples: str = ""
    checkpoints: str = ""
    events: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command line's words, its flags, and a way to read the files that it names."""

    words: tuple[str, ...]
    flags: Mapping[str, str]
    read: Reader

    def flag(self, name: str) -> str:
        return self.flags.get(name, "")

    def file(self, path: str) -> dict[str, Any]:
        return self.read(path) if path else {}


def named(trainer: str, found: Program, read: Reader) -> Named:
    """What a run's command line and its configuration files say."""
    names = Named()
    _WAYS.get(trainer, _scripts)(names, _Asked(found.arguments, flags(found.arguments), read))
    names.configs = [path for path in dict.fromkeys(names.configs) if path]
    names.datasets = [path for path in dict.fromkeys(names.datasets) if path]
    return names


def _scripts(names: Named, asked: _Asked) -> None:
    """sd-scripts and musubi-tuner: flags over ``--config_file``, data sets in a file of their own.

    sd-scripts flattens the sections of its file.
    """
    data: dict[str, Any] = {}
    file = asked.flag("config_file")
    if file:
        file = file if file.endswith(".toml") else file + ".toml"
        for key, value in asked.file(file).items():
            data.update(value if isinstance(value, dict) else {key: value})
    dataset = asked.flag("dataset_config") or text(data, "dataset_config")
    names.configs = [file, dataset]
    names.output = asked.flag("output_dir") or text(data, "output_dir")
    names.logging = asked.flag("logging_dir") or text(data, "logging_dir")
    names.datasets = [asked.flag("train_data_dir") or text(data, "train_data_dir")]
    for row in rows(asked.file(dataset), "datasets"):
        for subset in (row, *rows(row, "subsets")):
            for key in ("image_dir", "image_directory", "video_directory", "image_jsonl_file"):
                names.datasets.append(text(subset, key))
    names.samples = _below(names.output, "sample")
    names.checkpoints = names.output


def _ai_toolkit(names: Named, asked: _Asked) -> None:
    """``run.py CONFIG… [-l LOG] [-n NAME]``; all lies in ``training_folder/name``."""
    skipped = {asked.flag(key) for key in ("l", "log", "n", "name")}
    names.configs = [
        word
        for word in asked.words
        if word.lower().endswith(_SUFFIXES) and not word.startswith("-") and word not in skipped
    ]
    data = asked.file(names.configs[0] if names.configs else "")
    name = text(data, "config", "name")
    name = name.replace("[name]", asked.flag("n") or asked.flag("name") or "")
    folder = text(data, "config", "process", "training_folder")
    names.output = _below(folder, name)
    names.logging = text(data, "config", "process", "log_dir")
    for row in rows(data, "config", "process", "datasets"):
        names.datasets += [text(row, "folder_path"), text(row, "dataset_path")]
    names.samples = _below(names.output, "samples")
    names.checkpoints = names.output
    names.log = asked.flag("l") or asked.flag("log") or ""


def _onetrainer(names: Named, asked: _Asked) -> None:
    """``--config-path``; a workspace holds all but the finished model."""
    file = asked.flag("config_path")
    data = asked.file(file)
    concepts = text(data, "concept_file_name")
    names.configs = [file, asked.flag("preset_path"), concepts]
    names.output = text(data, "workspace_dir") or "workspace/run"
    listed = rows(data, "concepts") or rows(asked.file(concepts), "")
    names.datasets = [text(row, "path") for row in listed]
    names.logging = _below(names.output, "tensorboard")
    names.samples = _below(names.output, "samples")
    names.checkpoints = _below(names.output, "save")


def _simpletuner(names: Named, asked: _Asked) -> None:
    """Settings in ``config/config.json``, keys with or without dashes; data in a second file."""
    file = "config/config.json"
    data = {key.lstrip("-"): value for key, value in asked.file(file).items()}
    backends = asked.flag("data_backend_config") or text(data, "data_backend_config")
    names.configs = [file if data else "", backends]
    names.output = asked.flag("output_dir") or text(data, "output_dir")
    logging = asked.flag("logging_dir") or text(data, "logging_dir") or "logs"
    names.logging = _below(names.output, logging)
    for row in rows(asked.file(backends), ""):
        names.datasets.append(text(row, "instance_data_dir"))
    names.samples = _below(names.output, "validation_images")
    names.checkpoints = names.output


def _diffusion_pipe(names: Named, asked: _Asked) -> None:
    """``--config``; each run has a folder below ``output_dir`` with its events right in it."""
    file = asked.flag("config")
    data = asked.file(file)
    dataset = text(data, "dataset")
    names.configs = [file, dataset]
    names.output = names.logging = names.checkpoints = text(data, "output_dir")
    for row in rows(asked.file(dataset), "directory"):
        names.datasets.append(text(row, "path"))


def _diffusers(names: Named, asked: _Asked) -> None:
    """Flags only; the logging folder lies below the output folder."""
    names.output = names.checkpoints = asked.flag("output_dir")
    names.logging = _below(names.output, asked.flag("logging_dir") or "logs")
    names.datasets = [asked.flag("instance_data_dir"), asked.flag("train_data_dir")]


_WAYS: dict[str, Callable[[Named, _Asked], None]] = {
    "ai-toolkit": _ai_toolkit,
    "diffusers": _diffusers,
    "diffusion-pipe": _diffusion_pipe,
    "onetrainer": _onetrainer,
    "simpletuner": _simpletuner,
}


def _below(folder: str, name: str) -> str:
    if not folder or not name:
        return ""
    return os.path.join(folder, name)


def newest_events(folder: str, since: float) -> str:
    """The folder below `folder` with the newest TensorBoard events written after `since`."""
    best, when = "", since
    for entry in _entries(folder, [_SCAN], _SCAN_DEPTH):
        if entry.name.startswith(_EVENTS):
            try:
                written = entry.stat().st_mtime
            except OSError:
                continue
            if written > when:
                best, when = os.path.dirname(entry.path), written
    return best


def _entries(folder: str, left: list[int], depth: int) -> Iterator[os.DirEntry[str]]:
    """Files below a folder, those of folders with later names first, as names are often times.

    `left` counts down how many entries may still be looked at.
    """
    inside: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                left[0] -= 1
                if left[0] < 0:
                    return
                if entry.is_dir(follow_symlinks=False):
                    inside.append(entry)
                else:
                    yield entry
    except (OSError, ValueError):
        return
    if depth:
        for entry in sorted(inside, key=lambda entry: entry.name, reverse=True):
            yield from _entries(entry.path, left, depth - 1)


def open_events(files: Mapping[int, str]) -> str:
    """The folder of the TensorBoard events that a process holds open."""
    for target in files.values():
        if os.path.basename(target).startswith(_EVENTS):
            return os.path.dirname(target)
    return ""
