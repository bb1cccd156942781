"""The user's own folder: adds, replaces, extends the tree; what is broken in it is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from loratui.kb import lint, load
from loratui.kb.search import index_of
from loratui.kb.text import render_tree

SYMPTOM = """\
id: {id}
title: {title}
see: [something odd]
meaning: What it means.
fixes:
  - {{id: wait, do: Wait., effort: minutes, source: decision-tree}}
verify: It is gone.
related: [{related}]
sources: [decision-tree]
"""


def symptom(folder: Path, id: str, title: str = "Mine", related: str = "") -> Path:
    path = folder / "symptoms" / f"{id.replace('-', '_')}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(SYMPTOM.format(id=id, title=title, related=related))
    return path


def test_a_tree_of_ones_own_extends_ours(tmp_path: Path) -> None:
    symptom(tmp_path, "my-own")
    (tmp_path / "tree.yaml").write_text(
        "questions:\n"
        "  - id: start\n"
        "    text: What do you see?\n"
        "    answers:\n"
        "      - {id: mine, text: Something of my own, question: my-question}\n"
        "  - id: my-question\n"
        "    text: Which of mine?\n"
        "    answers:\n"
        "      - {id: one, text: This one, symptom: my-own}\n"
    )
    base = load(tmp_path)
    assert base.problems == ()
    said = render_tree(base)
    assert "Something of my own" in said
    assert "→ Mine [my-own]" in said
    assert "Training does not start" in said


def test_an_answer_of_the_same_id_is_replaced_where_it_stands(tmp_path: Path) -> None:
    ours = load().tree
    assert ours is not None
    question = next(q for q in ours.questions if q.id == "crashes")
    (tmp_path / "tree.yaml").write_text(
        "questions:\n  - id: crashes\n    text: How does it end?\n    answers:\n"
        "      - {id: saving, text: The disk is full, symptom: checkpoint-not-saving}\n"
    )
    tree = load(tmp_path).tree
    assert tree is not None
    mine = next(q for q in tree.questions if q.id == "crashes")
    assert [a.id for a in mine.answers] == [a.id for a in question.answers]
    assert next(a.text for a in mine.answers if a.id == "saving") == "The disk is full"
    assert mine.hint == question.hint


@pytest.mark.parametrize(
    ("file", "content", "line", "key", "says"),
    [
        ("tree.yaml", "questions:\n  - id: q\n    text: t\n    answers:\n"
         "      - {id: a, text: t, symptom: overfitt}\n", 5, "questions[0].answers[0]",
         "no symptom 'overfitt'; nearest: 'overfit'"),
        ("tree.yaml", "questions:\n  - id: start\n    text: t\n    answers:\n"
         "      - {id: a, text: t}\n", 5, "questions[0].answers[0]", "to exactly one"),
        ("guides/mine.yaml", "id: mine\ntitle: T\nintro: I\nsections:\n  - title: S\n"
         "    source: decision-tree\n    table: {columns: [a, b], rows: [[x]]}\n", 7,
         "sections[0].table.rows[0]", "1 cells, the table 2"),
        ("guides/mine.yaml", "id: mine\ntitle: T\nintro: I\nrelated: [overfitt]\nsections: []\n", 4,
         "related[0]", "no page 'overfitt'; nearest: 'overfit'"),
        ("figures.yaml", "- id: mine\n  title: T\n  advice: A\n  source: decision-tree\n"
         "  yours: network_dimm\n  positions: [{says: x, source: nowhere}]\n", 5, "[0].yours",
         "no quantity 'network_dimm'; nearest: 'network_dim'"),
        ("gpus.yaml", "mine:\n  title: T\n  match: [x]\n  memory_gb: [eight]\n"
         "  source: decision-tree\n", 4, "mine.memory_gb[0]", "a number is expected"),
        ("checklists/mine.yaml", "id: mine\ntitle: T\nsources: [decision-tree]\nitems:\n"
         "  - {id: a, text: t, otherwise: nowhere-at-all}\n", 5, "items[0].otherwise",
         "no page 'nowhere-at-all'"),
        ("symptoms/overfit.yaml", SYMPTOM.format(id="over-fit", title="T", related=""), 1, "id",
         "is not the file's name"),
    ],
    ids=["link", "aim", "table", "related", "quantity", "type", "otherwise", "name"],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: Path, file: str, content: str, line: int, key: str, says: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    base = load(tmp_path)
    problem = next(p for p in base.problems if says in p.text)
    assert problem.file == f"{tmp_path}/{file}"
    assert problem.line == line
    assert problem.key.startswith(key)
    assert base.symptoms["killed"]  # the rest is there all the same


def test_lint_tells_what_the_program_does_not_mind(tmp_path: Path) -> None:
    path = symptom(tmp_path, "my-own")
    path.write_text(path.read_text().replace("decision-tree]", "decision-tree#nowhere]"))
    said = {problem.text for problem in lint(tmp_path)}
    assert "no answer of the tree leads here" in said
    assert any("no section of decision-tree 'nowhere'" in text for text in said)


def test_an_id_belongs_to_one_page(tmp_path: Path) -> None:
    symptom(tmp_path, "rank-guide")
    texts = [p.text for p in load(tmp_path).problems]
    assert any("the id is taken by" in text for text in texts) or any(
        "the id is taken by" in problem.text for problem in lint(tmp_path)
    )


def test_five_thousand_pages_of_ones_own_are_usable(tmp_path: Path) -> None:
    # One file holds what five thousand would: a tree of 5 000 answers that lead to pages.
    rows = "".join(
        f"      - {{id: n{n}, text: Trouble number {n} of machine {n % 7}, symptom: killed}}\n"
        for n in range(5000)
    )
    (tmp_path / "tree.yaml").write_text(
        "questions:\n  - id: start\n    text: What do you see?\n    answers:\n"
        "      - {id: mine, text: Mine, question: mine}\n"
        f"  - id: mine\n    text: Which?\n    answers:\n{rows}"
    )
    for number in range(300):
        symptom(tmp_path, f"own-{number}", f"Trouble {number}")
    base = load(tmp_path)
    assert base.problems == ()
    assert "Trouble number 4999" in render_tree(base)
    index = index_of(base)
    begun = time.process_time()
    assert index.search("trouble 299")[0].page == "own-299"
    assert time.process_time() - begun < 0.3  # a tenth of it on an idle machine
