"""Following a file that grows, shrinks, is replaced, vanishes and comes back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Batch, SourceChange
from loratui.errors import LoratuiError
from loratui.sources.base import CHUNK
from loratui.sources.tail import Tail, check_readable, looks_binary


def text(items: list[Batch | SourceChange]) -> bytes:
    return b"".join(item.data for item in items if isinstance(item, Batch))


def kinds(items: list[Batch | SourceChange]) -> list[str]:
    return [item.kind for item in items if isinstance(item, SourceChange)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_bytes(b"one\n")
    return path


def test_growth(log: Path) -> None:
    tail = Tail(log, ManualClock(5.0))
    (first,) = tail.poll()
    assert isinstance(first, Batch)
    assert (first.offset, first.data, first.fresh, first.time) == (0, b"one\n", False, 5.0)
    assert tail.poll() == []
    with log.open("ab") as file:
        file.write(b"two\n")
    (second,) = tail.poll()
    assert isinstance(second, Batch)
    assert (second.offset, second.data, second.fresh) == (4, b"two\n", True)


def test_history_is_given_in_pieces_with_its_share(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b"x" * (CHUNK * 10))
    tail = Tail(path)
    shares = []
    size = 0
    while True:
        items = tail.poll()
        if not items:
            break
        size += len(text(items))
        shares.append(tail.share())
    assert size == CHUNK * 10
    assert shares[0] == pytest.approx(0.4)
    assert shares[-1] is None


def test_truncation_is_said_and_read_anew(log: Path) -> None:
    tail = Tail(log)
    tail.poll()
    log.write_bytes(b"x\n")
    items = tail.poll()
    assert kinds(items) == ["truncated"]
    assert text(items) == b"x\n"


def test_truncated_and_grown_longer_between_two_polls(log: Path) -> None:
    tail = Tail(log)
    tail.poll()
    log.write_bytes(b"another run, longer than before\n")
    items = tail.poll()
    assert kinds(items) == ["truncated"]
    assert text(items) == b"another run, longer than before\n"


def test_rotation_reads_the_rest_of_the_old_file_first(log: Path, tmp_path: Path) -> None:
    tail = Tail(log)
    tail.poll()
    with log.open("ab") as file:
        file.write(b"last words\n")
    log.rename(tmp_path / "train.log.1")
    log.write_bytes(b"new file\n")
    items = tail.poll()
    assert kinds(items) == ["replaced"]
    assert text(items) == b"last words\nnew file\n"


def test_deleted_and_back(log: Path) -> None:
    tail = Tail(log)
    tail.poll()
    log.unlink()
    assert kinds(tail.poll()) == ["gone"]
    assert tail.poll() == []
    log.write_bytes(b"again\n")
    items = tail.poll()
    assert kinds(items) == ["back"]
    assert text(items) == b"again\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_permission_taken_away(log: Path) -> None:
    log.chmod(0)
    assert kinds(Tail(log).poll()) == ["unreadable"]


def test_unreadable_is_said_once(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, *_: object) -> int:
        raise PermissionError(13, "Permission denied")

    tail = Tail(log)
    monkeypatch.setattr(os, "open", refuse)
    assert kinds(tail.poll()) == ["unreadable"]
    assert tail.poll() == []


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    assert Tail(path).poll() == []
    assert Tail(path).share() is None


def test_glance_begins_at_a_separator(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b"a" * 100 + b"\rbar 1\rbar 2")
    batch = Tail(path).glance(10)
    assert batch is not None
    assert (batch.offset, batch.data) == (106, b"\rbar 2")


def test_glance_at_nothing(tmp_path: Path) -> None:
    assert Tail(tmp_path / "none.log").glance() is None


def test_the_file_is_never_written(log: Path) -> None:
    before = log.stat()
    tail = Tail(log)
    tail.glance()
    tail.poll()
    tail.close()
    after = log.stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9), "is a binary file"),
        (lambda path: path.write_bytes(bytes(range(256)) * 9), "is a binary file"),
    ],
)
def test_what_is_no_log_is_refused_in_words(make: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "thing"
    make(path)  # type: ignore[operator]
    with pytest.raises(LoratuiError) as error:
        check_readable(path)
    assert said in error.value.message
    assert str(path) in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("head", "binary"),
    [
        (b"", False),
        (b"plain\r\ntext\x1b[0m", False),
        ("日本語 ██▍".encode(), False),
        (b"\xff\xfes\0t\0e\0p\0", False),
        (b"\xe9\xe8 latin one", False),
        (b"\0\0\0\0", True),
        (b"\x01\x02\x03\x04" * 20, True),
    ],
)
def test_binary(head: bytes, binary: bool) -> None:
    assert looks_binary(head) is binary
