"""Pages, tree and checklists as plain text."""

from __future__ import annotations

from loratui.core.advice import Fix, PatchLine
from loratui.core.findings import Evidence, Finding, Severity
from loratui.core.plain import folded, printable
from loratui.kb.text import explain, render_page, render_tree
from tests.small_knowledge import small

FIXES = (
    Fix(
        "halve-lr", "Halve the learning rate", "config", "high", verify="loss stays low",
        patch=(PatchLine("learning_rate", "unet_lr", 2e-4, 1e-4, "a.toml", 12),),
    ),
)  # fmt: skip
FINDING = Finding(
    "loss-diverging", Severity.ERROR, "firing", first_step=1010, summary="rose 2.4× [/foo]",
    evidence=(Evidence("number", "noise explains 1.3×"),), symptom="diverging", fixes=FIXES,
)  # fmt: skip


def test_the_small_knowledge_base_is_whole():
    assert small().problems == ()


def test_page_says_everything_in_order():
    said = render_page(small(), "diverging")
    parts = [
        "Loss is diverging", "overshoots", "Check", "Is the loss above", "Causes",
        "learning rate too high", "Fix", "1 Halve the learning rate  (high · config)",
        "× 0.5", "if: rate above the usual", "costs: slower", "worked if: loss stays low",
        "2 Use an earlier checkpoint", "! keep a copy [/foo]", "Cured if", "Related",
        "→ Loss is NaN", "Source",
    ]  # fmt: skip
    at = [said.index(part) for part in parts]
    assert at == sorted(at)


def test_page_of_a_live_finding_has_its_numbers_and_the_users_keys():
    said = render_page(small(), "diverging", FINDING)
    assert "evidence: this run, since step 1 010" in said
    assert "● rose 2.4× [/foo]" in said
    assert "· noise explains 1.3×" in said
    assert "unet_lr  2e-4 → 1e-4   a.toml:12" in said


def test_page_of_a_finding_without_a_symptom():
    said = render_page(small(), "unknown-thing", FINDING)
    assert "rose 2.4×" in said
    assert "Halve the learning rate" in said
    assert render_page(small(), "unknown-thing").strip() == ""


def test_tree_names_every_symptom_and_repeats_no_question():
    said = render_tree(small())
    for name in small().symptoms:
        assert f"[{name}]" in said
    assert said.count("What does it do?") == 1
    assert "What is wrong? (see above)" in said


def test_finding():
    said = explain(small(), "cuda-oom")
    assert "Tried to allocate" in said
    assert "Lower the batch size" in said
    assert "Too few points." in explain(small(), "loss-diverging")


def test_checklist():
    said = render_page(small(), "first")
    assert "○ Loss begins to fall" in said
    assert "about 40 GB" in said


def test_what_a_terminal_would_obey_is_not_printed():
    assert printable("a\x1b[31m\x9b2J\x07\tb\u202ec") == "a�[31m�2J� b�c"
    assert printable("日本語 é") == "日本語 é"


def test_folded_is_ascii():
    assert folded("2e-4 → 1e-4 ≥ 日 ● “x”") == '2e-4 -> 1e-4 >= ? * "x"'


def test_no_line_is_too_long():
    for name in small().symptoms:
        assert max(map(len, render_page(small(), name, width=60).splitlines())) <= 60
