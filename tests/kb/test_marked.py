"""Broken YAML is a named problem with file, line, key and the nearest name; never an exception."""

from __future__ import annotations

import time

import pytest
import yaml

from loratui.kb import files, load
from loratui.kb.marked import BIGGEST, YamlError, plain, read

GOOD = """\
id: my-own
title: Mine
see: [something]
meaning: text
fixes:
  - {id: a, do: this, effort: minutes, source: python}
verify: look
sources: [python]
"""

BROKEN = [
    ("tab", GOOD.replace("  - {id", "\t- {id"), 6, "", "tab"),
    ("duplicate", GOOD + "title: Again\n", 9, "title", "given twice"),
    ("boolean key", GOOD + "yes: 1\n", 9, "yes", "quote it"),
    ("off key", GOOD + "related:\n  - {no: x}\n", 10, "related[0].no", "quote it"),
    ("unknown key", GOOD + "relatd: [killed]\n", 9, "relatd", "nearest: 'related'"),
    ("unknown key of a fix", GOOD.replace("effort:", "efort: minutes, effort:"), 6,
     "fixes[0].efort", "nearest: 'effort'"),
    ("wrong type", GOOD.replace("title: Mine", "title: 12"), 2, "title", "a text is expected"),
    ("boolean for text", GOOD.replace("title: Mine", "title: true"), 2, "title",
     "a text is expected"),
    ("text for a list", GOOD.replace("[something]", "something"), 3, "see", "a list is expected"),
    ("missing key", GOOD.replace("meaning: text\n", ""), 1, "meaning", "missing"),
    ("no such word", GOOD.replace("minutes", "minuts"), 6, "fixes[0].effort", "nearest: 'minutes'"),
    ("loop", "id: &a [*a]\n", 1, "id[0]", "contains itself"),
    ("unclosed", GOOD + "related: [killed\n", 10, "", "not readable as YAML"),
    ("deep", "id: " + "[" * 30 + "]" * 30 + "\n", 1, "", "nested deeper"),
    ("very deep", "id: " + "[" * 50_000 + "\n", 1, "", "nested deeper"),
    ("deep in block style", "id:\n  " + "- " * 5_000 + "a\n", 2, "", "nested deeper"),
    ("huge", "# " + "x" * BIGGEST + "\n", 1, "", "larger"),
    ("other id", GOOD.replace("my-own", "other"), 1, "id", "not the file's name"),
    ("a list", "- a\n", 1, "", "a mapping is expected"),
    ("empty", "", 1, "", "a mapping is expected"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "key", "says"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_broken_file_is_named_with_line_key_and_nearest_name(tmp_path, text, line, key, says):
    folder = tmp_path / "symptoms"
    folder.mkdir()
    (folder / "my_own.yaml").write_text(text)
    kb = load(tmp_path)
    assert kb.problems
    problem = kb.problems[0]
    assert problem.file.endswith("symptoms/my_own.yaml")
    assert problem.line == line
    assert problem.key.startswith(key)
    assert says in problem.text
    assert "killed" in kb.symptoms  # the rest is there all the same


def test_a_good_overlay_adds_and_replaces(tmp_path):
    folder = tmp_path / "symptoms"
    folder.mkdir()
    (folder / "my_own.yaml").write_text(GOOD)
    (folder / "killed.yaml").write_text(GOOD.replace("my-own", "killed"))
    kb = load(tmp_path)
    assert not kb.problems
    assert kb.symptoms["my-own"].title == kb.symptoms["killed"].title == "Mine"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00\x01\x02"])
def test_a_binary_file_is_a_problem(tmp_path, data):
    (tmp_path / "findings.yaml").write_bytes(data)
    assert load(tmp_path).problems[0].file.endswith("findings.yaml")


def test_an_overlay_that_is_no_folder_is_a_problem(tmp_path):
    assert "no folder" in load(tmp_path / "nothing").problems[0].text


def test_a_file_of_no_known_kind_names_the_nearest(tmp_path):
    (tmp_path / "finding.yaml").write_text("[]")
    assert "findings.yaml" in load(tmp_path).problems[0].text


def test_an_alias_bomb_ends_soon():
    rows = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    begin = time.monotonic()
    with pytest.raises(YamlError, match="multiply"):
        read("\n".join(rows))
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("true", True),
        ("false", False), ("1e-4", 1e-4), ("2.", 2.0), (".5", 0.5), ("010", 10), ("0o10", 8),
        ("12:30:00", "12:30:00"), ("1_000", "1_000"), ("2026-01-01", "2026-01-01"), ("", None),
        ("~", None), ("-3", -3), ("0x1f", 31), ("+", "+"), ("-", "-"), ("9" * 80, "9" * 80),
    ],
)  # fmt: skip
def test_plain_scalars_as_yaml_1_2(text, value):
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_quoted_is_text_and_lists_are_tuples():
    assert read("a: ['1', \"true\", 1]").value == {"a": ("1", "true", 1)}


def test_without_libyaml_every_packaged_file_reads_the_same(monkeypatch):
    found = files.read_folder(files.packaged()) + files.read_trainers(files.packaged())
    fast = [read(file.content.decode()).value for file in found]
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    for file, value in zip(found, fast, strict=True):
        assert read(file.content.decode()).value == value, file.shown


def test_without_libyaml_the_result_is_the_same(monkeypatch):
    fast = read(GOOD).value
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read(GOOD).value == fast
    with pytest.raises(YamlError) as error:
        read(BROKEN[0][1])
    assert error.value.line == 6
