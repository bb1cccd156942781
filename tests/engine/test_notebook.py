"""Notes outlive the program, are shared, and are never lost to a broken file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loratui.engine.notebook import SCHEMA, Notebook


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notebook.json"


def test_notes_are_there_at_the_next_start(path: Path) -> None:
    book = Notebook(path, clock=lambda: 1_700_000_000.0)
    assert book.bookmark("overfit")
    assert book.tick("run-1", "dataset/count")
    book.try_fix("overfit", "earlier", "run-1", "epoch 5 [bold]")
    book.stay({"page": "overfit"})
    again = Notebook(path)
    assert again.bookmarks == ("overfit",)
    assert again.ticked("run-1") == {"dataset/count"}
    assert again.ticked("run-2") == frozenset()
    (trial,) = again.trials
    assert (trial.symptom, trial.fix, trial.run, trial.note) == (
        "overfit", "earlier", "run-1", "epoch 5 [bold]",
    )  # fmt: skip
    assert trial.day.startswith("2023-11-1")
    assert again.position == {"page": "overfit"}


def test_the_same_again_takes_it_back(path: Path) -> None:
    book = Notebook(path)
    book.bookmark("overfit")
    assert not book.bookmark("overfit")
    book.tick("", "dataset/count")
    assert not book.tick("", "dataset/count")
    book.try_fix("a", "b", "run")
    book.try_fix("a", "b", "run", "a second note")
    book.try_fix("a", "b", "another run")
    assert [t.note for t in book.trials] == ["a second note", ""]
    book.forget_fix("a", "b", "run")
    assert [t.run for t in book.trials] == ["another run"]
    assert Notebook(path).bookmarks == ()
    assert Notebook(path).ticked("") == frozenset()


def test_two_copies_keep_each_others_notes(path: Path) -> None:
    one, other = Notebook(path), Notebook(path)
    one.bookmark("overfit")
    other.bookmark("underfit")
    one.bookmark("artifacts")
    assert set(Notebook(path).bookmarks) == {"overfit", "underfit", "artifacts"}


def test_ticks_follow_a_run_that_gets_its_key(path: Path) -> None:
    book = Notebook(path)
    book.tick("path:/log", "dataset/count")
    book.tick("key", "dataset/names")
    book.adopt("path:/log", "key")
    book.adopt("nobody", "key")
    assert book.ticked("key") == {"dataset/count", "dataset/names"}
    assert book.ticked("path:/log") == frozenset()


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"\xff\xfe", b'{"schema": "other/9"}', b"[" * 100_000, b""],
    ids=["half", "list", "binary", "other", "deep", "empty"],
)
def test_a_broken_file_is_set_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    book = Notebook(path)
    assert str(path) in book.problem
    book.bookmark("overfit")
    assert Notebook(path).bookmarks == ("overfit",)
    (aside,) = path.parent.glob("*.broken-*")
    assert aside.read_bytes() == content


def test_wrong_types_inside_are_passed_over(path: Path) -> None:
    path.parent.mkdir()
    rows = [7, {"symptom": 1}, {"symptom": "a", "fix": "b", "run": "", "at": "soon"},
            {"symptom": "a", "fix": "b", "run": "", "at": 5}]  # fmt: skip
    pages = {"schema": SCHEMA, "bookmarks": [1, "ok"], "ticks": {"r": 3, "s": {"items": [4, "x"]}},
             "tried": rows, "position": []}  # fmt: skip
    path.write_text(json.dumps(pages))
    book = Notebook(path)
    assert book.bookmarks == ("ok",)
    assert book.ticked("r") == frozenset()
    assert book.ticked("s") == {"x"}
    assert len(book.trials) == 1
    assert book.position == {}
    assert book.tick("r", "list/item")
    assert Notebook(path).ticked("r") == {"list/item"}


def test_a_folder_that_cannot_be_written_loses_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    book = Notebook(tmp_path / "file" / "notebook.json")
    assert book.bookmark("overfit")
    assert book.bookmarks == ("overfit",)
    assert "not kept" in book.problem


def test_without_a_file_it_lives_in_memory() -> None:
    book = Notebook()
    book.tick("", "a/b")
    assert book.ticked("") == {"a/b"}


def test_old_runs_are_forgotten_in_the_end(path: Path) -> None:
    book = Notebook(path)
    for number in range(205):
        book.tick(f"run {number}", "a/b")
    assert not book.ticked("run 4")
    assert book.ticked("run 5")
    assert book.ticked("run 204")
