"""The search for many literals at once finds what looking for each of them finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loratui.detectors.needles import Needles
from loratui.detectors.texts import squeezed
from loratui.kb import load

LETTERS = st.text("ab.[\0é", max_size=8)
WORDS = st.text("ab.[é", min_size=1, max_size=6)


@given(st.lists(WORDS, max_size=6), st.lists(LETTERS, max_size=8))
def test_it_finds_what_each_alone_would_find(needles, texts):
    tree = Needles(needles)
    held = [[i for i, needle in enumerate(needles) if needle in text] for text in texts]
    assert [tree.within(text) for text in texts] == held
    rows = tree.rows(texts)
    assert rows == sorted(set(rows))
    assert {row for row, found in enumerate(held) if found} <= set(rows)


def test_rows_are_few():
    """Only what holds a whole key is a row; a key is most of a needle."""
    tree = Needles(["outofmemory", "exitstatus"])
    texts = ["epoch1/10", "memoryisfine", "cudaoutofmemory", "exit", "exitstatus1"]
    assert tree.rows(texts) == [2, 4]


def test_it_does_not_search_across_texts():
    assert Needles(["ab"]).rows(["a", "b", "xabx"]) == [2]
    assert Needles(["ab"]).rows(["a\0", "\0b", "ab\0ab"]) == [2]


def test_needles_that_share_their_beginning_are_told_apart():
    needles = ["killed", "killedbysignal", "killedprocess", "killed"]
    assert Needles(needles).within("killed") == [0, 3]
    assert Needles(needles).within("workeriskilledbysignal:bus") == [0, 1, 3]


def test_every_pattern_of_the_knowledge_base_passes():
    messages = load().messages
    needles = [squeezed(message.needle) for message in messages]
    tree = Needles(needles)
    examples = [squeezed(message.example) for message in messages]
    assert tree.rows(examples) == list(range(len(examples)))
    for index, example in enumerate(examples):
        assert index in tree.within(example)
    assert tree.rows([]) == []
    assert Needles([]).rows(examples) == []
    assert Needles([]).within(examples[0]) == []
