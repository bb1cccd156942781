"""Event files: all layouts that writers produce, growth, damage, and folders of several files."""

from __future__ import annotations

import math
import os
import random
import struct
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loratui.core.clock import ManualClock
from loratui.core.events import Metrics, SourceChange
from loratui.sources import tfevents, tfrecord
from loratui.sources.summaries import read_event
from loratui.sources.tfevents import EventFile, EventFolder
from tests.sources.event_files import (
    NAME,
    crc,
    event,
    field,
    record,
    scalar,
    simple,
    start,
    tensor,
    varint,
    version,
    write,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "events"
KOHYA = FIXTURES / "events.out.tfevents.1795243207.vm.7477.0"
ONETRAINER = FIXTURES / "events.out.tfevents.1795243924.vm.10036.0"
HPARAMS = FIXTURES / "events.out.tfevents.1795240675.vm.30572.1"

Items = list[Metrics | SourceChange]


_NAN = math.nan  # one object, so that lists with it are equal


def drain(source: EventFile | EventFolder) -> Items:
    """All there is now."""
    found: Items = []
    while (items := source.poll()) or source.share() is not None:
        found += items
    return found


def series(items: Items) -> dict[str, list[tuple[int, float, int]]]:
    """(step, value, offset) by tag, in the order in which they came."""
    found = defaultdict(list)
    for item in items:
        if isinstance(item, Metrics):
            assert len(item.steps) == len(item.values) == len(item.offsets)
            assert list(item.steps) == sorted(item.steps)
            assert item.offset == item.offsets[0]
            values = [_NAN if math.isnan(value) else value for value in item.values]
            found[item.name] += zip(item.steps, values, item.offsets, strict=True)
    return dict(found)


def points(items: Items, tag: str = "loss") -> list[tuple[int, float]]:
    return [(step, value) for step, value, _ in series(items).get(tag, [])]


def kinds(items: Items) -> list[str]:
    return [item.kind for item in items if isinstance(item, SourceChange)]


def of_bytes(tmp_path: Path, *records: bytes) -> tuple[EventFile, Items]:
    source = EventFile(write(tmp_path, version() + b"".join(records)), ManualClock(1.0))
    return source, drain(source)


def test_checksums() -> None:
    # RFC 3720, B.4: CRC32C of 32 zeros, of 32 ones, of 0 … 31
    cases = {bytes(32): 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, bytes(range(32)): 0x46DD794E}
    for data, expected in cases.items():
        assert tfrecord.crc32c()(data) == expected
        assert tfrecord._slow(data) == expected
        assert tfrecord.masked(data) == crc(data)


def test_without_google_crc32c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    with monkeypatch.context() as patch:
        tfrecord.crc32c.cache_clear()
        patch.setattr(tfrecord.importlib, "import_module", missing)
        assert tfrecord.crc32c() is tfrecord._slow
        source, items = of_bytes(tmp_path, scalar(1, 0.5))
    tfrecord.crc32c.cache_clear()
    assert points(items) == [(1, 0.5)]
    assert not source.problems


FLOAT, DOUBLE = struct.pack("<f", 0.5), struct.pack("<d", 0.1)


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        (simple("loss", 0.5), 0.5),
        (simple("loss", math.inf), math.inf),
        (simple("loss", -math.inf), -math.inf),
        # torch, new_style: dtype, float_val packed
        (tensor("loss", b"\x08\x01" + field(5, FLOAT)), 0.5),
        (tensor("loss", b"\x08\x01" + b"\x2d" + FLOAT), 0.5),  # not packed
        (tensor("loss", b"\x08\x02" + field(6, DOUBLE)), 0.1),
        # TensorFlow 2: tensor_content, with an empty shape
        (tensor("loss", b"\x08\x01" + field(2, b"") + field(4, FLOAT)), 0.5),
        (tensor("loss", b"\x08\x02" + field(4, DOUBLE)), 0.1),
        (tensor("loss", b"\x08\x03" + field(7, varint(-3))), -3.0),
        (tensor("loss", b"\x08\x09" + b"\x50" + varint(-3)), -3.0),
        (tensor("loss", b"\x08\x13" + field(13, varint(0x3800))), 0.5),  # half
        (tensor("loss", b"\x08\x0e" + field(13, varint(0x3F00))), 0.5),  # bfloat16
        (tensor("loss", b"\x08\x0e" + field(4, b"\x00\x3f")), 0.5),
        (tensor("loss", b"\x08\x0a" + field(11, b"\x01")), 1.0),
        (tensor("loss", b"\x08\x01" + field(5, FLOAT), plugin=None), 0.5),
        # no scalars
        (tensor("loss", b"\x08\x01" + field(5, FLOAT * 2)), None),
        (tensor("loss", b"\x08\x01" + field(4, FLOAT * 2)), None),
        (tensor("loss", b"\x08\x01"), None),
        (tensor("loss", b"\x08\x03" + field(7, b"")), None),
        (tensor("loss", b"\x08\x07" + field(8, b"0.5")), None),
        (tensor("loss", b"\x08\x01" + field(5, FLOAT), plugin="hparams"), None),
        (tensor("loss", b"\x08\x01" + field(5, FLOAT), plugin="images"), None),
        (field(1, field(1, b"loss") + field(4, b"\x08\x01\x10\x01")), None),  # image
        (field(1, field(1, b"loss") + field(5, b"\x09" + DOUBLE)), None),  # histogram
    ],
)
@pytest.mark.parametrize("step", [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**40, -5])
def test_layouts(tmp_path: Path, summary: bytes, value: float | None, step: int) -> None:
    twice = record(event(step, summary)) * 2  # the second time the short way where there is one
    source, items = of_bytes(tmp_path, twice)
    assert points(items) == ([] if value is None else [(step, value)] * 2)
    assert not source.problems


