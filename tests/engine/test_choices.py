"""Which runs can be chosen, in which order, and what is opened."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import loratui.engine.choices as engine_choices
from loratui.core.running import Discovered, FoundRun, LogPlace
from loratui.engine.choices import choices, first_to_watch, open_choice, with_status
from loratui.errors import LoratuiError
from loratui.sources.pane import PaneLog
from loratui.sources.tail import Tail
from tests.runs import log

LOG = log("kohya/healthy")


def run(pid: int = 10, **fields: object) -> FoundRun:
    place = LogPlace("file", str(LOG), "Its output is written to this file.")
    base = {"pid": pid, "started": 1_700_000_000.0 + pid, "trainer": "kohya", "log": place,
            "output_dir": f"/x/maya-{pid}"}  # fmt: skip
    return FoundRun(**{**base, **fields})  # type: ignore[arg-type]


def test_the_only_live_run_is_watched_without_asking() -> None:
    listed = choices(Discovered((run(), run(11, live=False))))
    first = first_to_watch(listed)
    assert first is not None
    assert first.found is not None
    assert first.found.pid == 10
    assert first.title == "maya-10"
    assert "PID 10" in first.detail


@pytest.mark.parametrize(
    "runs",
    [
        (),
        (run(), run(11)),
        (run(live=False),),
        (run(trainer=""),),
        (run(log=LogPlace("none", "", "It is on another terminal.", "terminal")),),
    ],
    ids=["none", "two", "over", "unknown", "unreadable"],
)
def test_otherwise_somebody_has_to_choose(runs: tuple[FoundRun, ...]) -> None:
    assert first_to_watch(choices(Discovered(runs))) is None


def test_logs_watched_before_come_last_and_once(tmp_path: Path) -> None:
    gone, there = tmp_path / "gone.log", tmp_path / "there.log"
    there.write_text("x")
    listed = choices(Discovered((run(),)), (str(gone), str(there), str(LOG)))
    assert [choice.path for choice in listed] == [str(LOG), str(there)]


def test_what_cannot_be_watched_says_why() -> None:
    place = LogPlace("none", "", "Its output goes to a terminal.", "terminal", "Start it in tmux.")
    (choice,) = choices(Discovered((run(log=place),)))
    assert not choice.readable
    assert "Start it in tmux." in choice.reason
    with pytest.raises(LoratuiError, match="terminal"):
        open_choice(choice, None)


def test_a_dull_folder_gives_way_to_a_better_name() -> None:
    (choice,) = choices(Discovered((run(output_dir="/x/output", configs=("/x/maya.yaml",)),)))
    assert choice.title == "maya.yaml"


def test_each_kind_of_place_is_opened() -> None:
    (filed,) = choices(Discovered((run(),)))
    session = open_choice(filed, None)
    assert isinstance(session.source, Tail)
    pane = LogPlace("tmux", "%3", "It is shown in a tmux pane.", socket="/tmp/none")
    (shown,) = choices(Discovered((run(log=pane),)))
    assert shown.place == "tmux pane %3"
    assert isinstance(open_choice(shown, None).source, PaneLog)


def test_a_path_watched_before_is_opened_again() -> None:
    (choice,) = choices(Discovered(), (str(LOG),))
    assert isinstance(open_choice(choice, None).source, Tail)


def test_how_far_each_run_is(tmp_path):
    """What the end of its log shows; a log without steps, or none, shows nothing."""
    train = tmp_path / "train.log"
    train.write_bytes(LOG.read_bytes())
    (tmp_path / "empty.log").write_text("hello\n")
    recent = [str(train), str(tmp_path / "empty.log"), str(tmp_path / "gone.log")]
    listed = with_status(choices(Discovered(), recent))
    assert [choice.path for choice in listed] == recent[:2]
    first, second = (choice.status for choice in listed)
    assert first is not None
    assert first.step == first.total
    assert first.loss is not None
    assert second is None


def test_a_folder_that_does_not_answer_holds_nobody_up(monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(engine_choices, "_exists", lambda _path: never.wait())
    began = time.monotonic()
    assert choices(Discovered(), ["/mnt/dead/train.log"], wait=0.05) == []
    assert time.monotonic() - began < 5
    never.set()
