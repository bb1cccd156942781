"""Where the configurations of tests/fixtures/configs are, and how to read them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from loratui.configs.base import ConfigFile, Setting
from loratui.configs.files import parse, read
from loratui.kb import load
from loratui.kb.loader import trainer_keys

CONFIGS = Path(__file__).parents[1] / "fixtures" / "configs"
ALL = sorted(path for path in CONFIGS.rglob("*") if path.is_file())


@cache
def kb():
    return load()


@cache
def keys():
    return trainer_keys()[0]


@cache
def config(name: str) -> ConfigFile:
    return read(CONFIGS / name)


def text(content: str, kind: str) -> ConfigFile:
    return parse(content.encode(), "it", kind)


def places(file: ConfigFile) -> dict[str, tuple[object, int]]:
    """(value, line) by key."""
    return {s.key: (s.value, s.line) for s in file.values}


def values(file: ConfigFile) -> dict[str, object]:
    return {s.key: s.value for s in file.values}


def setting(key: str, value: object, **more: object) -> Setting:
    return Setting(key, value, **more)  # type: ignore[arg-type]
