"""Diagnose by its keys, on state and messages."""

from __future__ import annotations

import pytest

from loratui.core.advice import Fix, PatchLine
from loratui.core.findings import Evidence, Finding, Severity
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.feed import Action
from loratui.kb.page import Block, fix_blocks, labelled, seen_blocks
from loratui.ui.app import LoratuiApp, UiOptions
from loratui.ui.screens.diagnose.atlas import Atlas
from loratui.ui.screens.diagnose.search import Entry, Index
from loratui.ui.screens.diagnose.tree import Node

FIXES = (
    Fix("halve-lr", "Halve the learning rate", "config", "high", verify="loss stays low",
        patch=(PatchLine("learning_rate", "unet_lr", 2e-4, 1e-4, "a.toml", 12),)),
    Fix("earlier", "Use an earlier checkpoint", "minutes", caveat="keep a copy [/foo]"),
)  # fmt: skip
FINDING = Finding(
    "loss-diverging", Severity.ERROR, "firing", first_step=1010, title="Loss is diverging",
    summary="rose 2.4× [/foo] over 230 steps", evidence=(Evidence("number", "noise explains 1.3×"),),
    symptom="diverging", fixes=FIXES,
)  # fmt: skip
TITLES = {
    "diverging": "Loss is diverging",
    "slow": "Steps are slow",
    "nan": "Loss is NaN",
    "oom": "Out of memory",
}
ROOT = Node("", "", question="What do you see?", children=(
    Node("running", "Training is running, but …", question="What is wrong?", children=(
        Node("running/loss", "the loss …", question="What does it do?", children=(
            Node("running/loss/up", "rises", "diverging"),
            Node("running/loss/nan", "is NaN", "nan"),
        )),
        Node("running/slow", "steps are slow", "slow"),
    )),
    Node("crash", "Training crashes", question="What does it say?", children=(
        Node("crash/oom", "out of memory", "oom"),
    )),
))  # fmt: skip
INDEX = Index(
    [Entry(name, "title", title, 3) for name, title in TITLES.items()]
    + [
        Entry("diverging", "option", "learning_rate", 2),
        Entry("oom", "message", "CUDA out of memory. Tried to allocate 2.00 GiB", 1),
    ]
)


def page(symptom, finding, snapshot):
    blocks = [Block("title", TITLES.get(symptom, symptom)), Block("text", "What it means. " * 12)]
    if finding is not None:
        blocks += labelled("Check", seen_blocks(finding))
    fixes = [block for at, fix in enumerate(FIXES, 1) for block in fix_blocks(at, fix)]
    blocks += labelled("Fix", fixes)
    return [*blocks, Block("link", TITLES["nan"], "Related", "→", target="symptom:nan")]


ATLAS = Atlas(ROOT, TITLES, page, lambda *_: FIXES, INDEX)


class CannedFeed:
    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.sent = []

    def start(self):
        pass

    def read_history(self):
        pass

    def latest(self):
        return self.snapshot

    def send(self, action):
        self.sent.append(action)

    def stop(self):
        pass


def make_app(*findings, feed=None, tmp_path=None):
    feed = feed or CannedFeed(SessionSnapshot(findings=findings))
    return LoratuiApp(
        feed, UiOptions(plain=False, polling=False, knowledge=lambda: ATLAS, state=tmp_path)
    )


async def opened(pilot):
    """Go to Diagnose and wait for the knowledge base."""
    await pilot.press("2")
    while pilot.app.screen.atlas is None:
        await pilot.pause()
    await pilot.pause()
    return pilot.app.screen


def text_of(view):
    return "\n".join("".join(span.text for span in (*row.spans, *row.right)) for row in view.lines)


SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)])


@SIZES
async def test_page_shows_the_evidence(size):
    app = make_app(FINDING)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        screen.show_symptom("diverging", FINDING)
        await pilot.pause()
        said = text_of(screen.page)
        assert "rose 2.4× [/foo] over 230 steps" in said
        assert "noise explains 1.3×" in said
        assert "2e-4 → 1e-4" in said
        assert "unet_lr" in said
        assert screen.right