def test_nan_is_kept(tmp_path: Path) -> None:
    _, items = of_bytes(tmp_path, scalar(1, math.nan), scalar(2, math.nan))
    assert [math.isnan(value) for _, value in points(items)] == [True, True]


def test_the_plugin_is_named_only_once(tmp_path: Path) -> None:
    body = b"\x08\x01" + field(5, FLOAT)
    summaries = [
        tensor("loss", body),
        tensor("curve", body, plugin="pr_curves"),
        tensor("loss", body, plugin=None),
        tensor("curve", body, plugin=None),
    ]
    _, items = of_bytes(tmp_path, *(record(event(n, s)) for n, s in enumerate(summaries)))
    assert set(series(items)) == {"loss", "wall_time"}
    assert points(items) == [(0, 0.5), (2, 0.5)]


def test_several_values_in_an_event_and_fields_in_any_order(tmp_path: Path) -> None:
    both = simple("loss", 0.5) + simple("lr", 0.25)
    swapped = b"\x10\x07" + field(5, simple("loss", 0.75)) + b"\x09" + struct.pack("<d", 9.0)
    late = field(1, b"\x15" + FLOAT + field(1, b"loss") + field(7, b"a node"))
    _, items = of_bytes(
        tmp_path, record(event(3, both)), record(swapped), record(event(8, late)), scalar(9, 1)
    )
    assert points(items) == [(3, 0.5), (7, 0.75), (8, 0.5), (9, 1.0)]
    assert points(items, "lr") == [(3, 0.25)]


@pytest.mark.parametrize("tag", ["a" * 118, "a" * 119, "a" * 300, "ö β", "a[b] *", "x/y"])
def test_tags_are_kept_as_written(tmp_path: Path, tag: str) -> None:
    _, items = of_bytes(tmp_path, scalar(1, 0.5, tag), scalar(200, 0.25, tag))
    assert points(items, tag) == [(1, 0.5), (200, 0.25)]


def test_a_tag_that_is_no_text(tmp_path: Path) -> None:
    _, items = of_bytes(tmp_path, record(event(1, simple(b"\xff\xfe", 0.5))))
    assert points(items, "\ufffd\ufffd") == [(1, 0.5)]


def test_wall_times_follow_the_first_tag(tmp_path: Path) -> None:
    _, items = of_bytes(
        tmp_path,
        *(scalar(n, 0.5, tag, 100.0 + n) for n in range(3) for tag in ("loss", "lr")),
    )
    assert points(items, "wall_time") == [(0, 100.0), (1, 101.0), (2, 102.0)]


