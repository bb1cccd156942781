"""Items tick themselves only on evidence, and never because nothing is known."""

from __future__ import annotations

import pytest

from loratui.core.snapshot import Checklist, ChecklistItem
from loratui.engine.checklists import checklist_of, judgements
from loratui.engine.run import Run
from loratui.kb import load
from loratui.kb.base import KnowledgeBase
from tests.runs import log, read


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return load()


def checklist(kb: KnowledgeBase, data: bytes) -> Checklist:
    run = Run(kb, "log")
    run.apply(read(data)[1], 0.0)
    return checklist_of(run, judgements(run))


def items(found: Checklist) -> dict[str, ChecklistItem]:
    return {item.id: item for item in found.items}


def test_nothing_is_ticked_before_anything_is_known(kb: KnowledgeBase) -> None:
    found = checklist(kb, b"loading\n")
    assert found.id == "first-100-steps"
    assert not [item for item in found.items if item.state in ("done", "failed")]


def test_what_the_program_judges_carries_evidence(kb: KnowledgeBase) -> None:
    for name in ("ai_toolkit/healthy", "kohya/healthy", "diffusers/t2i-healthy"):
        found = checklist(kb, log(name).read_bytes())
        assert all(item.evidence for item in found.items if item.state == "done")


def test_a_broken_loss_fails_its_item(kb: KnowledgeBase) -> None:
    data = log("ai_toolkit/lr-nan").read_bytes()
    found = items(checklist(kb, data[: data.index(b"| 60/120")]))
    assert found["number"].state == "failed"
    assert found["first-loss"].state == "done"
    assert found["saving"].state == "done"


def test_a_crash_fails_the_start(kb: KnowledgeBase) -> None:
    found = items(checklist(kb, log("diffusers/db-crash-bad-image").read_bytes()))
    assert found["starts"].state == "failed"
    assert found["starts"].evidence == "UnidentifiedImageError"


def test_items_of_the_hand_are_ticked_by_hand(kb: KnowledgeBase) -> None:
    data = log("kohya/healthy").read_bytes()
    found = checklist(kb, data)
    manual = next(item for item in found.items if item.state == "manual")
    ticked = items(found.with_ticks({f"{found.id}/{manual.id}", "another-list/starts"}))
    assert ticked[manual.id].state == "done"
    assert {name for name, item in ticked.items() if item != items(found)[name]} == {manual.id}


def test_a_failed_item_cannot_be_ticked(kb: KnowledgeBase) -> None:
    found = checklist(kb, log("diffusers/db-crash-bad-image").read_bytes())
    assert items(found.with_ticks({f"{found.id}/starts"}))["starts"].state == "failed"


def test_what_nobody_looks_for_yet_is_ticked_by_hand(kb: KnowledgeBase) -> None:
    run = Run(kb, "log")
    run.apply(read(log("kohya/healthy").read_bytes())[1], 0.0)
    judged = judgements(run)
    unbuilt = {name for name, info in kb.findings.items() if not info.built}
    assert judged
    assert not unbuilt & judged.keys()


def test_the_list_follows_the_run(kb: KnowledgeBase) -> None:
    data = log("kohya/healthy").read_bytes()
    early = checklist(kb, data[: data.index(b"| 8/72")])
    assert early.id == "first-100-steps"
    assert checklist(kb, data).id == "after-epoch-1"
