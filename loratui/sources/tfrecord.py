"""Records of TensorFlow's framing: length, checksum of the length, data, checksum of the data.

The length has 8 bytes, each checksum 4, all little-endian; a checksum is CRC32C, rotated and
shifted so that data which hold checksums stay safe (tensorflow: core/lib/io/record_writer.h,
core/lib/hash/crc32c.h).
"""

from __future__ import annotations

import functools
import importlib
import re
import struct
from collections.abc import Callable

HEADER = 12
FRAME = 16
"""Bytes of a record around its data."""
DELTA = 0xA282EAD8
MASK = 0xFFFFFFFF
PLAUSIBLE = 1 << 22
"""A header found by searching is believed below this length in bytes."""

_LENGTH = struct.Struct("<QI")
# a length of 1 … 2**24 - 1: three bytes that are not all zero and five that are
_CANDIDATE = re.compile(rb"(?s)(?=(?!\0\0\0)...\0\0\0\0\0....)")


@functools.cache
def crc32c() -> Callable[[bytes], int]:
    """CRC32C of bytes: google-crc32c where it is installed, else a table, forty times slower."""
    try:
        value: Callable[[bytes], int] = importlib.import_module("google_crc32c").value
    except ImportError:
        return _slow
    return value


@functools.cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def _slow(data: bytes) -> int:
    table, crc = _table(), MASK
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ MASK


def masked(data: bytes) -> int:
    """The checksum as it stands in a file."""
    crc = crc32c()(data)
    return ((crc >> 15 | crc << 17) + DELTA) & MASK


def length_at(block: bytes, at: int) -> int | None:
    """Length in bytes of the data of the record at `at`; None if its checksum does not fit."""
    length, crc = _LENGTH.unpack_from(block, at)
    return int(length) if masked(block[at : at + 8]) == crc else None


def next_header(block: bytes) -> int | None:
    """Where in `block` the first plausible header with a fitting checksum begins."""
    for match in _CANDIDATE.finditer(block):
        if length_at(block, match.start()) is not None:
            return match.start()
    return None