def test_offsets_point_at_records(tmp_path: Path) -> None:
    path = write(tmp_path, version() + b"".join(scalar(n, n / 4) for n in range(300)))
    data = path.read_bytes()
    for step, value, offset in series(drain(EventFile(path)))["loss"]:
        (length,) = struct.unpack_from("<Q", data, offset)
        found = read_event(data[offset + 12 : offset + 12 + length], {})
        assert (found.step, found.scalars[0].value) == (step, value)


# real files


def test_kohya_with_nan() -> None:
    source = EventFile(KOHYA)
    found = series(drain(source))
    assert {name: len(each) for name, each in found.items()} == {
        "loss/current": 12,
        "loss/average": 12,
        "lr/textencoder": 12,
        "lr/unet": 12,
        "lr/group1": 12,
        "loss/epoch_average": 1,
        "wall_time": 12,
    }
    assert any(math.isnan(value) for _, value, _ in found["loss/current"])
    assert source.problems == []


def test_onetrainer_with_a_picture() -> None:
    found = series(drain(EventFile(ONETRAINER)))
    assert {"lr/unet_lora", "loss/train_step", "smooth_loss/train_step", "wall_time"} == set(found)
    assert len(found["lr/unet_lora"]) == 3


def test_hparams_say_nothing() -> None:
    source = EventFile(HPARAMS)
    assert drain(source) == []
    assert source.problems == []


def test_the_same_as_tensorboard() -> None:
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for path in sorted(FIXTURES.iterdir()):
        theirs = module.EventAccumulator(str(path), size_guidance={"scalars": 0})
        theirs.Reload()
        ours = series(drain(EventFile(path)))
        ours.pop("wall_time", None)
        assert set(ours) == set(theirs.Tags()["scalars"])
        for tag, each in ours.items():
            expected = [(point.step, point.value) for point in theirs.Scalars(tag)]
            assert repr([(step, value) for step, value, _ in each]) == repr(expected)


def test_what_tensorboards_own_writer_writes(tmp_path: Path) -> None:
    writer = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    summary = pytest.importorskip("tensorboard.compat.proto.summary_pb2")
    events = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    out = writer.EventFileWriter(str(tmp_path))
    for step in range(300):
        value = summary.Summary.Value(tag="loss/current", simple_value=step / 4)
        out.add_event(events.Event(step=step, summary=summary.Summary(value=[value])))
    out.close()
    found = drain(EventFolder(tmp_path))
    assert points(found, "loss/current") == [(step, step / 4) for step in range(300)]


# growth


@pytest.mark.parametrize(
    "data",
    [
        KOHYA.read_bytes()[:700],
        version() + scalar(1, 0.5) + record(event(2, simple("x" * 40, 2.0))) + scalar(2, 0.25),
        version() + start(3) + scalar(3, 0.5) + b"".join(scalar(n, 1.0) for n in (127, 128)),
    ],
    ids=["kohya", "two forms", "restart"],
)
def test_cut_anywhere_and_gone_on(tmp_path: Path, data: bytes) -> None:
    whole = series(drain(EventFile(write(tmp_path, data))))
    assert whole
    for cut in range(len(data)):
        path = write(tmp_path, data[:cut], f"{cut}.tfevents")
        source = EventFile(path)
        first = drain(source)
        assert source.problems == []
        assert source.share() is None
        with path.open("ab") as file:
            file.write(data[cut:])
        assert series(first + drain(source)) == whole
        assert source.problems == []


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_growing_by_pieces(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = KOHYA.read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    path = tmp_path_factory.mktemp("pieces") / NAME
    path.touch()
    source, found, begin = EventFile(path), [], 0
    for cut in [*cuts, len(content)]:
        with path.open("ab") as file:
            file.write(content[begin:cut])
        begin = cut
        found += drain(source)
    assert series(found) == series(drain(EventFile(KOHYA)))
    assert source.problems == []


def test_a_long_history_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfevents, "BLOCK", 1000)
    monkeypatch.setattr(tfevents, "BUDGET", -1.0)
    path = write(tmp_path, b"".join(scalar(n, 0.5) for n in range(200)))
    source = EventFile(path)
    shares, found = [], []
    while items := source.poll():
        found += items
        shares.append(source.share())
    assert [step for step, _ in points(found)] == list(range(200))
    assert len(shares) > 5
    assert shares[-1] is None
    assert shares[:-1] == sorted(share for share in shares if share is not None)


