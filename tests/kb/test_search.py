"""Search by words, options, misspelt words and pasted lines."""

from __future__ import annotations

import time

import pytest

from loratui.kb.search import Entry, Index

INDEX = Index(
    [
        Entry("diverging", "title", "Loss is diverging", 3),
        Entry("diverging", "see", "the loss climbs and does not come back", 2.5),
        Entry("diverging", "option", "learning_rate", 2),
        Entry("diverging", "finding", "loss-diverging", 2),
        Entry("oom", "title", "CUDA out of memory", 3),
        Entry("oom", "message", "CUDA out of memory. Tried to allocate 2.00 GiB", 1),
        Entry("oom", "fix", "Turn on gradient checkpointing", 1.5),
        Entry("plastic", "title", "Skin looks like plastic", 3),
        Entry("plastic", "see", "no pores, smooth as a doll", 2.5),
    ]
)


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("diverg", "diverging"),
        ("climbs", "diverging"),
        ("LEARNING_RATE", "diverging"),
        ("loss-diverging", "diverging"),
        ("out of memory", "oom"),
        ("checkpointing gradient", "oom"),
        ("pores", "plastic"),
        ("plsatic", "plastic"),
        ("  skin   plastic ", "plastic"),
        (
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 96.00 MiB (GPU 0; "
            "23.69 GiB total capacity; 22.01 GiB already allocated)",
            "oom",
        ),
    ],
)
def test_found_first(query, page):
    assert INDEX.search(query)[0].page == page


def test_words_of_which_some_are_nowhere_find_what_has_the_rest():
    assert INDEX.search("skin zzzzqqq plastic")[0].page == "plastic"
    assert INDEX.search("loss comes never back")[0].page == "diverging"


def test_an_ending_does_not_matter():
    assert INDEX.search("checkpointings")[0].page == "oom"


@pytest.mark.parametrize("query", ["", "   ", "zzzzqqq", "[/foo]", "\x00"])
def test_found_nothing(query):
    assert INDEX.search(query) == []


def test_a_symptom_is_listed_once_with_the_text_that_matched():
    hits = INDEX.search("loss")
    assert [hit.page for hit in hits] == ["diverging"]
    assert hits[0].field == "title"


def test_what_a_pattern_recognises_comes_first():
    index = Index(
        [Entry("a", "title", "one two three four five six", 3)],
        lambda text: [Entry("b", "message", "known", 1)] if "six" in text else [],
    )
    assert index.search("one two three four five six")[0].page == "b"


def test_six_hundred_symptoms_are_searched_between_two_keys():
    words = [f"word{number}" for number in range(500)]
    entries = [
        Entry(f"s{number}", "see", " ".join(words[(number * step) % 500] for step in range(8)), 1)
        for number in range(600)
        for _ in range(10)
    ]
    index = Index(entries)
    begun = time.process_time()
    index.search("word12 wrod99")
    assert time.process_time() - begun < 0.3  # a tenth of it on an idle machine
