"""Bytes to text: trainers read UTF-8, editors write other things."""

from __future__ import annotations

import codecs

from loratui.configs.base import Fault, Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WINDOWS = ("batch", "powershell")  # read in the code page of the machine, or as UTF-16
_MARK = "a byte order mark in front of the first key"


def decode(data: bytes, kind: str) -> tuple[str, str, list[Fault]]:
    """(text, encoding, faults); the encoding is empty for UTF-8, line ends become one `\\n`."""
    encoding, faults = "", []
    for mark, name in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :]
            encoding = "utf-8-sig" if name == "utf-8" else name
            break
    else:
        encoding = _without_mark(data)
    try:
        text = data.decode(encoding.replace("-sig", "") or "utf-8")
    except UnicodeDecodeError as error:
        if encoding.startswith("utf-16"):
            raise Unreadable(0, "", "not readable as UTF-16") from None
        text = data.decode("latin-1")
        line = data.count(b"\n", 0, error.start) + 1
        encoding = "latin-1"
        if kind not in _WINDOWS:
            faults.append(Fault(line, "", "not UTF-8: trainers stop here (read as Latin-1)"))
    if "\0" in text[:4096]:
        raise Unreadable(0, "", "no text file")
    if encoding.startswith("utf-16") and kind not in _WINDOWS:
        faults.append(Fault(1, "", "saved as UTF-16: trainers read UTF-8"))
    elif encoding == "utf-8-sig" and kind in ("toml", "json"):
        faults.append(Fault(1, "", f"saved with {_MARK}: save it as UTF-8 without one"))
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding, faults


def _without_mark(data: bytes) -> str:
    """UTF-16 without its mark, as every other byte of plain text is zero then."""
    head = data[:400]
    if len(head) < 4 or b"\0" not in head:
        return ""
    for name, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        share = head[at::2]
        if share.count(0) > 0.9 * len(share) and head[1 - at :: 2].count(0) == 0:
            return name
    return ""
