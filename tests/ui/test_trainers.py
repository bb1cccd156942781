"""A run of each trainer on every screen."""

from __future__ import annotations

import pytest

from loratui.engine.diagnosis import diagnose
from loratui.kb import load
from loratui.ui import keys
from tests.trainers.cases import CASES, OTHER, console, crash
from tests.ui.test_live import screen_text

KB = load()
SCREENS = [row.keys for row in keys.KEYS if row.keys.isdigit()]


def diagnosed(tmp_path, data):
    path = tmp_path / "robot" / "train.log"  # the folder's name is the run's
    path.parent.mkdir()
    path.write_bytes(data)
    return diagnose(path, KB)


def shows_the_run(rows, trainer):
    """Whose run it is stands in the first row, how far it is and its loss in the second."""
    case, status = CASES[trainer], rows[1].replace(" ", "")
    where = f"{case.step}/{case.total}" if case.total else f"step{case.step}"
    assert trainer == OTHER or f"· {trainer}" in rows[0]
    assert where in status
    assert f"loss{case.loss}" in status
    assert "finished" in status


@pytest.mark.parametrize("trainer", CASES)
async def test_live_shows_the_run_and_every_screen_takes_it(live, tmp_path, trainer):
    app = live(diagnosed(tmp_path, console(trainer)))
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        text = " ".join("\n".join(screen_text(app)).split())
        assert ("unknown trainer" in text) == (trainer == OTHER)
        for key in [*SCREENS, "1"]:
            await pilot.press(key)
            await pilot.pause()
        shows_the_run(screen_text(app), trainer)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        shows_the_run(screen_text(app), trainer)


@pytest.mark.parametrize("trainer", CASES)
async def test_live_shows_what_went_wrong(live, tmp_path, trainer):
    run = diagnosed(tmp_path, crash(trainer))
    app = live(run)
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        rows = screen_text(app)
        assert run.status.state in rows[1]
        assert run.findings[0].title.split("\n")[0][:20] in "\n".join(rows)
