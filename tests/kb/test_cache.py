"""A base that was read before is read again at once, and only if nothing has changed."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from loratui.kb import load
from loratui.kb.cache import keep, recall
from tests.small_knowledge import small


def cached(folder: Path) -> list[Path]:
    return sorted(folder.glob("knowledge-*"))


def test_what_is_recalled_is_what_was_kept(tmp_path: Path) -> None:
    first = load(cache=tmp_path)
    assert len(cached(tmp_path)) == 1
    again = load(cache=tmp_path)
    assert again.symptoms == first.symptoms
    assert again.messages == first.messages
    assert again.messages.noise == first.messages.noise
    assert again.tree == first.tree
    assert again.options == first.options
    assert again.key("learning_rate", "ai-toolkit") == "train.lr"


def test_a_warm_start_needs_neither_pydantic_nor_yaml(tmp_path: Path) -> None:
    load(cache=tmp_path)
    code = (
        "import sys; from pathlib import Path; from loratui.kb import load\n"
        f"base = load(cache=Path({str(tmp_path)!r}))\n"
        "assert base.symptoms and base.messages and base.guides\n"
        "print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_overlay_is_another_base(tmp_path: Path) -> None:
    overlay = tmp_path / "mine"
    overlay.mkdir()
    load(overlay, cache=tmp_path / "cache")
    (overlay / "states.yaml").write_text("sampling: {usual: a week}")
    assert load(overlay, cache=tmp_path / "cache").usual("sampling") == "a week"
    (overlay / "states.yaml").write_text("sampling: {usual: a year}")
    assert load(overlay, cache=tmp_path / "cache").usual("sampling") == "a year"
    assert len(cached(tmp_path / "cache")) == 3


def test_problems_are_kept_as_well(tmp_path: Path) -> None:
    overlay = tmp_path / "mine"
    overlay.mkdir()
    (overlay / "states.yaml").write_text("sampling: {usual: 5}")
    for _ in range(2):
        (problem,) = load(overlay, cache=tmp_path / "cache").problems
        assert problem.line == 1
        assert "a text is expected" in problem.text


class Danger:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        pickle.dumps(Danger()),
        pickle.dumps(subprocess.Popen),
        pickle.dumps({"a": 1}),
        pickle.dumps(small())[:-20],
    ],
    ids=["empty", "nonsense", "code", "a class", "another value", "half"],
)
def test_a_cache_that_is_no_base_is_passed_over(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "knowledge-x").write_bytes(content)
    assert recall(tmp_path, "x") is None
    assert not (tmp_path / "made-by-a-pickle").exists()
    keep(tmp_path, "x", small())
    found = recall(tmp_path, "x")
    assert found is not None
    assert found.symptoms == small().symptoms


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(7):
        keep(tmp_path, str(number), small())
        os.utime(tmp_path / f"knowledge-{number}", (number, number))
    assert [path.name for path in cached(tmp_path)] == [f"knowledge-{n}" for n in (3, 4, 5, 6)]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert load(cache=tmp_path / "file" / "below").symptoms
