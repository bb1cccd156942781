"""The README says what is true: its key table is the program's, its pictures and commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loratui.cli import main
from loratui.ui import keys

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="not in a checkout")


def test_the_key_table_is_the_programs() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split("<!-- keys -->")[1].split("<!-- end keys -->")[0]
    assert table.strip() == keys.markdown().strip()


def test_every_picture_exists() -> None:
    for path in re.findall(r"\((screenshots/[^)]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file(), path


def test_every_command_exists() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(
        re.findall(r"loratui (?:--\w+ )?(watch|demo|diagnose|tree|explain|doctor|kb)\b", text)
    )
    assert named == set(main.commands)
