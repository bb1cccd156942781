"""Every failure text of every trainer, as it prints it, is recognised with the right finding."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console
from rich.traceback import Traceback

from tests.detectors.logs import LAUNCHER, findings, first, logged, rows, traced

LINES = rows("lines")
EXCEPTIONS = rows("exceptions")
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
BAR = "\rsteps:   1%|▏         | 1/100 [00:01<01:39,  1.00s/it, avr_loss=0.116]"


def prefixed(prefix):
    return lambda text: "".join(f"{prefix}{line}\n" for line in text.splitlines())


# how the same text reaches a log
WAYS = {
    "as printed": lambda text: text,
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "glued to a bar": lambda text: BAR + text,
    "behind a container's name": prefixed("trainer-1  | "),
    "behind a time": prefixed("2026-01-05T10:00:01.250000000Z "),
    "behind a rank": prefixed("[rank0]: "),
    "from a log view": prefixed("[2026-01-05 10:00:01] [INFO] "),
}


def boxed(text, width):
    """The exception as rich prints it on a console of `width` columns."""
    name, _, message = text.partition(": ")
    kind = type(name.rsplit(".", 1)[-1], (Exception,), {})
    try:
        raise kind(message)
    except kind as error:
        shown = Traceback.from_exception(kind, error, error.__traceback__)
    out = io.StringIO()
    Console(file=out, width=width).print(shown)
    return out.getvalue()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", LINES, ids=str)
def test_a_line_is_recognised(row, way):
    assert first(WAYS[way](f"{row.text}\n")) == row.finding


@pytest.mark.parametrize("width", [80, 120, 500])
@pytest.mark.parametrize("row", [row for row in LINES if row.level], ids=str)
def test_a_wrapped_record_is_recognised(row, width):
    assert first(logged(row.text, LEVELS[row.level], width)) == row.finding


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", EXCEPTIONS, ids=str)
def test_an_exception_is_recognised(row, way):
    log = traced(row.text, row.frames)
    assert first(WAYS[way](log)) == row.finding
    assert first(WAYS[way](log + LAUNCHER)) == row.finding


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("row", [row for row in EXCEPTIONS if not row.frames], ids=str)
def test_a_boxed_exception_is_recognised(row, width):
    assert first(boxed(row.text, width)) == row.finding


def test_what_a_trainer_only_warns_of_is_no_error():
    warned = [row for row in LINES if row.level == "warning"]
    assert len(warned) >= 10
    for row in warned:
        log = logged(row.text, logging.WARNING)
        found = {each.id: each.severity.word for each in findings(log)}
        assert found[row.finding] in ("info", "warning")
