"""What the user wrote down: bookmarks, fixes tried, items ticked, and where they were.

One JSON file in the state folder, shared by every copy of the program that runs: each change
reads the file again before it is written. What cannot be read is set aside, never overwritten.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot
from loratui.kb.pages.case import Case, Trial

SCHEMA = "loratui.notebook/1"
_RUNS, _TRIALS, _BOOKMARKS, _RECENT = 200, 1000, 500, 20
_LONGEST = 4_000_000
_NOTE = 500


class Notebook:
    """Bookmarks, trials, ticks and positions; kept in memory alone where there is no file.

    `problem` is a sentence for the user when the file could not be read or written.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: dict[str, Any] = {}
        self.problem = ""
        self._read()

    # what is in it

    @property
    def bookmarks(self) -> tuple[str, ...]:
        """Pages that were marked, the newest first."""
        return tuple(reversed(_texts(self._pages.get("bookmarks"))))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Fixes that were tried, the oldest first."""
        rows = self._pages.get("tried")
        return tuple(t for row in rows if (t := _trial(row))) if isinstance(rows, list) else ()

    def ticked(self, run: str) -> frozenset[str]:
        """Items (``LIST/ITEM``) ticked by hand for a run, or for none in particular."""
        return frozenset(_texts(self._row(run).get("items")))

    @property
    def position(self) -> dict[str, Any]:
        """Where the user was, as the screen wrote it."""
        found = self._pages.get("position")
        return dict(found) if isinstance(found, dict) else {}

    @property
    def recent(self) -> tuple[str, ...]:
        """Logs and folders that were watched, the newest first."""
        return tuple(reversed(_texts(self._pages.get("recent"))))

    # what changes it

    def watched(self, path: str) -> None:
        """A log or folder is being watched."""
        with self._change() as pages:
            paths = _list(pages, "recent")
            paths[:] = [known for known in paths if known != path]
            paths.append(path)
            del paths[:-_RECENT]

    def bookmark(self, page: str) -> bool:
        """Mark a page, or take the mark away; whether it is marked now."""
        with self._change() as pages:
            marks = _list(pages, "bookmarks")
            if page in marks:
                marks.remove(page)
                return False
            marks.append(page)
            del marks[:-_BOOKMARKS]
            return True

    def tick(self, run: str, item: str) -> bool:
        """Tick an item of a run, or take the tick away; whether it is ticked now."""
        with self._change() as pages:
            runs = pages.get("ticks")
            if not isinstance(runs, dict):
                runs = pages["ticks"] = {}
            row = runs.pop(run, None)
            row = row if isinstance(row, dict) else {}
            items = _list(row, "items")
            ticked = item not in items
            if ticked:
                items.append(item)
            else:
                items.remove(item)
            row["at"] = round(self._clock())
            runs[run] = row  # the newest last
            for old in list(runs)[:-_RUNS]:
                del runs[old]
            return ticked

    def adopt(self, run: str, into: str) -> None:
        """Give the ticks of one run to another: a run has no key until its first losses."""
        if not self.ticked(run):
            return
        with self._change() as pages:
            row = pages["ticks"].pop(run)
            other = pages["ticks"].get(into)
            own = _list(other, "items") if isinstance(other, dict) else []
            row["items"] = list(dict.fromkeys([*own, *_list(row, "items")]))
            pages["ticks"][into] = row

    def try_fix(self, symptom: str, fix: str, run: str, note: str = "") -> Trial:
        """Write down that a fix was tried now; a second time replaces the first."""
        row = {"symptom": symptom, "fix": fix, "run": run, "at": self._clock(),
               "note": note[:_NOTE]}  # fmt: skip
        with self._change() as pages:
            rows = _list(pages, "tried")
            rows[:] = [r for r in rows if not _same(r, symptom, fix, run)]
            rows.append(row)
            del rows[:-_TRIALS]
        return Trial(**row)  # type: ignore[arg-type]

    def forget_fix(self, symptom: str, fix: str, run: str) -> None:
        """The fix was not tried after all."""
        with self._change() as pages:
            rows = _list(pages, "tried")
            rows[:] = [r for r in rows if not _same(r, symptom, fix, run)]

    def stay(self, position: dict[str, Any]) -> None:
        """Remember where the user is."""
        if position != self.position:
            with self._change() as pages:
                pages["position"] = position

    # the file

    def _row(self, run: str) -> dict[str, Any]:
        runs = self._pages.get("ticks")
        row = runs.get(run) if isinstance(runs, dict) else None
        return row if isinstance(row, dict) else {}

    @contextmanager
    def _change(self) -> Iterator[dict[str, Any]]:
        """The pages as they stand in the file now, written back afterwards."""
        with self._lock, self._alone():
            self._read()
            yield self._pages
            self._write()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other copies of the program from writing meanwhile, where that is possible."""
        if self._path is None:
            yield
            return
        handle = None
        with suppress(OSError, ImportError):
            import fcntl

            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            for _ in range(20):  # a file system that cannot lock must not hold anybody up
                with suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.005)
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            if self._path.stat().st_size > _LONGEST:
                raise ValueError(f"it is larger than {_LONGEST} bytes")
            found = json.loads(self._path.read_bytes())
            if not isinstance(found, dict) or found.get("schema") != SCHEMA:
                raise ValueError(f"it is no {SCHEMA}")
            self._pages = found
        except FileNotFoundError:
            return
        except OSError as error:
            self.problem = f"Notes are not kept: {self._path}: {error.strerror}."
        except (ValueError, RecursionError) as error:
            self._set_aside(error)

    def _set_aside(self, error: Exception) -> None:
        assert self._path is not None
        aside = self._path.with_name(f"{self._path.name}.broken-{int(self._clock())}")
        self.problem = (
            f"Your notes in {self._path} could not be read ({error}); they are kept as {aside}, "
            "and a new file is begun."
        )
        try:
            self._path.rename(aside)
        except OSError as failed:
            self.problem = f"Notes are not kept: {self._path}: {failed.strerror}."
            self._path = None

    def _write(self) -> None:
        if self._path is None:
            return
        self._pages["schema"] = SCHEMA
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(json.dumps(self._pages, ensure_ascii=False, indent=1), "utf-8")
            fresh.replace(self._path)
        except OSError as error:
            self.problem = f"Notes are not kept: {self._path}: {error.strerror}."
            with suppress(OSError):
                fresh.unlink()


