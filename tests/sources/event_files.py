"""Writes event files as TensorBoard's writers do, with a checksum of its own kind."""

from __future__ import annotations

import struct
from pathlib import Path

NAME = "events.out.tfevents.1795241310.vm.2265.0"


def crc(data: bytes) -> int:
    """CRC32C bit by bit, masked: slow, and apart from what is tested."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", crc(length)) + data + struct.pack("<I", crc(data))


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(step: int, summary: bytes = b"", time: float = 1.0, more: bytes = b"") -> bytes:
    out = b"\x09" + struct.pack("<d", time)
    if step:
        out += b"\x10" + varint(step)
    out += more
    return out + (field(5, summary) if summary else b"")


def simple(tag: str | bytes, value: float) -> bytes:
    name = tag.encode() if isinstance(tag, str) else tag
    return field(1, field(1, name) + b"\x15" + struct.pack("<f", value))


def metadata(plugin: str) -> bytes:
    return field(9, field(1, field(1, plugin.encode())))


def tensor(tag: str, body: bytes, plugin: str | None = "scalars") -> bytes:
    last = metadata(plugin) if plugin is not None else b""
    return field(1, field(1, tag.encode()) + field(8, body) + last)


def scalar(step: int, value: float, tag: str = "loss", time: float = 1.0) -> bytes:
    """A whole record as torch's SummaryWriter.add_scalar writes it."""
    return record(event(step, simple(tag, value), time))


def version(time: float = 1.0) -> bytes:
    return record(event(0, time=time, more=field(3, b"brain.Event:2")))


def start(step: int) -> bytes:
    """SessionLog.START, which torch writes for `purge_step`."""
    return record(event(step, more=field(7, b"\x08\x01")))


def write(folder: Path, data: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path
