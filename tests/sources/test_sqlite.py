"""ai-toolkit's loss_log.db: read beside its writer, resumed, locked, broken, and left as it was."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Metrics, SourceChange
from loratui.sources import sqlite as module
from loratui.sources.sqlite import LossLog

Items = list[Metrics | SourceChange]
Points = dict[str, list[tuple[int, float]]]
_NAN = math.nan  # one object, so that lists with it are equal

SCHEMA = """
CREATE TABLE steps (step INTEGER PRIMARY KEY, wall_time REAL NOT NULL);
CREATE TABLE metric_keys (key TEXT PRIMARY KEY, first_seen_step INTEGER, last_seen_step INTEGER);
CREATE TABLE metrics (step INTEGER NOT NULL, key TEXT NOT NULL, value_real REAL, value_text TEXT,
  PRIMARY KEY (step, key), FOREIGN KEY (step) REFERENCES steps(step) ON DELETE CASCADE);
CREATE INDEX idx_metrics_key_step ON metrics (key, step);
"""


class Logger:
    """Writes as ai-toolkit's UILogger does."""

    def __init__(self, path: Path, wal: bool = True) -> None:
        self.time = 100.0
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        self.connection.execute("PRAGMA foreign_keys=ON")
        self.connection.executescript(SCHEMA)

    def log(self, step: int, **values: object) -> None:
        self.time += 1.0
        run = self.connection.execute
        run("BEGIN")
        run(
            "INSERT INTO steps VALUES(?, ?) "
            "ON CONFLICT(step) DO UPDATE SET wall_time=excluded.wall_time",
            (step, self.time),
        )
        for key, value in values.items():
            text = value if isinstance(value, str) else None
            run(
                "INSERT INTO metrics VALUES(?, ?, ?, ?) ON CONFLICT(step, key) DO UPDATE SET "
                "value_real=excluded.value_real, value_text=excluded.value_text",
                (step, key, None if text is not None else value, text),
            )
        run("COMMIT")

    def resume(self, step: int) -> None:
        self.connection.execute("DELETE FROM steps WHERE step > ?", (step,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "loss_log.db"


@pytest.fixture
def logger(path: Path) -> Iterator[Logger]:
    found = Logger(path)
    yield found
    found.connection.close()


def drain(source: LossLog) -> Items:
    found: Items = []
    while (items := source.poll()) or source.share() is not None:
        found += items
    return found


def points(items: Items) -> Points:
    found = defaultdict(list)
    for item in items:
        if isinstance(item, Metrics):
            assert len(item.steps) == len(item.values) == len(item.offsets)
            assert list(item.steps) == sorted(item.steps)
            values = [_NAN if math.isnan(value) else value for value in item.values]
            found[item.name] += zip(item.steps, values, strict=True)
    return dict(found)


def kinds(items: Items) -> list[str]:
    return [item.kind for item in items if isinstance(item, SourceChange)]


def traces(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in sorted(folder.iterdir())
    }


def test_values_nan_and_text(path: Path, logger: Logger) -> None:
    logger.log(1, loss=0.5, lr=1e-4, note="a text")
    logger.log(2, loss=math.nan, lr=1)
    logger.log(3, loss=math.inf)
    source = LossLog(path)
    assert points(drain(source)) == {
        "loss": [(1, 0.5), (2, _NAN), (3, math.inf)],
        "lr": [(1, 1e-4), (2, 1.0)],
        "wall_time": [(1, 101.0), (2, 102.0), (3, 103.0)],
    }
    assert source.problems == []
    assert source.share() is None
    assert not source.over()
    source.close()


def test_growth(path: Path, logger: Logger) -> None:
    logger.log(1, loss=0.5)
    source = LossLog(path)
    drain(source)
    assert drain(source) == []
    logger.log(2, loss=0.25)
    logger.log(3, loss=0.125)
    assert points(drain(source))["loss"] == [(2, 0.25), (3, 0.125)]


def test_nothing_is_opened_when_nothing_has_changed(
    path: Path, logger: Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.log(1, loss=0.5)
    source = LossLog(path)
    drain(source)
    monkeypatch.setattr(sqlite3, "connect", None)
    assert source.poll() == []


def test_no_trace_is_left_beside_a_writer(path: Path) -> None:
    # in a process of its own: within one, sqlite shares what a writer has mapped for writing
    code = (
        "import sys; from pathlib import Path; from tests.sources.test_sqlite import Logger\n"
        "logger = Logger(Path(sys.argv[1]))\n"
        "for step in sys.stdin: logger.log(int(step), loss=int(step) / 4); print(flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        source = LossLog(path)
        for step in (1, 2, 3):
            writer.stdin.write(b"%d\n" % step)
            writer.stdin.flush()
            writer.stdout.readline()
            before = traces(path.parent)
            assert set(before) == {"loss_log.db", "loss_log.db-wal", "loss_log.db-shm"}
            assert points(drain(source))["loss"] == [(step, step / 4)]
            assert traces(path.parent) == before
        writer.stdin.close()


@pytest.mark.parametrize("left", [("",), ("", "-wal"), ("", "-wal", "-shm")])
def test_no_trace_is_left_in_a_copy(
    path: Path, logger: Logger, tmp_path: Path, left: tuple[str, ...]
) -> None:
    logger.log(1, loss=0.5)
    logger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    logger.log(2, loss=0.25)
    copy = tmp_path / "a run, 100 % [b]? #1" / "loss_log.db"
    copy.parent.mkdir()
    for suffix in left:
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    before = traces(copy.parent)
    source = LossLog(copy)
    expected = [(1, 0.5), (2, 0.25)] if "-wal" in left else [(1, 0.5)]
    assert points(drain(source))["loss"] == expected
    assert source.problems == []
    assert traces(copy.parent) == before


def test_a_finished_database_without_its_log(path: Path, logger: Logger) -> None:
    logger.log(1, loss=0.5)
    logger.connection.close()
    before = traces(path.parent)
    assert set(before) == {"loss_log.db"}
    assert points(drain(LossLog(path)))["loss"] == [(1, 0.5)]
    assert traces(path.parent) == before


def test_a_copy_too_large_is_a_problem(
    path: Path, logger: Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.log(1, loss=0.5)
    (tmp_path / "b").mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", tmp_path / "b" / f"loss_log.db{suffix}")
    monkeypatch.setattr(module, "_COPY", 100)
    source = LossLog(tmp_path / "b" / "loss_log.db")
    assert kinds(drain(source)) == ["unreadable"]
    assert "too large to be copied" in source.problems[0][1]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_resumed_run_goes_back(path: Path, logger: Logger, ahead: bool) -> None:
    """`ahead`: by the next poll the resumed run has passed the point where the first one was."""
    for step in range(1, 11):
        logger.log(step, loss=step / 8)
    source = LossLog(path)
    drain(source)
    logger.resume(6)
    last = 13 if ahead else 8
    for step in range(6, last):
        logger.log(step, loss=float(step))
    items = drain(source)
    assert kinds(items) == []
    assert points(items)["loss"] == [(step, float(step)) for step in range(6, last)]
    assert points(items)["wall_time"][0][0] == 6


def test_deleted_first_and_written_later(path: Path, logger: Logger) -> None:
    for step in range(1, 11):
        logger.log(step, loss=step / 8)
    source = LossLog(path)
    drain(source)
    logger.resume(6)
    assert points(drain(source)) == {}
    logger.log(6, loss=6.0)
    logger.log(7, loss=7.0)
    assert points(drain(source))["loss"] == [(6, 6.0), (7, 7.0)]


def test_a_key_that_comes_later_in_a_step(path: Path, logger: Logger) -> None:
    logger.log(5, zeta=1.0)
    source = LossLog(path)
    drain(source)
    logger.log(5, alpha=2.0)
    found = points(drain(source))
    assert found["alpha"] == [(5, 2.0)]
    assert found["zeta"] == [(5, 1.0)]  # again, as the step was written again


def test_all_rows_are_gone(path: Path, logger: Logger) -> None:
    logger.log(5, loss=1.0)
    source = LossLog(path)
    drain(source)
    logger.resume(0)
    logger.log(1, loss=2.0)
    assert points(drain(source))["loss"] == [(1, 2.0)]


def test_history_in_pieces(path: Path, logger: Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in range(1, 41):
        logger.log(step, loss=step / 8, lr=0.5)
    monkeypatch.setattr(module, "_ROWS", 7)
    ticks = iter(range(10**6))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(module, "BUDGET", 2.0)
    monkeypatch.setattr(module, "_TICK", 10**9)
    source, found, shares = LossLog(path), [], []
    while items := source.poll():
        found += items
        shares.append(source.share())
    expected = [(step, step / 8) for step in range(1, 41)]
    assert points(found)["loss"] == expected
    assert [step for step, _ in points(found)["wall_time"]] == list(range(1, 41))
    assert len(shares) > 5
    assert shares[-1] is None
    assert shares[:-1] == sorted(share for share in shares if share is not None)


def test_locked(path: Path) -> None:
    logger = Logger(path, wal=False)
    logger.log(1, loss=0.5)
    source = LossLog(path, ManualClock(3.0))
    logger.connection.execute("BEGIN EXCLUSIVE")
    logger.connection.execute("INSERT INTO steps VALUES(2, 5.0)")
    said = [kinds(source.poll()) for _ in range(8)]
    assert [each for each in said if each] == [["unreadable"]]
    assert said[0] == []  # a lock that is gone at the next poll is nothing
    assert source.problems == [(str(path), "Not readable: database is locked.")]
    logger.connection.execute("ROLLBACK")
    assert points(drain(source))["loss"] == [(1, 0.5)]
    assert source.problems == []
    logger.connection.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is no database at all" * 100, "file is not a database"),
        (b"SQLite format 3\0" + bytes(4000), ""),
        (b"", "no such table"),
    ],
)
def test_no_database(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    source = LossLog(path)
    said_kinds = [kind for _ in range(8) for kind in kinds(source.poll())]
    assert said_kinds == ["unreadable"]
    assert said in source.problems[0][1]
    assert set(os.listdir(path.parent)) == {"loss_log.db"}


def test_cut_anywhere(path: Path, logger: Logger, tmp_path: Path) -> None:
    for step in range(200):
        logger.log(step, loss=0.5, lr=0.25)
    logger.connection.close()
    data = path.read_bytes()
    whole = {(step, value) for step, value in points(drain(LossLog(path)))["loss"]}
    for cut in range(0, len(data), 997):
        part = tmp_path / f"{cut}.db"
        part.write_bytes(data[:cut])
        source = LossLog(part)
        items = [item for _ in range(3) for item in source.poll()]
        assert set(points(items).get("loss", [])) <= whole
        assert source.problems
        part.write_bytes(data)
        assert points(items + drain(source))["loss"] == sorted(whole)
        assert source.problems == []


@pytest.mark.parametrize(
    "row", ["(1, x'00', 1.0, NULL)", "('a', 'loss', 1.0, NULL)", "(1, 'loss', x'00', NULL)"]
)
def test_rows_of_other_types(path: Path, row: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE steps (step, wall_time)")
    connection.execute("CREATE TABLE metrics (step, key, value_real, value_text)")
    connection.execute("INSERT INTO steps VALUES ('x', 'y')")
    connection.execute(f"INSERT INTO metrics VALUES {row}")
    connection.close()
    source = LossLog(path)
    assert points(source.poll()) == {}
    assert bool(source.problems) == ("'loss', x" not in row)


def test_too_many_keys(path: Path, logger: Logger) -> None:
    logger.log(1, **{f"k{n}": 0.5 for n in range(4200)})
    source = LossLog(path)
    assert len(points(drain(source))) == 4096
    assert "More than 4096 keys" in source.problems[0][1]


def test_gone_back_and_replaced(path: Path, logger: Logger, tmp_path: Path) -> None:
    source = LossLog(tmp_path / "x.db", ManualClock(3.0))
    assert kinds(drain(source)) == ["gone"]
    logger.log(1, loss=0.5)
    logger.connection.close()
    shutil.copy(path, tmp_path / "x.db")
    items = drain(source)
    assert kinds(items) == ["back"]
    assert points(items)["loss"] == [(1, 0.5)]
    os.replace(path, tmp_path / "x.db")
    items = drain(source)
    assert kinds(items) == ["replaced"]
    assert points(items)["loss"] == [(1, 0.5)]