def case_of(snapshot: SessionSnapshot, notebook: Notebook, finding: Finding | None = None) -> Case:
    """What a page needs to know of the user's run and notes."""
    run = snapshot.run_key
    return Case(
        facts=snapshot.facts,
        machine=snapshot.machine,
        host=snapshot.host,
        rate=snapshot.status.rate,
        findings=snapshot.findings,
        finding=finding,
        judged=snapshot.judged,
        ticked=notebook.ticked(run) | notebook.ticked(""),
        trials=notebook.trials,
        run=run,
    )


def _texts(value: object) -> list[str]:
    """The texts of a list; nothing where it is none."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _list(pages: dict[str, Any], name: str) -> list[Any]:
    """The list of this name, put there when there is none."""
    found = pages.get(name)
    if not isinstance(found, list):
        found = pages[name] = []
    return found


def _same(row: object, symptom: str, fix: str, run: str) -> bool:
    named = isinstance(row, dict) and (row.get("symptom"), row.get("fix"), row.get("run"))
    return named == (symptom, fix, run)


def _trial(row: object) -> Trial | None:
    """A row as it was written; None for what is none."""
    if not isinstance(row, dict):
        return None
    texts = [row.get(name) for name in ("symptom", "fix", "run")]
    at, note = row.get("at"), row.get("note")
    if not all(isinstance(text, str) for text in texts) or isinstance(at, bool):
        return None
    if not isinstance(at, int | float) or not 0 <= at < 2**40:
        return None
    return Trial(texts[0], texts[1], texts[2], float(at), note if isinstance(note, str) else "")  # type: ignore[arg-type]
