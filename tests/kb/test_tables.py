"""Tables fit the width they are given, whatever is in their cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loratui.core.plain import cells
from loratui.kb.tables import drawn, fold

ROWS = (("model", "least", "comfortable"), ("SD 1.5", "6 GB", "8 GB"), ("SDXL", "12 GB", "16 GB"))


def lines(rows, width):
    return [text for text, _ in drawn(rows, width)]


def test_columns_stand_under_each_other() -> None:
    assert lines(ROWS, 40) == [
        "model   least  comfortable",
        "SD 1.5  6 GB   8 GB",
        "SDXL    12 GB  16 GB",
    ]
    assert [head for _, head in drawn(ROWS, 40)] == [True, False, False]


def test_long_cells_are_folded_in_their_column() -> None:
    rows = (("a", "b"), ("one two three four", "five six seven"))
    assert lines(rows, 20) == ["a          b", "one two    five six", "three      seven", "four"]


def test_too_narrow_for_columns_each_row_is_a_list() -> None:
    rows = (("setting", "value", "why"), ("learning_rate", "0.0001", "Safe starting point"))
    assert lines(rows, 18) == [
        "learning_rate", "  value: 0.0001", "  why: Safe", "    starting point",
    ]  # fmt: skip


def test_nothing_is_nothing() -> None:
    assert drawn((), 40) == []


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Mn")))


@given(
    st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[CELLS] * n), min_size=1, max_size=5)),
    st.integers(12, 60),
)
def test_no_line_is_wider_than_the_table_and_no_word_is_lost(rows, width) -> None:
    drawn_lines = lines(rows, width)
    assert all(cells(line) <= width for line in drawn_lines)
    if len(rows) > 1:
        shown = "".join("".join(drawn_lines).split())
        for cell in rows[-1]:
            for word in cell.split():
                assert all(char in shown for char in word)


@given(st.text(), st.integers(2, 40))
def test_fold_keeps_every_letter(text, width) -> None:
    assert "".join("".join(fold(text, width)).split()) == "".join(text.split())


def test_wide_signs_count_twice() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert fold("日本語", 4) == ["日本", "語"]
