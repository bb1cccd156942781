"""What the files of a run's configuration say, once it is known whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig

if TYPE_CHECKING:
    from loratui.configs.base import ConfigFile
    from loratui.kb.base import KnowledgeBase

ENDINGS = frozenset((".toml", ".yaml", ".yml", ".json", ".sh", ".bat", ".ps1", ".env"))
COMMANDS = ("cmd.txt", "command.txt")
"""Files that keep the command of a run."""

MANY, LARGE = 40, 1_000_000
"""Files of a folder that are looked at, and bytes above which one is no configuration."""

TOLD = 20
"""Mistakes in a configuration that are told."""


@dataclass(frozen=True, slots=True)
class Known:
    """Settings with their file and line, the model family, and the images of the data sets.

    `problems` are (place, sentence); `files` what was read.
    """

    config: TrainingConfig = field(default_factory=TrainingConfig)
    family: str | None = None
    images: int | None = None
    steps_per_epoch: int | None = None
    problems: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


class Configuration:
    """The files in which a run's configuration may stand: those named, else those in its folder."""

    def __init__(
        self, folder: Path, files: Sequence[Path] = (), command: Sequence[str] = ()
    ) -> None:
        self._folder = folder
        self._files = tuple(files)
        self._command = tuple(command)

    def trainer(self) -> str:
        """Whose the configuration is, where no log says it; empty when that cannot be told."""
        from loratui.configs import command, files
        from loratui.configs.recognise import recognise

        paths = self._files or _candidates(self._folder)
        sources = [files.read(path) for path in paths if path.name not in COMMANDS]
        if self._command:
            sources.insert(0, command.read(self._command))
        return next((whose for source in sources if (whose := recognise(source))), "")

    def read(self, kb: KnowledgeBase, trainer: str, name: str = "") -> Known:
        """What is set for a run of this trainer; `name` is the run's, where the log says it.

        A file in the folder counts only if it is this trainer's and of no other run.
        """
        from loratui.configs.family import family_of
        from loratui.configs.files import companions
        from loratui.configs.settings import training_config

        sources = self._sources(trainer, name)
        if not sources:
            return Known()
        sources += companions(sources, self._folder)
        config = training_config(kb, trainer, sources)
        images, per_epoch = self._data(trainer, sources)
        problems = tuple(
            (f"{fault.file or source.path}:{fault.line}" if fault.line else source.path, fault.text)
            for source in sources
            for fault in source.problems
            if source.values or fault.line
        ) + tuple(self._mistakes(trainer, sources))
        return Known(
            config=config,
            family=family_of(setting for source in sources for setting in source.values) or None,
            images=images,
            steps_per_epoch=per_epoch,
            problems=problems,
            files=tuple(source.path for source in sources if source.path),
        )

    def _mistakes(self, trainer: str, sources: list[ConfigFile]) -> Iterator[tuple[str, str]]:
        """What the trainer will not understand of its settings."""
        from loratui import paths
        from loratui.configs.mistakes import mistakes
        from loratui.kb.loader import trainer_keys

        keys = trainer_keys(paths.overlay_folder(), trainer)[0].get(trainer)
        if keys is None:
            return
        found = mistakes(trainer, sources, keys, self._folder)
        for fault in found[:TOLD]:
            yield f"{fault.file}:{fault.line}" if fault.file else "command line", fault.text
        if len(found) > TOLD:
            yield "configuration", f"{len(found) - TOLD} more of this kind"

    def _sources(self, trainer: str, name: str) -> list[ConfigFile]:
        from loratui.configs import command, files

        found: list[ConfigFile] = []
        if self._command:
            found.append(command.read(self._command))
        found += [files.read(path) for path in self._files]
        if found:
            return found
        return list(self._beside(trainer, name))

    def _beside(self, trainer: str, name: str) -> Iterable[ConfigFile]:
        """Configurations that lie in the run's folder."""
        from loratui.configs import command, files
        from loratui.configs.recognise import recognise

        for path in _candidates(self._folder):
            if path.name in COMMANDS:
                try:
                    text = path.read_text("utf-8", "replace")
                except OSError:
                    continue
                source = command.read(text.strip(), str(path))
            else:
                source = files.read(path)
            if not source.values or recognise(source) != trainer:
                continue
            own = source.get("output_name") or source.get("config.name")
            if own is None or not name or str(own.value) == name:
                yield source

    def _data(self, trainer: str, sources: list[ConfigFile]) -> tuple[int | None, int | None]:
        """The images of all data sets, and the steps of an epoch that they make."""
        from loratui.configs.steps import steps_per_epoch
        from loratui.configs.subsets import count, subsets

        found, _problems = subsets(trainer, sources, self._folder)
        counted = []
        for subset in found:
            number = count(subset)
            if number is None:  # a folder of another machine
                return None, None
            counted.append((subset, number))
        # a folder that is used at several resolutions holds its images once
        folders = {subset.path: number for subset, number in counted if not subset.is_reg}
        images = sum(folders.values())
        steps, _explained = steps_per_epoch(trainer, counted, sources)
        return images or None, steps


def merged(facts: RunFacts, known: Known) -> RunFacts:
    """Facts of the log with those of the files.

    What the trainer itself says wins; where both agree the file's place is kept, so that a change
    can name the line.
    """
    values = dict(facts.config.values)
    for option, value in known.config.values.items():
        said = values.get(option)
        if said is None:
            values[option] = value
        elif _same(said.value, value.value):
            values[option] = replace(value, value=said.value)
    return replace(
        facts,
        config=TrainingConfig(values),
        family=facts.family or known.family,
        images=facts.images or known.images,
        epochs=facts.epochs or _whole(values.get("epochs")),
        total_steps=facts.total_steps or _whole(values.get("max_steps")),
        steps_per_epoch=facts.steps_per_epoch or known.steps_per_epoch,
    )


def _same(one: object, other: object) -> bool:
    if one == other or str(one).lower() == str(other).lower():
        return True
    if isinstance(one, tuple) and set(map(str, one)) == set(
        re.findall(r"[^\s,x()\[\]]+", str(other))
    ):
        return True  # a side, or width and height: 512, "512,512", [512, 512]
    try:
        return float(str(one)) == float(str(other))
    except ValueError:
        return False


def _whole(value: ConfigValue | None) -> int | None:
    found = value.value if value is not None else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def _candidates(folder: Path) -> list[Path]:
    try:
        names = sorted(folder.iterdir())
    except OSError:
        return []
    found = []
    for path in names:
        if path.suffix.lower() not in ENDINGS and path.name not in COMMANDS:
            continue
        try:
            if path.is_file() and path.stat().st_size <= LARGE:
                found.append(path)
        except OSError:
            continue
    return found[:MANY]
