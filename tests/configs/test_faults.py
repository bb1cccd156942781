"""What is wrong in a file is named with its line; nothing makes the reader fail."""

from __future__ import annotations

import json
import time
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from loratui.configs.base import LARGEST
from loratui.configs.files import parse, read
from loratui.configs.recognise import recognise
from loratui.configs.subsets import subsets
from tests.configs.configs import ALL, CONFIGS, config, text, values

# kind, text, line, what it says
FAULTS = [
    ("toml", 'a = "x\nb = 1\n', 1, "quotation mark is missing"),
    ("toml", "a = 'x\n", 1, "quotation mark is missing"),
    ("toml", 'a = 1\nb = """x\n', 2, "quotation mark is missing"),
    ("toml", "a = hello\n", 1, "a value is expected"),
    ("toml", "a = True\n", 1, "true and false small"),
    ("toml", "a =\nb = 1\n", 1, "a value is expected"),
    ("toml", "a 1\n", 1, "a = is expected"),
    ("toml", "= 1\n", 1, "a key is expected"),
    ("toml", "a = [1, 2\nb = 3\n", 1, "] or } is missing"),
    ("toml", "[a\nb = 1\n", 1, "a ] are expected"),
    ("toml", "a = 1 2\n", 1, "end of the line"),
    ("toml", "a = 1\nb = 2\na = 3\n", 3, "given twice, first in line 1"),
    ("toml", "[a]\nb = 1\n[a]\nc = 1\n", 3, "given twice"),
    ("toml", 'a = "C:\\models\\x"\n', 1, "begins an escape"),
    ("toml", 'a = "C:\\users\\x"\n', 1, "begins an escape"),
    ("toml", "a = " + "[" * 50 + "]" * 50 + "\n", 1, "nested deeper"),
    ("toml", "[a] b\nc = 1\n", 1, "end of the line is expected"),
    ("json", '{"a": 1\n "b": 2}', 1, "a comma is expected"),
    ("json", '{"a": 1,\n}', 1, "a comma before the }"),
    ("json", '{"a": [1,\n]}', 1, "a comma before the ]"),
    ("json", '{"a": 1, // no\n "b": 2}', 1, "a comment"),
    ("json", '{"a": 1, # no\n "b": 2}', 1, "a comment"),
    ("json", '{\n /* no */ "a": 1}', 2, "a comment"),
    ("json", '{"a": "x\n}', 1, "quotation mark is missing"),
    ("json", "{'a': 1}", 1, "double quotation marks"),
    ("json", "{a: 1}", 1, "quotation marks are expected round a"),
    ("json", '{"a": True}', 1, "JSON writes true"),
    ("json", '{"a": fp16}', 1, "quotation marks are expected round fp16"),
    ("json", '{"a": }', 1, "a value is expected"),
    ("json", '{"a" 1}', 1, "a : is expected"),
    ("json", '{"a": 1', 1, "a } is expected for the { of line 1"),
    ("json", '{"a": 1}\n}', 2, "the end is expected"),
    ("json", '{"a": 1,\n "a": 2}', 2, "given twice, first in line 1"),
    ("json", '{"a": "C:\\models"}', 1, "begins an escape"),
    ("json", '{"a": ' + "[" * 60 + "]" * 60 + "}", 1, "nested deeper"),
    ("json", "[" * 100_000, 1, "nested deeper"),
    ("json", "", 1, "a { is expected"),
    ("json", "hello", 1, "no JSON"),
    ("yaml", "a:\n\tb: 1\n", 2, "a tab"),
    ("yaml", "a: 1\nb: 2\na: 3\n", 3, "given twice, first in line 1"),
    ("yaml", "a: [1, 2\nb: 3\n", 2, "not readable as YAML"),
    ("yaml", "a: b: c\n", 1, "not readable as YAML"),
    ("yaml", "a: &a [*a]\n", 1, "contains itself"),
    ("yaml", "a: " + "[" * 30 + "]" * 30 + "\n", 1, "nested deeper"),
    ("yaml", "a: " + "[" * 50_000, 1, "nested deeper"),
    ("yaml", "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)), 1, "multiply"),
    ("yaml", "just some words\n", 1, "no configuration"),
    ("yaml", "", 1, "no settings"),
    ("yaml", "? [a]\n: 1\nb: 2\n", 1, "a key that is no text"),
    ("env", "A=1\nnonsense\n", 2, "a = and a value"),
    ("shell", "python train.py --a 'x\n", 1, "quotation mark is missing"),
    ("shell", 'python train.py \\\n --a "x\n', 2, "quotation mark is missing"),
    ("batch", 'python train.py ^\n --a "x\n', 2, "quotation mark is missing"),
    ("shell", "X=" + "a" * 150_000 + "\npython train.py" + " --a $X" * 99, 2, "stand for more"),
    ("batch", 'python train.py "' + '"' * 20_000, 1, "quotation mark is missing"),
    ("yaml", "a: 1\n" * 5_000, 2, "given twice"),
    ("shell", "X=" + "a" * 1000 + "\n" + "X=$X$X$X$X\n" * 9 + "python train.py --a 1\n", 5,
     "a variable longer"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "line", "says"), FAULTS)
def test_a_fault_names_its_line_and_what_is_expected(kind, content, line, says):
    begin = time.perf_counter()
    file = text(content, kind)
    assert time.perf_counter() - begin < 10
    found = [fault for fault in file.problems if says in fault.text]
    assert found, file.problems
    assert (found[0].line, found[0].file) == (line, "it")


@pytest.mark.parametrize(
    ("kind", "content", "key", "value"),
    [
        ("toml", 'a = "x\nb = 1\n', "b", 1),
        ("toml", "a = [1, 2\nb = 3\n", "b", 3),
        ("toml", "a 1\nb = 3\n", "b", 3),
        ("toml", "a = 1\na = 2\n", "a", 2),
        ("json", '{"a": 1\n "b": 2}', "b", 2),
        ("json", '{"a": 1,\n}', "a", 1),
        ("json", '{"a": "C:\\models"}', "a", "C:\\models"),
        ("json", '{"a": True}', "a", True),
        ("json", '{"a": 1, "a": 2}', "a", 2),
        ("yaml", "a: 1\na: 2\n", "a", 2),
        ("env", "nonsense\nA=1\n", "a", "1"),
    ],
)
def test_the_rest_of_a_broken_file_is_read(kind, content, key, value):
    file = text(content, kind)
    assert file.problems
    assert values(file)[key] == value


def test_the_real_broken_files_name_the_place():
    toml = config("kohya/dataset-broken.toml")
    assert [(p.line, p.key) for p in toml.problems] == [(11, "datasets[0].subsets[0].image_dir")]
    assert values(toml)["datasets[0].subsets[0].num_repeats"] == 2
    found = config("onetrainer/config-broken.json")
    assert [(p.line, p.text) for p in found.problems] == [
        (26, "a comma is expected after the value")
    ]
    assert len(found.values) == len(config("onetrainer/config.json").values)


# bytes, kind, encoding, what it says ("" for nothing)
ENCODINGS = [
    (b"a: 1\r\nb: 2\r\n", "yaml", "", ""),
    (b"a: 1\rb: 2\r", "yaml", "", ""),
    (b"\xef\xbb\xbfa: 1\nb: 2\n", "yaml", "utf-8-sig", ""),
    (b'\xef\xbb\xbf{"a": 1,\n"b": 2}', "json", "utf-8-sig", "byte order mark"),
    (b"\xef\xbb\xbfa = 1\nb = 2\n", "toml", "utf-8-sig", "byte order mark"),
    ("a: 1\nb: 2\n".encode("utf-16"), "yaml", "utf-16-le", "UTF-16"),
    ("a: 1\nb: 2\n".encode("utf-16-be"), "yaml", "utf-16-be", "UTF-16"),
    ("a: 1\nb: 2 # für\n".encode("latin-1"), "yaml", "latin-1", "not UTF-8"),
]


@pytest.mark.parametrize(("data", "kind", "encoding", "says"), ENCODINGS)
def test_encodings(data, kind, encoding, says):
    file = parse(data, "it", kind)
    assert values(file) == {"a": 1, "b": 2}
    assert file.get("b").line == 2
    assert file.encoding == encoding
    assert [says in p.text for p in file.problems] == ([True] if says else [])


def test_latin_1_names_the_line_of_the_letter():
    assert parse("a: 1\nb: ü\n".encode("latin-1"), "it", "yaml").problems[0].line == 2


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.yaml", b"\x00\x01\x02\x03" * 9, "no text"),
        ("a.yaml", b"\xff\xfe\x00", "not readable as UTF-16"),
        ("a.bin", b"hello", "no known kind"),
        ("a.json", b" " * (LARGEST + 1), "larger than"),
        ("a.toml", b"#" * 10_000_000, "larger than"),
        ("a.yaml", b"#" * 1_500_000, "larger than"),
        ("a.toml", b"# nothing\n", "no settings"),
        ("a.json", b"{}", "no settings"),
        ("a.json", b"[1, 2]", ""),
    ],
)
def test_what_is_no_configuration_is_a_problem(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    file = read(path)
    assert any(says in p.text for p in file.problems) if says else not file.problems
    assert recognise(file) == ""


def test_a_missing_file_and_a_folder_are_problems(tmp_path):
    assert "no such file" in read(tmp_path / "a.yaml").problems[0].text
    assert "a folder" in read(tmp_path).problems[0].text
    assert read("a\0b.yaml").problems


def test_the_content_tells_the_kind_where_the_name_does_not():
    assert parse(b'{"a": 1}').kind == "json"
    assert parse(b"[a]\nb = 1\n").kind == "toml"
    assert parse(b"a: 1\n").kind == "yaml"
    assert parse(b"#!/bin/sh\npython train.py --a 1\n").kind == "shell"


@pytest.mark.parametrize(
    "path",
    [p for p in ALL if p.stat().st_size < 1700 and p.name != "config-broken.json"],
    ids=lambda p: str(p.relative_to(CONFIGS)),
)
def test_every_beginning_of_a_file_is_read(path, tmp_path):
    data = path.read_bytes()
    kind = read(path).kind
    for end in range(len(data)):
        file = parse(data[:end], str(path), kind)
        assert file.values or file.problems or file.arguments or file.script
        if end % 7 == 0:
            subsets(recognise(file), file, tmp_path)


_TEXT = st.text("ab:=[]{}#\"'\\,\n\t -.$%^01&*|<>()!?~/é\u2028", max_size=60)


@given(st.sampled_from(["toml", "yaml", "json", "env", "shell", "batch", "powershell"]), _TEXT)
@settings(max_examples=600, deadline=None)
def test_no_text_makes_a_reader_fail(kind, content):
    file = parse(content.encode(), "it", kind)
    for setting in file.values:
        assert 1 <= setting.line <= content.count("\n") + content.count("\r") + 1


@given(st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_a_reader_fail(data):
    parse(data, "it")


_SCALARS = st.one_of(
    st.booleans(), st.integers(-(10**12), 10**12), st.text(max_size=12),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
_KEYS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
_DEEP = st.recursive(
    _SCALARS, lambda inner: st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)
_MAPPINGS = st.dictionaries(_KEYS, _DEEP, max_size=5)


def _flat(value, key=""):
    if isinstance(value, dict) and (value or not key):
        return {k: v for n, inner in value.items()
                for k, v in _flat(inner, f"{key}.{n}" if key else n).items()}  # fmt: skip
    return {key: value}


@given(_MAPPINGS, st.sampled_from([None, 1, 3]))
@settings(max_examples=200, deadline=None)
def test_json_is_read_as_json_reads_it(content, indent):
    from loratui.configs import json_file
    from loratui.configs.base import flatten

    reading = json_file.parse(json.dumps(content, indent=indent))
    assert not reading.faults
    assert {s.key: s.value for s in flatten(reading.root, "") if s.key} == _flat(content)


_TOML = st.lists(
    st.sampled_from([
        "a = 1", "b = 'x#y'", 'c = "a\\tb"', "d = [1, 2, # c\n 3]", "e.f = 1.5", "[t]", "g = true",
        "[[l]]", "h = {i = 1, j = [2]}", "k = '''a\n\nb'''", "[[l.m]]", '"n o" = """x\n"y" ]"""',
        "# c", "", "[t.u]", "p = 1979-05-27", "q = [[1, 2], ['a']]",
    ]),
    max_size=8,
).map("\n".join)  # fmt: skip


@given(_TOML)
@settings(max_examples=400, deadline=None)
def test_toml_is_read_as_tomllib_reads_it(content):
    from loratui.configs import toml_file
    from loratui.configs.base import plain

    reading = toml_file.parse(content)
    try:
        expected = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        assert reading.faults
        return
    assert not reading.faults
    assert plain(reading.root) == _tuples(expected)


def _tuples(value):
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value


@given(_MAPPINGS)
@settings(max_examples=100, deadline=None)
def test_yaml_is_read_as_pyyaml_reads_it(content):
    from loratui.configs import yaml_file
    from loratui.configs.base import plain

    written = yaml.safe_dump(content, default_style='"')
    reading = yaml_file.parse(written)
    assert not reading.faults
    assert set(plain(reading.root)) == set(content)
