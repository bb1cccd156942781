"""What the bridge delivers, and when."""

from __future__ import annotations

from dataclasses import replace

from loratui.core.snapshot import Status
from loratui.ui.bridge import Bridge, changed_sections
from loratui.ui.terminal import LOCAL, LOW, REMOTE
from tests.ui.fake_feed import FakeFeed, healthy


class Told:
    """A bridge on a clock of its own, and what it said."""

    def __init__(self, rate=LOCAL):
        self.feed = FakeFeed(healthy())
        self.now = 100.0
        self.said = []
        self.bridge = Bridge(
            self.feed, rate, lambda _, changed: self.said.append(changed), lambda: self.now
        )

    def run(self, seconds, changes_per_second=20, **fields):
        for _ in range(round(seconds * changes_per_second)):
            self.now += 1 / changes_per_second
            if fields:
                self.feed.change(**fields)
            self.bridge.poll()
        return len(self.said)


def test_same_object_says_nothing():
    told = Told()
    assert told.run(5) == 0


def test_equal_snapshot_says_nothing():
    told = Told()
    told.feed.snapshot = replace(told.feed.snapshot)
    assert told.run(5) == 0


def test_first_change_at_once():
    told = Told()
    told.feed.change(status=Status("training", step=2))
    told.bridge.poll()
    assert told.said == [frozenset({"status"})]


def test_paces():
    assert Told(LOCAL).run(10, status=Status()) in (39, 40, 41)
    assert Told(REMOTE).run(10, status=Status()) in (19, 20, 21)
    assert Told(LOW).run(20, status=Status()) in (10, 11)


def test_log_is_slower_than_the_rest():
    told = Told(LOCAL)
    told.run(10, log=(), status=Status())
    assert sum("log" in changed for changed in told.said) in (19, 20, 21)
    assert sum("status" in changed for changed in told.said) in (39, 40, 41)


def test_nothing_is_lost_between_deliveries():
    told = Told(LOW)
    told.feed.change(status=Status())
    told.bridge.poll()
    told.feed.change(findings=())
    told.bridge.poll()
    told.feed.change(machine=told.feed.snapshot.machine)
    told.bridge.poll()
    told.now += 2.0
    told.bridge.poll()
    assert told.said[1] == {"findings", "machine"}


def test_sections_without_a_revision_are_compared_by_value():
    one = healthy()
    other = replace(one, checked=one.checked + 1, epoch_marks=(1, 2))
    assert changed_sections(one, other) == {"checked", "epoch_marks"}
    bare = replace(one, revisions={})
    assert changed_sections(bare, replace(bare)) == set()
    assert changed_sections(bare, replace(bare, series={})) == {"series"}


def test_no_feed():
    Bridge(None, LOCAL, lambda *_: None).poll()
