"""Files of numbers that trainers write beside their console: TensorBoard, JSONL, CSV, SQLite.

Event files hold records as TensorFlow's TFRecord frames them: length, its checksum, the data, its
checksum, with masked CRC32C. Summaries are the fields of tensorboard's event.proto.
"""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Pieces = list[tuple[int, bytes]]
"""What is appended at each step, as (step, bytes)."""

EVENTS = "events.out.tfevents.1795241310.vm.2265.0"
_BEGAN = 1795241289.0


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


_CRC = _table()


def checksum(data: bytes) -> int:
    """CRC32C of `data`, masked as TFRecord does."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return b"".join(
        (length, struct.pack("<I", checksum(length)), data, struct.pack("<I", checksum(data)))
    )


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _scalar(step: int, tag: str, value: float, time: float) -> bytes:
    body = _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value)
    event = b"\x09" + struct.pack("<d", time) + b"\x10" + _varint(step)
    return _record(event + _field(5, _field(1, body)))


def events(rows: Iterable[tuple[int, float, Mapping[str, float]]]) -> Pieces:
    """An event file of (step, seconds, tag -> value)."""
    version = b"\x09" + struct.pack("<d", _BEGAN) + _field(3, b"brain.Event:2")
    found: Pieces = [(0, _record(version))]
    for step, time, values in rows:
        data = b"".join(_scalar(step, tag, v, _BEGAN + time) for tag, v in values.items())
        if data:
            found.append((step, data))
    return found


def json_lines(rows: Iterable[tuple[int, float, Mapping[str, float]]]) -> Pieces:
    """SimpleTuner's training_metrics.jsonl: keys sorted, values that are not finite left out."""
    found: Pieces = []
    for step, time, values in rows:
        kept = {key: value for key, value in sorted(values.items()) if math.isfinite(value)}
        stamp = f"2026-11-21T{6 + int(time) // 3600 % 18:02d}:{int(time) // 60 % 60:02d}:00+00:00"
        row = {"metrics": kept, "schema_version": 1, "step": step, "timestamp": stamp}
        found.append((step, json.dumps(row, sort_keys=True).encode() + b"\n"))
    return found


def csv(columns: Sequence[str], rows: Iterable[tuple[int, float, Mapping[str, float]]]) -> Pieces:
    """Lightning's metrics.csv: one row a step, empty cells for what was not logged."""
    found: Pieces = [(0, ",".join((*columns, "step")).encode() + b"\n")]
    for step, _time, values in rows:
        cells = [repr(values[name]) if name in values else "" for name in columns]
        found.append((step, ",".join((*cells, str(step))).encode() + b"\n"))
    return found


def database(rows: Iterable[tuple[int, float, Mapping[str, float]]]) -> Pieces:
    """ai-toolkit's loss_log.db as rows, which `insert` writes."""
    return [(step, json.dumps([_BEGAN + time, dict(v)]).encode()) for step, time, v in rows]


def insert(path: Path, pieces: Pieces) -> None:
    """Add rows to a loss_log.db; it is made with the tables of toolkit/logging_aitk.py."""
    known = path.exists()
    connection = sqlite3.connect(path)
    with connection:
        if not known:
            connection.executescript(
                "PRAGMA journal_mode=WAL;"
                "CREATE TABLE steps (step INTEGER PRIMARY KEY, wall_time REAL NOT NULL);"
                "CREATE TABLE metric_keys (key TEXT PRIMARY KEY, first_seen_step INTEGER, "
                "last_seen_step INTEGER);"
                "CREATE TABLE metrics (step INTEGER, key TEXT, value_real REAL, value_text TEXT, "
                "PRIMARY KEY (step, key));"
                "CREATE INDEX idx_metrics_key_step ON metrics (key, step);"
            )
        for step, data in pieces:
            time, values = json.loads(data)
            connection.execute("INSERT INTO steps VALUES (?, ?)", (step, time))
            for key, value in values.items():
                connection.execute(
                    "INSERT INTO metric_keys VALUES (?, ?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET last_seen_step = ?",
                    (key, step, step, step),
                )
                value = value if math.isfinite(value) else None
                connection.execute("INSERT INTO metrics VALUES (?, ?, ?, NULL)", (step, key, value))
    connection.close()
