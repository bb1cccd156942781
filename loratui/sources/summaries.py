"""What an event of TensorBoard says: enough of its protobuf for scalars, all else is stepped over.

Field numbers from tensorboard: compat/proto/{event,summary,tensor,tensor_shape}.proto. A scalar
is `simple_value` (old writers, and torch by default) or a tensor with one element (new writers),
whose plugin is named only by the first event of a tag.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from loratui.sources.columns import MOST

_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")
_FORMATS = {  # DataType of tensor_content; 14 is bfloat16, the upper half of a float
    1: "<f",
    2: "<d",
    3: "<i",
    4: "<B",
    5: "<h",
    6: "<b",
    9: "<q",
    10: "<?",
    17: "<H",
    19: "<e",
    22: "<I",
    23: "<Q",
}
_FIXED = {5: _FLOAT, 6: _DOUBLE}  # float_val, double_val
_SIGNED = (7, 10)  # int_val, int64_val
_VARYING = (7, 10, 11, 16, 17)  # and bool_val, uint32_val, uint64_val
_HALF = 13  # half_val: the bits of a half or a bfloat16 as an integer
_SCALARS = b"scalars"


class Scalar(NamedTuple):
    """A value of an event, with its tag as it stands in the file."""

    tag: bytes
    value: float


class Occurrence(NamedTuple):
    """What an event holds: `wall_time` in seconds since the epoch."""

    wall_time: float
    step: int
    scalars: list[Scalar]


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and where it ends; ValueError if it does not end before `end`."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise ValueError("a number without an end")


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, begin of the value, its end); ValueError if they do not nest."""
    while at < end:
        key, at = varint(data, at, end)
        wire = key & 7
        if wire == 0:
            _, stop = varint(data, at, end)
        elif wire == 1:
            stop = at + 8
        elif wire == 2:
            length, at = varint(data, at, end)
            stop = at + length
        elif wire == 5:
            stop = at + 4
        else:
            raise ValueError("an unknown wire type")
        if stop > end:
            raise ValueError("a field longer than what holds it")
        yield key >> 3, wire, at, stop
        at = stop


def signed(value: int) -> int:
    """The 64 bits as a number with a sign."""
    return value - (1 << 64) if value >> 63 else value


def read_event(data: bytes, plugins: dict[bytes, bytes]) -> Occurrence:
    """An event's scalars; `plugins` (tag to plugin) is kept by the caller for the whole file.

    Raises ValueError if the bytes are no event.
    """
    wall_time, step = 0.0, 0
    scalars: list[Scalar] = []
    for number, wire, at, end in fields(data, 0, len(data)):
        if number == 1 and wire == 1:
            (wall_time,) = _DOUBLE.unpack_from(data, at)
        elif number == 2 and wire == 0:
            step = signed(varint(data, at, end)[0])
        elif number == 5 and wire == 2:
            for inner, kind, begin, stop in fields(data, at, end):
                if inner == 1 and kind == 2:
                    found = _value(data, begin, stop, plugins)
                    if found is not None:
                        scalars.append(found)
    return Occurrence(wall_time, step, scalars)


def usual(tag: bytes) -> bytes | None:
    """The bytes between step and value in the usual record of a tag, if it is a short one.

    Usual: one simple value, last in the event and with nothing but its tag before it.
    """
    inner = len(tag) + 7
    if not tag or inner > 125:
        return None
    return bytes((0x2A, inner + 2, 0x0A, inner, 0x0A, len(tag))) + tag + b"\x15"


def _value(data: bytes, at: int, end: int, plugins: dict[bytes, bytes]) -> Scalar | None:
    tag, plugin, value = b"", b"", None
    tensor: tuple[int, int] | None = None
    for number, wire, begin, stop in fields(data, at, end):
        if number == 1 and wire == 2:
            tag = data[begin:stop]
        elif number == 2 and wire == 5:
            (value,) = _FLOAT.unpack_from(data, begin)
        elif number == 8 and wire == 2:
            tensor = begin, stop
        elif number == 9 and wire == 2:
            plugin = _plugin(data, begin, stop)
    if plugin and len(plugins) < MOST:
        plugins[tag] = plugin
    if tensor is not None and plugins.get(tag, _SCALARS) == _SCALARS:
        value = _element(data, *tensor)
    return None if value is None else Scalar(tag, value)


def _plugin(data: bytes, at: int, end: int) -> bytes:
    for number, wire, begin, stop in fields(data, at, end):
        if number == 1 and wire == 2:
            for inner, kind, first, last in fields(data, begin, stop):
                if inner == 1 and kind == 2:
                    return data[first:last]
    return b""


def _element(data: bytes, at: int, end: int) -> float | None:
    """The only number of a tensor; None if it holds more, none, or text."""
    dtype = 0
    found: list[float | None] = []
    for number, wire, begin, stop in fields(data, at, end):
        if number == 1 and wire == 0:
            dtype = varint(data, begin, stop)[0]
        elif number in _FIXED and stop - begin == _FIXED[number].size:
            found.append(float(_FIXED[number].unpack_from(data, begin)[0]))
        elif number == 4 and wire == 2:
            found.append(_content(dtype, data[begin:stop]))
        elif (number == _HALF or number in _VARYING) and begin < stop:
            value, last = varint(data, begin, stop)
            if last != stop:
                return None
            if number == _HALF:
                found.append(_content(dtype, (value & 0xFFFF).to_bytes(2, "little")))
            else:
                found.append(float(signed(value) if number in _SIGNED else value))
        elif number != 2 and number != 3:
            return None
    return found[0] if len(found) == 1 else None


def _content(dtype: int, raw: bytes) -> float | None:
    if dtype == 14 and len(raw) == 2:
        return float(_FLOAT.unpack(b"\0\0" + raw)[0])
    layout = _FORMATS.get(dtype)
    if layout is None or struct.calcsize(layout) != len(raw):
        return None
    return float(struct.unpack(layout, raw)[0])
