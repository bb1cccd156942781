"""Which system it is."""

from __future__ import annotations

import pytest

from loratui.machine.system import system


@pytest.mark.parametrize(
    ("name", "release", "expected"),
    [
        ("linux", "6.8.0-45-generic", "linux"),
        ("linux", "5.15.153.1-microsoft-standard-WSL2", "wsl"),
        ("linux", "4.4.0-19041-Microsoft", "wsl"),
        ("win32", "10", "windows"),
        ("darwin", "23.1.0", "mac"),
        ("freebsd14", "14.0", ""),
    ],
)
def test_system(name: str, release: str, expected: str) -> None:
    assert system(name, release) == expected
