"""A notebook's outputs are a log that grows at each save."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from loratui.core.clock import ManualClock
from loratui.core.events import Batch, SourceChange
from loratui.sources.cells import EVERY, Cells, outputs


def notebook(*outputs: dict) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown"}, {"outputs": list(outputs)}]})


STREAM = {"output_type": "stream", "name": "stderr", "text": ["steps: 1/10\r", "steps: 2/10"]}
FAILED = {"output_type": "error", "traceback": ["Traceback …", "\x1b[31mValueError\x1b[0m: x"]}
RESULT = {"data": {"text/plain": ["'done'"], "image/png": "AAAA"}}


def test_all_texts_in_order() -> None:
    said = list(outputs(json.loads(notebook(STREAM, RESULT, FAILED))))
    assert said == [
        "steps: 1/10\rsteps: 2/10\n", "'done'\n", "Traceback …\n\x1b[31mValueError\x1b[0m: x\n",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [[], {}, {"cells": 3}, "x", None])
def test_what_is_no_notebook(value: object) -> None:
    with pytest.raises(ValueError, match="no cells"):
        list(outputs(value))


@pytest.mark.parametrize("cells", [[3], [{"outputs": 3}], [{"outputs": [3, {"text": 5}]}]])
def test_odd_cells_say_nothing(cells: object) -> None:
    assert list(outputs({"cells": cells})) == []


def save(path: Path, text: str, when: float) -> None:
    path.write_text(text)
    os.utime(path, (when, when))


def test_each_save_adds_what_is_new(tmp_path: Path) -> None:
    path, clock = tmp_path / "train.ipynb", ManualClock(0.0)
    save(path, notebook(STREAM), 1)
    source = Cells(path, clock)
    (first,) = source.poll()
    assert isinstance(first, Batch)
    assert not first.fresh
    assert source.poll() == []
    save(path, notebook(STREAM, RESULT), 2)
    clock.advance(EVERY)
    (second,) = source.poll()
    assert isinstance(second, Batch)
    assert (second.data, second.offset, second.fresh) == (b"'done'\n", len(first.data), True)
    save(path, notebook(FAILED), 3)
    clock.advance(EVERY)
    change, again = source.poll()
    assert isinstance(change, SourceChange)
    assert change.kind == "replaced"
    assert isinstance(again, Batch)
    assert again.offset == 0


def test_a_half_written_save_is_waited_for(tmp_path: Path) -> None:
    path, clock = tmp_path / "train.ipynb", ManualClock(0.0)
    save(path, notebook(STREAM)[:30], 1)
    source = Cells(path, clock)
    (fault,) = source.poll()
    assert isinstance(fault, SourceChange)
    assert fault.kind == "unreadable"
    clock.advance(EVERY)
    assert source.poll() == []
    save(path, notebook(STREAM), 2)
    clock.advance(EVERY)
    back, batch = source.poll()
    assert isinstance(back, SourceChange)
    assert back.kind == "back"
    assert isinstance(batch, Batch)
    path.unlink()
    clock.advance(EVERY)
    (gone,) = source.poll()
    assert isinstance(gone, SourceChange)
    assert gone.kind == "gone"
