"""The README's table of what is read is true, cell by cell.

`yes` must hold for the console alone; `from X` for a folder with X beside it, and not without;
`–` neither for the console nor for everything that we know to stand beside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Checkpoint, Event, Sample
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.diagnosis import diagnose
from loratui.engine.followers import Followers
from loratui.kb import load
from loratui.sources.artefacts import EVERY, Artefacts
from loratui.trainers import trainers
from tests.runs import log, read
from tests.trainers.cases import CASES, IMAGES, LOGS, OTHER, SOURCES, console, crash

README = Path(__file__).parents[2] / "README.md"
COLUMNS = (
    "progress", "loss", "learning rate", "epochs", "validation loss", "settings", "images",
    "checkpoints", "samples", "errors",
)  # fmt: skip
KB = load()

pytestmark = pytest.mark.skipif(not README.is_file(), reason="not in a checkout")


def table() -> dict[str, dict[str, str]]:
    """Cells by trainer and column."""
    text = README.read_text(encoding="utf-8") if README.is_file() else ""
    if "<!-- reads -->" not in text:
        return {}
    rows = text.split("<!-- reads -->")[1].split("<!-- end reads -->")[0].strip().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert tuple(cells[0][1:]) == COLUMNS
    found = {}
    for row in cells[2:]:
        (trainer,) = [t for t, case in CASES.items() if row[0].startswith(case.title)]
        found[trainer] = dict(zip(COLUMNS, row[1:], strict=True))
    return found


TABLE = table()
CELLS = [(trainer, column) for trainer in CASES for column in COLUMNS]


def sources(cell: str) -> list[str]:
    """What a cell names behind `from`."""
    found = re.search(r"\bfrom (.+)$", cell)
    return re.split(r", ", found.group(1)) if found else []


def folder(place: Path, trainer: str, columns: Iterable[tuple[str, str]]) -> Path:
    """A run's folder with what stands beside the console for these (column, source)."""
    place.mkdir()
    (place / "train.log").write_bytes(console(trainer))
    for column, source in columns:
        if (trainer, column, source) in SOURCES:
            SOURCES[trainer, column, source](place)
    for path in place.rglob("*"):
        os.utime(path, (1_795_241_400, 1_795_241_400))
    return place


def appeared(place: Path) -> list[Checkpoint | Sample]:
    """Files in the folder that are checkpoints and samples."""
    clock = ManualClock(1_795_241_400)
    followers = Followers([], output=Artefacts([place], 0.0, clock))
    found = []
    for _ in range(2):
        clock.advance(EVERY)
        found += followers.files_written()
    return found


def holds(column: str, run: SessionSnapshot, events: Iterable[Event | Checkpoint | Sample]) -> bool:
    """Whether what a column promises is known."""
    status, facts = run.status, run.facts
    if column == "progress":
        return status.step is not None and status.total is not None
    if column == "loss":
        return "loss" in run.series and facts.loss_kind != "running-mean"
    if column == "learning rate":
        return "lr" in run.series and run.series["lr"].count > 0
    if column == "epochs":
        return status.epoch is not None
    if column == "validation loss":
        return "val_loss" in run.series
    if column == "settings":
        return facts.config.number("learning_rate") is not None
    if column == "images":
        return bool(facts.images)
    kind = {"checkpoints": Checkpoint, "samples": Sample}[column]
    return any(isinstance(event, kind) for event in events)


def by_console(trainer: str, column: str, place: Path) -> bool:
    data = console(trainer)
    if column == "validation loss" and CASES[trainer].validation:
        data = log(CASES[trainer].validation).read_bytes()
    path = place / "alone.log"
    path.write_bytes(data)
    return holds(column, diagnose(path, KB), read(data)[1])


def by_source(trainer: str, column: str, source: str, place: Path) -> bool:
    if (trainer, source) in LOGS:
        path = log(LOGS[trainer, source])
        return holds(column, diagnose(path, KB), read(path.read_bytes())[1])
    made = folder(place / "run", trainer, [(column, source)])
    assert (trainer, column, source) in SOURCES, "a source that nothing here proves"
    run = diagnose(made, KB)
    if column == "images":
        assert run.facts.images == IMAGES
    if column == "settings" and trainer != "ai-toolkit":
        value = run.facts.config.values["learning_rate"]
        assert value.file is not None
        assert Path(value.file).parent == made
    return holds(column, run, appeared(made))


def test_every_trainer_has_a_row_and_no_source_is_idle() -> None:
    assert set(TABLE) == set(CASES) == {trainer.id for trainer in trainers()}
    named = {
        (trainer, column, source)
        for trainer, row in TABLE.items()
        for column, cell in row.items()
        for source in sources(cell)
    }
    assert {key for key in SOURCES if key not in named} == set()


@pytest.mark.parametrize(("trainer", "column"), [c for c in CELLS if c[1] != "errors"])
def test_a_cell(trainer: str, column: str, tmp_path: Path) -> None:
    cell = TABLE[trainer][column]
    alone = by_console(trainer, column, tmp_path)
    if cell == "–":
        everything = [(c, s) for t, c, s in SOURCES if t == trainer]
        # of several configurations one is enough
        once = list({column: (column, source) for column, source in everything}.values())
        made = folder(tmp_path / "run", trainer, once)
        run = diagnose(made, KB)
        assert not alone
        assert not holds(column, run, appeared(made))
        return
    assert cell.startswith(("yes", "from ", "mean; ", "steps; "))
    assert alone == cell.startswith("yes")
    if cell.startswith("mean; "):
        assert "loss" in diagnose_console(trainer, tmp_path).series
    if cell.startswith("steps; "):
        assert diagnose_console(trainer, tmp_path).status.step is not None
    named = sources(cell)
    assert bool(named) == (cell != "yes")
    for number, source in enumerate(named):
        (tmp_path / str(number)).mkdir()
        assert by_source(trainer, column, source, tmp_path / str(number)), source


def diagnose_console(trainer: str, place: Path) -> SessionSnapshot:
    path = place / "console.log"
    path.write_bytes(console(trainer))
    return diagnose(path, KB)


@pytest.mark.parametrize("trainer", CASES)
def test_errors(trainer: str, tmp_path: Path) -> None:
    """The console of a run that stopped gives a finding with its line, and who wrote it."""
    assert TABLE[trainer]["errors"] == "yes"
    path = tmp_path / "train.log"
    path.write_bytes(crash(trainer))
    run = diagnose(path, KB)
    assert run.facts.trainer == trainer
    expected = CASES[trainer].error[1]
    (finding,) = [found for found in run.findings if found.id == expected]
    assert any(each.text for each in finding.evidence)


@pytest.mark.parametrize("trainer", [t for t in CASES if t != OTHER])
def test_the_folder_of_a_whole_run_is_one_run(trainer: str, tmp_path: Path) -> None:
    """Everything beside the console together: one trainer, no step counted twice."""
    first = {column: (column, source) for t, column, source in SOURCES if t == trainer}
    made = folder(tmp_path / "run", trainer, first.values())
    run = diagnose(made, KB)
    case = CASES[trainer]
    assert run.facts.trainer == trainer
    assert run.status.step == case.step
    assert not [problem for problem in run.unread if "not understood" in problem[1]]