def test_an_unchanged_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = of_bytes(tmp_path, scalar(1, 0.5))
    monkeypatch.setattr(os, "open", None)
    assert source.poll() == []


def test_large_records_are_stepped_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfevents, "BLOCK", 500)
    monkeypatch.setattr(tfevents, "_LARGE", 5000)
    picture = [record(event(2, field(1, field(4, bytes(size))))) for size in (400, 3000, 9000)]
    mixed = record(event(3, field(1, field(4, bytes(3000))) + simple("loss", 0.75)))
    data = version() + scalar(1, 0.5) + b"".join(picture) + mixed + scalar(4, 0.25)
    source = EventFile(write(tmp_path, data))
    assert points(drain(source)) == [(1, 0.5), (3, 0.75), (4, 0.25)]
    for cut in range(len(data) - 9500, len(data), 97):
        path = write(tmp_path, data[:cut], f"{cut}.tfevents")
        source = EventFile(path)
        first = drain(source)
        with path.open("ab") as file:
            file.write(data[cut:])
        assert points(first + drain(source)) == [(1, 0.5), (3, 0.75), (4, 0.25)]
        assert source.problems == []


# damage


def damaged(data: bytes, at: int, by: bytes) -> bytes:
    return data[:at] + by + data[at + len(by) :]


RECORDS = [version(), *(scalar(n, n / 4) for n in range(1, 6))]
SECOND = len(RECORDS[0] + RECORDS[1])


@pytest.mark.parametrize(
    ("at", "by", "lost", "place"),
    [
        (
            SECOND + 20,
            b"\xff",
            {2},
            f"from byte {SECOND} to {SECOND + len(RECORDS[2])}",
        ),  # in the data
        (
            SECOND + len(RECORDS[2]) - 1,
            b"\x99",
            {2},
            f"from byte {SECOND} to {SECOND + len(RECORDS[2])}",
        ),
        (SECOND, b"\xff", {2}, f"from byte {SECOND} to {SECOND + len(RECORDS[2])}"),  # length
        (SECOND + 9, b"\xff", {2}, f"from byte {SECOND} to {SECOND + len(RECORDS[2])}"),
        (SECOND - 2, bytes(30), {1, 2}, f"to {SECOND + len(RECORDS[2])}"),
        (0, b"\xff" * 20, set(), "from byte 0 to"),
    ],
)
def test_a_wrong_checksum_is_said_once_and_reading_goes_on(
    tmp_path: Path, at: int, by: bytes, lost: set[int], place: str
) -> None:
    path = write(tmp_path, damaged(b"".join(RECORDS), at, by))
    source = EventFile(path)
    found = points(drain(source))
    assert {step for step, _ in found} == set(range(1, 6)) - lost
    assert place in source.problems[0][1]
    assert source.problems[0][0] == str(path)
    said = list(source.problems)
    with path.open("ab") as file:
        file.write(scalar(6, 1.5))
    assert points(drain(source)) == [(6, 1.5)]
    assert source.problems == said


def test_a_damaged_end_is_waited_for(tmp_path: Path) -> None:
    """On a network mount the end of a file may show zeros until its data arrive."""
    data = b"".join(RECORDS)
    for zeros in (10, 30, len(RECORDS[5]), len(RECORDS[5]) + 20):
        path = write(tmp_path, data[:-zeros] + bytes(zeros), f"{zeros}.tfevents")
        source = EventFile(path)
        first = drain(source)
        assert len(source.problems) == 1
        path.write_bytes(data + scalar(6, 1.5))
        assert [step for step, _ in points(first + drain(source))] == [1, 2, 3, 4, 5, 6]
        assert len(source.problems) == 1


