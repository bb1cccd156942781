"""Tables: CSV, lines of JSON and trainer_state.json, growing, rewritten, cut, full of rubbish."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loratui.core.clock import ManualClock
from loratui.core.events import Metrics, SourceChange
from loratui.sources import lines, trainer_state
from loratui.sources.tables import CsvTable, JsonLines, TrainerState, open_table

Items = list[Metrics | SourceChange]
Points = dict[str, list[tuple[int, float]]]
Table = CsvTable | JsonLines | TrainerState
_NAN = math.nan  # one object, so that lists with it are equal


def drain(source: Table) -> Items:
    found: Items = []
    while (items := source.poll()) or source.share() is not None:
        found += items
    return found


def points(items: Items) -> Points:
    found = defaultdict(list)
    for item in items:
        if isinstance(item, Metrics):
            assert len(item.steps) == len(item.values) == len(item.offsets)
            assert list(item.steps) == sorted(item.steps)
            values = [_NAN if math.isnan(value) else value for value in item.values]
            found[item.name] += zip(item.steps, values, strict=True)
    return dict(found)


def kinds(items: Items) -> list[str]:
    return [item.kind for item in items if isinstance(item, SourceChange)]


def read(tmp_path: Path, name: str, content: str | bytes) -> tuple[Table, Points]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = open_table(path, ManualClock(1.0))
    return source, points(drain(source))


LIGHTNING = """epoch,lr,step,train_loss,val_loss
0,,9,0.5,
0,,19,0.25,
0,,19,,0.75
1,0.125,,,
1,,29,nan,
"""

CSV: dict[str, tuple[str, Points]] = {
    "lightning, with empty cells": (
        LIGHTNING,
        {
            "epoch": [(9, 0.0), (19, 0.0), (19, 0.0), (19, 1.0), (29, 1.0)],
            "lr": [(19, 0.125)],
            "train_loss": [(9, 0.5), (19, 0.25), (29, _NAN)],
            "val_loss": [(19, 0.75)],
        },
    ),
    "semicolons and decimal commas": (
        "step;loss\n1;0,5\n2;0.25\n",
        {"loss": [(1, 0.5), (2, 0.25)]},
    ),
    "tabs": ("step\tloss\n1\t0.5\n", {"loss": [(1, 0.5)]}),
    "quotes": ('"global_step","a, b"\r\n"1","0.5"\r\n', {"a, b": [(1, 0.5)]}),
    "a mark of its bytes": ("\ufeffstep,loss\n1,0.5\n", {"loss": [(1, 0.5)]}),
    "no column of steps": (
        "epoch,loss\n0,0.5\n0,0.25\n",
        {"epoch": [(1, 0), (2, 0)], "loss": [(1, 0.5), (2, 0.25)]},
    ),
    "one column": ("loss\n0.5\n\n0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),
    "steps in other words": ("Iteration,loss\n7.0,0.5\n", {"loss": [(7, 0.5)]}),
    "the surest name": ("iteration,loss,Step\n7,0.5,70\n", {"loss": [(70, 0.5)]}),
    "infinities": ("step,loss\n1,inf\n2,-Infinity\n", {"loss": [(1, math.inf), (2, -math.inf)]}),
    "no numbers": ("step,name,loss\n1,x,0.5\n2,,\n", {"loss": [(1, 0.5)]}),
    "two runs": (
        "step,loss\n1,0.5\n2,0.5\nstep,loss,lr\n1,0.25,3\n",
        {"loss": [(1, 0.5), (2, 0.5), (1, 0.25)], "lr": [(1, 3)]},
    ),
    "header only": ("step,loss\n", {}),
    "nothing": ("", {}),
}


@pytest.mark.parametrize("case", CSV)
def test_csv(tmp_path: Path, case: str) -> None:
    text, expected = CSV[case]
    source, found = read(tmp_path, "metrics.csv", text)
    assert found == expected
    assert source.problems == []


def test_a_step_that_goes_back_begins_a_new_event(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n1,1\n2,2\n2,3\n1,4\n5,5\n")
    found = [list(item.steps) for item in drain(CsvTable(path)) if isinstance(item, Metrics)]
    assert found == [[1, 2, 2], [1, 5]]


@pytest.mark.parametrize(
    ("text", "said", "count"),
    [
        (
            "step,loss\n1,0.5\n2\n3,1,1\n4,0.5\n",
            "2 rows were left out; the first at byte 16: 1 cell",
            2,
        ),
        ("step,loss\n1,0.5\nx,1\n4,0.5\n", "1 row was left out; the first at byte 16: the step", 2),
        ("step,loss\n1,0.5\nnan,1\n1.5,1\n1e30,1\n4,0.5\n", "3 rows were left out", 2),
        ("1,0.5\n2,0.25\n", "the first line names no columns", 0),
        ("a\0b,loss\n2,0.25\n", "is not text", 0),
        (",\n2,0.25\n", "the first line names no columns", 0),
    ],
)
def test_rubbish_in_csv(tmp_path: Path, text: str, said: str, count: int) -> None:
    source, found = read(tmp_path, "metrics.csv", text)
    assert len(found.get("loss", [])) == count
    ((place, sentence),) = source.problems
    assert place == source.name
    assert said in sentence


def test_offsets_point_at_rows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n1,0.5\n\n2,0.25\n")
    (item,) = drain(CsvTable(path))
    assert isinstance(item, Metrics)
    assert (item.offset, list(item.offsets)) == (10, [10, 17])


def test_a_header_that_grows(tmp_path: Path) -> None:
    """Lightning writes the whole file anew when a metric comes up (CSVLogger)."""
    path = tmp_path / "metrics.csv"
    path.write_text("step,train_loss\n9,0.5\n")
    source = CsvTable(path, ManualClock(3.0))
    assert points(drain(source)) == {"train_loss": [(9, 0.5)]}
    path.write_text("step,train_loss,val_loss\n9,0.5,\n19,0.25,\n19,,0.75\n")
    items = drain(source)
    assert kinds(items) == ["truncated"]
    assert points(items) == {"train_loss": [(9, 0.5), (19, 0.25)], "val_loss": [(19, 0.75)]}
    assert source.problems == []


JSONL: dict[str, tuple[str, Points]] = {
    "simpletuner": (
        '{"metrics":{"learning_rate":0.5,"train_loss":0.25},"schema_version":1,"step":7,'
        '"timestamp":"2026-08-21T10:00:00+00:00"}\n',
        {"metrics/learning_rate": [(7, 0.5)], "metrics/train_loss": [(7, 0.25)]},
    ),
    "nested": ('{"a": {"b": {"c": 1}}, "trainer": {"global_step": 3}}\n', {"a/b/c": [(3, 1.0)]}),
    "without steps": ('{"loss": 1}\n{"loss": 2}\n', {"loss": [(1, 1.0), (2, 2.0)]}),
    "a row without a step": ('{"step":5,"loss":1}\n{"loss":2}\n', {"loss": [(5, 1.0), (5, 2.0)]}),
    "nan and infinity": (
        '{"step":1,"a":NaN,"b":Infinity,"c":"-Infinity","d":"nan"}\n',
        {"a": [(1, _NAN)], "b": [(1, math.inf)], "c": [(1, -math.inf)], "d": [(1, _NAN)]},
    ),
    "no numbers": (
        '{"step":1,"a":true,"b":null,"c":"x","d":[1],"e":{}, "f":2}\n',
        {"f": [(1, 2.0)]},
    ),
    "two on a line": ('{"step":1,"a":1} {"step":2,"a":2}\n', {"a": [(1, 1.0), (2, 2.0)]}),
    "no line end": ('{"step":1,"a":1}\r\n{"step":2,"a":2}', {"a": [(1, 1.0), (2, 2.0)]}),
    "other letters": ('\ufeff{"step":1,"größe":1}\n', {"größe": [(1, 1.0)]}),
    "names of any kind": ('{"step":1,"":1,"[b]":2}\n', {"": [(1, 1.0)], "[b]": [(1, 2.0)]}),
    "large steps": ('{"step":9007199254740993,"a":1}\n', {"a": [(2**53 + 1, 1.0)]}),
    "no whole step": ('{"step":1.5,"iteration":3,"a":1}\n', {"a": [(3, 1.0)]}),
    "a huge number": ('{"step":1,"a":1' + "0" * 400 + ',"b":1e999}\n', {"b": [(1, math.inf)]}),
    "nothing": ("", {}),
}


@pytest.mark.parametrize("case", JSONL)
def test_json_lines(tmp_path: Path, case: str) -> None:
    text, expected = JSONL[case]
    source, found = read(tmp_path, "training_metrics.jsonl", text)
    assert found == expected
    assert source.problems == []


@pytest.mark.parametrize(
    "rubbish",
    [
        "x",
        "[1]",
        '{"step":2,"a":}',
        '"text"',
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"a":1' + "0" * 6000 + "}",
        "\0",
        "}",
    ],
    ids=lambda text: text[:12],
)
def test_rubbish_in_json_lines(tmp_path: Path, rubbish: str) -> None:
    text = f'{{"step":1,"a":1}}\n{rubbish}\n{{"step":3,"a":3}}\n'
    source, found = read(tmp_path, "log.jsonl", text)
    assert found == {"a": [(1, 1.0), (3, 3.0)]}
    ((_, sentence),) = source.problems
    assert sentence.startswith("1 row was left out; the first at byte 17")


def test_a_line_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE", 100)
    for extra in (1, 60, 100, 101, 250, 1000):
        long = '{"step":2,"a":"' + "x" * (86 + extra) + '"}\n'
        text = '{"step":1,"a":1}\n' + long + '{"step":3,"a":3}\n'
        source, found = read(tmp_path, f"{extra}.jsonl", text)
        assert found == {"a": [(1, 1.0), (3, 3.0)]}
        assert "a line of more than 100 bytes" in source.problems[0][1]


def test_two_hundred_megabytes_without_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        file.truncate(200_000_000)  # takes no room on the disk
        file.seek(0, os.SEEK_END)
        file.write(b'\n{"step":3,"a":3}\n')
    source = JsonLines(path)
    found = source.poll()
    while source.share() is not None:
        found += source.poll()
    assert points(found) == {"a": [(3, 3.0)]}
    assert len(source.problems) == 1


CUTS: list[tuple[str, str]] = [
    ("metrics.csv", LIGHTNING),
    ("metrics.csv", "\ufeffstep;größe\r\n1;0,5\r\nrubbish\r\nstep;b\r\n3;4\r\n"),
    ("log.jsonl", '{"step":1,"größe":NaN}\n{"step":2,"a":{"b":1}}{"c":12}\n\nx\n{"d":5}'),
    ("log.jsonl", '{"step":1,"a":1} }\n{"step":2,"a":2}\n'),
    ("trainer_state.json", ""),  # filled in below
]


def state(entries: list[dict[str, object]], **more: object) -> str:
    return json.dumps({"global_step": 5, **more, "log_history": entries, "max_steps": 9}, indent=2)


HISTORY: list[dict[str, object]] = [
    {"epoch": 0.5, "learning_rate": 1e-4, "loss": 0.5, "step": 10},
    {"epoch": 1.0, "grad_norm": math.nan, "loss": 0.25, "step": 20},
    {"eval_loss": 0.75, "größe": 12, "step": 20},
]


@pytest.mark.parametrize(("name", "text"), CUTS, ids=range(len(CUTS)))
def test_cut_anywhere_and_gone_on(tmp_path: Path, name: str, text: str) -> None:
    data = (text or state(HISTORY)).encode()
    (tmp_path / "whole").mkdir()
    source, whole = read(tmp_path / "whole", name, data)
    problems = [sentence for _, sentence in source.problems]
    assert whole
    for cut in range(len(data)):
        path = tmp_path / name
        path.unlink(missing_ok=True)
        path.write_bytes(data[:cut])
        source = open_table(path)
        first = drain(source)
        with path.open("ab") as file:
            file.write(data[cut:])
        assert points(first + drain(source)) == whole
        assert [sentence for _, sentence in source.problems] == problems


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300), name=st.sampled_from(["a.csv", "a.jsonl", "trainer_state.json"])
)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    heads = {"a.csv": b"step,loss\n", "a.jsonl": b"", "trainer_state.json": b'{"log_history":['}
    read(tmp_path_factory.mktemp("bytes"), name, heads[name] + data)


def test_trainer_state(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_text(state(HISTORY[:1]))
    source = TrainerState(path, ManualClock(1.0))
    assert points(drain(source)) == {
        "epoch": [(10, 0.5)],
        "learning_rate": [(10, 1e-4)],
        "loss": [(10, 0.5)],
    }
    assert drain(source) == []
    path.write_text(state(HISTORY, best_metric=0.123456))
    items = drain(source)
    assert kinds(items) == []
    assert points(items) == {
        "epoch": [(20, 1.0)],
        "grad_norm": [(20, _NAN)],
        "loss": [(20, 0.25)],
        "eval_loss": [(20, 0.75)],
        "größe": [(20, 12.0)],
    }
    path.write_text(state(HISTORY)[:100])  # being written anew
    assert drain(source) == []
    other = tmp_path / "other"
    other.write_text(state([*HISTORY, {"loss": 1.0, "step": 30}]))
    os.replace(other, path)
    items = drain(source)
    assert kinds(items) == []
    assert points(items) == {"loss": [(30, 1.0)]}
    path.write_text(state([{"loss": 2.0, "step": 1}]))
    items = drain(source)
    assert kinds(items) == ["truncated"]
    assert points(items) == {"loss": [(1, 2.0)]}
    path.unlink()
    assert kinds(drain(source)) == ["gone"]
    path.write_text(state([{"loss": 2.0, "step": 1}, {"loss": 3.0, "step": 2}]))
    items = drain(source)
    assert kinds(items) == ["back"]
    assert points(items) == {"loss": [(2, 3.0)]}
    assert source.problems == []


def test_trainer_state_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_state, "BUDGET", -1.0)
    source, found = read(tmp_path, "trainer_state.json", state(HISTORY))
    assert len(found["epoch"]) == 2
    assert source.share() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "there is no log_history"),
        ('{"log_history": [{"step": 1}, 5]}', "Not read from byte 30 on"),
        ('{"log_history": [{"step": 1}, {"a" 5}]}', "Not read from byte 30 on"),
    ],
)
def test_no_trainer_state(tmp_path: Path, text: str, said: str) -> None:
    source, _ = read(tmp_path, "trainer_state.json", text)
    assert said in source.problems[0][1]
    Path(source.name).write_text(state([{"loss": 1.0, "step": 2}]))
    assert points(drain(source)) == {"loss": [(2, 1.0)]}
    assert source.problems == []


def test_a_trainer_state_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_state, "_LARGEST", 100)
    source, found = read(tmp_path, "trainer_state.json", state(HISTORY))
    assert not found
    assert "larger than" in source.problems[0][1]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("trainer_state.json", "", TrainerState),
        ("a.CSV", "", CsvTable),
        ("a.tsv", "{", CsvTable),
        ("a.jsonl", "", JsonLines),
        ("a.log", '\n {"step": 1}', JsonLines),
        ("a.txt", "step,loss", CsvTable),
    ],
)
def test_which_reader(tmp_path: Path, name: str, content: str, kind: type) -> None:
    (tmp_path / name).write_text(content)
    assert type(open_table(tmp_path / name)) is kind
    assert type(open_table(tmp_path / "missing" / name)) is (CsvTable if ".log" in name else kind)


@pytest.mark.parametrize("make", [CsvTable, JsonLines, TrainerState])
def test_gone_and_unreadable(tmp_path: Path, make: Callable[[Path], Table]) -> None:
    source = make(tmp_path / "a")
    assert kinds(drain(source)) == ["gone"]
    (tmp_path / "a").mkdir()
    assert kinds(drain(source)) == ["unreadable"]
    assert drain(source) == []
    assert not source.over()
    source.close()


def test_too_many_columns(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(5000)]
    text = ",".join(["step", *names]) + "\n" + ",".join(["1"] * 5001) + "\n"
    source, found = read(tmp_path, "a.csv", text)
    assert len(found) == 4096
    assert "More than 4096 columns" in source.problems[0][1]