@pytest.mark.parametrize("size", [1, 11, 12, 16, 40, 5000, 300_000, 5_000_000])
def test_a_file_of_anything(tmp_path: Path, size: int) -> None:
    path = write(tmp_path, random.Random(size).randbytes(size))
    source = EventFile(path)
    assert drain(source) == []
    assert len(source.problems) == (size >= 16)
    with path.open("ab") as file:
        file.write(scalar(1, 0.5) + scalar(2, 0.5))
    if size >= 16:
        assert points(drain(source)) == [(1, 0.5), (2, 0.5)]


def test_zeros_at_length(tmp_path: Path) -> None:
    path = write(tmp_path, version() + scalar(1, 0.5) + bytes(400_000) + scalar(2, 0.5))
    source = EventFile(path)
    assert points(drain(source)) == [(1, 0.5), (2, 0.5)]
    assert len(source.problems) == 1


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, KOHYA.stat().st_size - 1), by=st.binary(min_size=1, max_size=60))
def test_damage_anywhere_loses_only_what_it_hits(
    tmp_path_factory: pytest.TempPathFactory, at: int, by: bytes
) -> None:
    content = KOHYA.read_bytes()
    broken = damaged(content, at, by)[: len(content)]
    source = EventFile(write(tmp_path_factory.mktemp("damage"), broken))
    whole = {(tag, *p[::2]) for tag, each in series(drain(EventFile(KOHYA))).items() for p in each}
    found = {(tag, *p[::2]) for tag, each in series(drain(source)).items() for p in each}
    # wall times follow the first tag, which may be another one now
    whole, found = ({p for p in each if p[0] != "wall_time"} for each in (whole, found))
    assert found - whole == set()
    hit = {p for p in whole if at - 100 <= p[2] < at + len(by)}
    assert whole - found <= hit
    assert bool(source.problems) == (broken != content)


def test_a_whole_record_that_is_no_event(tmp_path: Path) -> None:
    wrong = [b"\xff" * 9, b"\x2a\x7f", b"\x0b", b"\x09\x00", b"\x80" * 30, b"\x2a\x02\x0a\x09"]
    source, items = of_bytes(tmp_path, *map(record, wrong), scalar(1, 0.5))
    assert points(items) == [(1, 0.5)]
    assert len(source.problems) == 1
    assert f"byte {len(version())} is whole but no event" in source.problems[0][1]


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_value_error(data: bytes) -> None:
    try:
        read_event(data, {})
    except ValueError:
        return


def test_too_many_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfevents, "MOST", 3)
    source, items = of_bytes(tmp_path, *(scalar(n, 0.5, f"tag{n}") for n in range(5)), scalar(6, 1))
    assert set(series(items)) == {"tag0", "tag1", "tag2", "wall_time"}
    assert len(source.problems) == 1


# the file itself


def test_shrunk_replaced_gone_and_back(tmp_path: Path) -> None:
    path = write(tmp_path, version() + scalar(1, 0.5) + scalar(2, 0.5))
    source = EventFile(path, ManualClock(7.0))
    drain(source)
    path.write_bytes(version() + scalar(9, 0.25))
    items = drain(source)
    assert kinds(items) == ["truncated"]
    assert points(items) == [(9, 0.25)]
    path.write_bytes(version(2.0) + b"".join(scalar(n, 0.125) for n in range(10)))
    items = drain(source)
    assert kinds(items) == ["truncated"]  # though longer than before
    assert len(points(items)) == 10
    other = write(tmp_path, version() + scalar(20, 0.5), "other")
    os.replace(other, path)
    items = drain(source)
    assert kinds(items) == ["replaced"]
    assert points(items) == [(20, 0.5)]
    content = path.read_bytes()
    os.rename(path, other)
    assert kinds(drain(source)) == ["gone"]
    os.rename(other, path)
    assert kinds(drain(source)) == ["back"]  # and nothing twice
    path.unlink()
    drain(source)
    path.write_bytes(content + scalar(21, 0.5))
    assert "back" in kinds(items := drain(source))
    assert (21, 0.5) in points(items)
    assert source.problems == []


def test_empty_and_missing(tmp_path: Path) -> None:
    source = EventFile(tmp_path / NAME)
    assert kinds(drain(source)) == ["gone"]
    write(tmp_path, b"")
    assert kinds(drain(source)) == ["back"]
    assert source.share() is None
    write(tmp_path, scalar(1, 0.5))
    assert points(drain(source)) == [(1, 0.5)]


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = EventFile(write(tmp_path, scalar(1, 0.5)))

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        items = drain(source)
        assert kinds(items) == ["unreadable"]
        assert "Permission denied" in str(items[0])
    assert points(drain(source)) == [(1, 0.5)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert kinds(drain(EventFile(tmp_path / NAME))) == ["unreadable"]


# restarts and folders


def test_a_step_that_goes_back_begins_a_new_event(tmp_path: Path) -> None:
    _, items = of_bytes(
        tmp_path,
        *(scalar(n, 0.5) for n in (1, 2, 2, 3)),
        start(2),
        *(scalar(n, 0.25) for n in (2, 3)),
    )
    found = [item for item in items if isinstance(item, Metrics) and item.name == "loss"]
    assert [list(item.steps) for item in found] == [[1, 2, 2, 3], [2, 3]]


def test_files_of_a_folder_in_the_order_of_their_start(tmp_path: Path) -> None:
    clock = ManualClock(1.0)
    write(tmp_path, scalar(1, 0.5) + scalar(2, 0.5), "events.out.tfevents.1000.vm.9.0")
    write(tmp_path, scalar(2, 0.25), "events.out.tfevents.20000.vm.1.0")
    write(tmp_path / "sub" / "deep", scalar(7, 1.0, "x"), "events.out.tfevents.3000.vm.1.0")
    write(tmp_path, b"no events", "train.log")
    folder = EventFolder(tmp_path, clock)
    items = drain(folder)
    names = [Path(item.source).name for item in items if item.name != "wall_time"]
    assert [name.split(".")[3] for name in names] == ["1000", "3000", "20000"]
    assert points(items) == [(1, 0.5), (2, 0.5), (2, 0.25)]
    later = write(tmp_path / "new", scalar(3, 0.75), "events.out.tfevents.30000.vm.1.0")
    assert drain(folder) == []
    clock.advance(5.0)
    assert points(drain(folder)) == [(3, 0.75)]
    with later.open("ab") as file:
        file.write(scalar(4, 0.75))
    assert points(drain(folder)) == [(4, 0.75)]
    later.unlink()
    assert kinds(drain(folder)) == ["gone"]
    clock.advance(5.0)
    assert drain(folder) == []
    assert folder.problems == []
    assert folder.share() is None
    folder.close()


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    clock = ManualClock(1.0)
    folder = EventFolder(tmp_path / "logs", clock)
    assert kinds(drain(folder)) == ["gone"]
    write(tmp_path / "logs", scalar(1, 0.5))
    clock.advance(5.0)
    items = drain(folder)
    assert kinds(items) == ["back"]
    assert points(items) == [(1, 0.5)]
    os.rename(tmp_path / "logs", tmp_path / "moved")
    clock.advance(5.0)
    assert kinds(drain(folder)) == ["gone"]
    os.rename(tmp_path / "moved", tmp_path / "logs")
    clock.advance(5.0)
    assert kinds(drain(folder)) == ["back"]


def test_links_to_folders_do_not_lead_in_circles(tmp_path: Path) -> None:
    write(tmp_path / "a", scalar(1, 0.5))
    os.symlink(tmp_path, tmp_path / "a" / "again")
    assert points(drain(EventFolder(tmp_path))) == [(1, 0.5)]


def test_each_file_gets_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        write(tmp_path, scalar(n, 0.5), f"events.out.tfevents.{n}.vm.1.0")
    folder = EventFolder(tmp_path, ManualClock(1.0))
    folder.poll()
    ticks = iter(range(1000))
    monkeypatch.setattr(tfevents.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(tfevents, "BUDGET", 3.0)
    for n in range(5):
        with (tmp_path / f"events.out.tfevents.{n}.vm.1.0").open("ab") as file:
            file.write(scalar(n + 10, 0.5))
    found: Items = []
    for _ in range(10):
        found += folder.poll()
    assert sorted(step for step, _ in points(found)) == [10, 11, 12, 13, 14]
